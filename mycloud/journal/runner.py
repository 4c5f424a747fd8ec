"""Runs the steps of an operation: journalled before and after, undone after a failure.

A step says by itself, from the host and never from the record, whether it is already done; so a
worker that takes over after a ``kill -9`` just runs the same steps again.
"""

import contextlib
import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mycloud.common import concurrency, exceptions
from mycloud.common.context import RequestContext
from mycloud.common.undo import UndoStack
from mycloud.objects.operation import Operation
from mycloud.privileged import client as privileged

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Step:
    """One thing to do. ``done`` asks the host whether it has been done already; ``undo`` may come
    where nothing has been done."""

    name: str
    do: Callable[[], None]
    done: Callable[[], bool] = _never
    undo: Callable[[], None] | None = None


@dataclass(frozen=True)
class Plan:
    """The steps of an operation, and what its end changes in the resource."""

    steps: Sequence[Step]
    #: columns of the resource after success; asked for once all steps are done
    result: Callable[[], dict[str, Any]] = field(default=dict)
    #: columns of the resource after a failure or a cancellation was undone
    after_failure: Callable[[], dict[str, Any]] = field(default=dict)
    #: who does the next part of the operation, once all steps are done: topic, host and maybe
    #: payload; nothing: this was the last part
    then: Callable[[], dict[str, Any]] = field(default=dict)


@dataclass(frozen=True)
class Owner:
    """Who runs: a service's id, its epoch, and the name of its host."""

    service_id: str
    epoch: str
    host: str


class Planner(Protocol):
    """Makes the plan of an operation; one for each kind."""

    def __call__(self, context: RequestContext, operation: Operation) -> Plan: ...


Ring = Callable[[RequestContext, dict[str, Any]], None]


class Turns:
    """Work on one thing (a server, a volume) is done one after another."""

    def __init__(self) -> None:
        self._guard = concurrency.Lock()
        #: name -> its lock, and how many have it or wait for it
        self._locks: dict[str, tuple[Any, int]] = {}

    @contextlib.contextmanager
    def of(self, name: str) -> Iterator[bool]:
        """Wait for the turn, and have it for the block; whether there was anything to wait for."""
        with self._guard:
            lock, count = self._locks.get(name, (None, 0))
            lock = lock or concurrency.Lock()
            self._locks[name] = (lock, count + 1)
        try:
            with lock:
                yield count > 0
        finally:
            with self._guard:
                lock, count = self._locks.pop(name)
                if count > 1:
                    self._locks[name] = (lock, count - 1)


class Runner:
    """Claims operations and runs their plans for one service."""

    def __init__(
        self,
        owner: Owner,
        planners: dict[str, Planner],
        ring: Ring,
        *,
        turns: "Turns | None" = None,
    ):
        """``turns``: those that the service's other work takes too."""
        self.owner = owner
        self._planners = planners
        self._ring = ring
        self._under_way: set[str] = set()
        self._turns = turns or Turns()
        self._stopping = concurrency.Event()

    def stop(self) -> None:
        """Wait no longer for a control plane that is gone."""
        self._stopping.set()

    def run(self, context: RequestContext, operation_id: str) -> None:
        """Answer a doorbell. One that rings twice, or too late, does nothing.

        While the bus or the database is gone it waits and goes on from what the host says.
        """
        if operation_id in self._under_way:
            return
        self._under_way.add(operation_id)
        context.operation_id = operation_id
        context.update_store()
        try:
            with privileged.operation(operation_id):
                bells = self._persist(context, operation_id)
        finally:
            self._under_way.discard(operation_id)
        for bell in bells:
            self._ring(context, bell)

    def _persist(self, context: RequestContext, operation_id: str) -> list[dict[str, Any]]:
        again = False
        while True:
            try:
                operation = Operation.claim(
                    context, operation_id, self.owner.service_id, self.owner.epoch, again=again
                )
                if operation is None:
                    LOG.debug("Operation %s is not to be claimed", operation_id)
                    return []
                with self._turns.of(operation.turn) as waited:
                    LOG.info("%s of %s starts", operation.kind, operation.resource_id)
                    return self._run(context, operation, late=waited)
            except exceptions.OperationLost:
                LOG.warning("Another worker took the operation over; leaving it alone")
                return []
            except exceptions.CONTROL_PLANE_GONE as error:
                LOG.warning("%s The operation goes on when it is back.", error)
                # whatever it was, it may have been committed: this owner may have it already
                again = True
                if self._stopping.wait(RETRY_SECONDS):
                    # the journal has it: the next life takes it up
                    return []

    def _run(
        self, context: RequestContext, operation: Operation, *, late: bool
    ) -> list[dict[str, Any]]:
        """This is the door for what a step raises; the undo runs, the reason is kept.

        ``late``: it has waited since it was claimed.
        """
        begun: list[Step] = []
        plan = Plan(steps=())
        mine = (context, operation.id, self.owner.epoch)
        try:
            plan = self._planners[operation.kind](context, operation)
            if late:
                # its time begins now; or it has run out, and nothing is to be done any more
                operation.go_on()
            skipped: list[str] = []
            for step in plan.steps:
                begun.append(step)
                if step.done():
                    # journalled together with what comes next: one message less
                    skipped.append(step.name)
                    continue
                operation.begin(step.name, self.owner.host, skipped)
                skipped = []
                step.do()
            to = plan.then()
            if to:
                bells = operation.send_on(self.owner.host, skipped, to)
            else:
                bells = operation.finish(self.owner.host, skipped, plan.result())
        except exceptions.OperationLost:
            raise
        except exceptions.CONTROL_PLANE_GONE:
            # the bus or the database is gone: the journal still has the operation, and whoever
            # takes it up asks the host what is done
            raise
        except exceptions.OperationCancelled:
            undone = _undo(plan.steps if operation.has_past else begun)
            LOG.info("%s was cancelled; undone: %s", operation.kind, undone)
            return Operation.cancelled(*mine, undone, changes=plan.after_failure())
        except Exception as error:
            LOG.exception("%s of %s failed", operation.kind, operation.resource_id)
            # what comes after the step that failed may have been done by an earlier life
            undone = _undo(plan.steps if operation.has_past else begun)
            return Operation.fail(*mine, {**_failure(error, plan), "undone": undone})
        LOG.info("%s of %s is done", operation.kind, operation.resource_id)
        return bells


def _undo(steps: Sequence[Step]) -> list[str]:
    """Undo them, the last one first; the names of those where it worked."""
    undo = UndoStack()
    for step in steps:
        undo.push(step.name, step.undo)
    undone, _ = undo.run()
    return undone


def _failure(error: Exception, plan: Plan) -> dict[str, Any]:
    known = isinstance(error, exceptions.MycloudError)
    return {
        "code": error.code if known else exceptions.MycloudError.code,
        "status": error.status if known else exceptions.MycloudError.status,
        "message": (
            # a foreign error may drag a trace along; the person who asked gets its first line
            error.message if known else f"{type(error).__name__}: {error}".splitlines()[0]
        ),
        "traceback": "".join(traceback.format_exception(error)),
        "changes": plan.after_failure(),
        "final": known and error.final,
    }
