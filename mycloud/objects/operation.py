"""An operation of the journal, as its worker sees it.

Every method is one transaction where the database is. What changes the operation also checks
that the worker still owns it: OperationLost tells a worker to stop and leave everything alone.
"""

import datetime
from typing import Any

from oslo_utils import versionutils
from oslo_versionedobjects import fields

from mycloud.common import clock, exceptions, states
from mycloud.common.states import Op, StepState
from mycloud.db import engine, journal, services, settle
from mycloud.db import servers as db_servers
from mycloud.db import volumes as db_volumes
from mycloud.objects import base
from mycloud.objects.server import Server
from mycloud.objects.volume import Volume


@base.Registry.register
class Operation(base.MycloudObject):
    #: 1.1: second_id, volume and first_step
    VERSION = "1.1"
    seq: int
    fields = {
        "id": fields.StringField(),
        "kind": fields.StringField(),
        "resource_type": fields.StringField(),
        "resource_id": fields.StringField(),
        "second_id": fields.StringField(nullable=True),
        "project_id": fields.StringField(nullable=True),
        "user_id": fields.StringField(nullable=True),
        "request_id": fields.StringField(),
        "state": fields.StringField(),
        "topic": fields.StringField(),
        "host": fields.StringField(nullable=True),
        "owner": fields.StringField(nullable=True),
        "owner_epoch": fields.StringField(nullable=True),
        "attempt": fields.IntegerField(),
        "cancel_requested": fields.BooleanField(),
        "payload": base.JsonField(),
        "seq": fields.IntegerField(),
        "server": fields.ObjectField("Server", nullable=True),
        "volume": fields.ObjectField("Volume", nullable=True),
        # journalled with the claim: most operations begin with the same step every time
        "first_step": fields.StringField(nullable=True),
    }
    #: whether its owner has begun a step; known to the worker alone
    _under_way = False

    @classmethod
    @base.remotable
    def claim(
        cls, context: Any, operation_id: str, owner: str, epoch: str, *, again: bool = False
    ) -> "Operation | None":
        """Own a pending operation, or one of the owner's earlier life; None if it is neither.

        ``again``: also one that this very owner has, whose end it could not journal.
        The step that it begins with, if it always does, is journalled too. ``server`` or
        ``volume`` holds the one that it is about.
        """
        now = clock.now()
        with engine.writer() as conn:
            resumed = journal.claim(conn, operation_id, owner, epoch, again=again)
            if resumed is None:
                return None
            row = journal.get(conn, operation_id)
            seq = journal.last_seq(conn, operation_id)
            if resumed:
                # a step of an earlier life has no end of its own; it gets a new number now
                journal.end_running_steps(
                    conn, operation_id, StepState.FAILED, now, detail="the service was restarted"
                )
            first = None if resumed else states.FIRST_STEP.get(row["kind"])
            if first is not None:
                seq += 1
                step = {
                    "seq": seq,
                    "name": first,
                    "host": row["host"] or services.get(conn, owner)["host"],
                    "attempt": row["attempt"],
                    "state": StepState.RUNNING,
                }
                journal.insert_steps(conn, operation_id, [step], now)
            server = volume = None
            if row["resource_type"] == "server":
                server = Server.from_row(
                    context, db_servers.get(conn, row["resource_id"], deleted=True)
                )
            elif row["resource_type"] == "volume":
                volume = Volume.from_row(
                    context, db_volumes.get(conn, row["resource_id"], deleted=True)
                )
        return cls.from_row(
            context, row, seq=seq, server=server, volume=volume, first_step=first
        )

    def obj_make_compatible(self, primitive: dict[str, Any], target_version: str) -> None:
        super().obj_make_compatible(primitive, target_version)
        if versionutils.convert_version_to_tuple(target_version) < (1, 1):
            primitive.pop("second_id", None)
            primitive.pop("volume", None)
            primitive.pop("first_step", None)

    @property
    def turn(self) -> str:
        """What else of this is worked on meanwhile waits: a server, or a volume."""
        found: str = (
            self.payload.get("turn") or self.payload.get("volume_id") or self.resource_id
        )
        return self.resource_id if self.resource_type == "server" else found

    @property
    def has_past(self) -> bool:
        """Whether somebody may have done any of its steps before this claim."""
        return bool(self.seq > (self.first_step is not None))

    # The methods below are remotable by id: an operation with its server inside is kilobytes,
    # and a worker journals every step.

    def begin(self, name: str, host: str, skipped: list[str]) -> None:
        """Journal that the step before is done and that this one starts.

        ``skipped``: steps in between that the host says are done already.

        :raises OperationLost: when another worker owns the operation
        :raises OperationCancelled: when a later request wants it undone
        """
        if name == self.first_step and not self._under_way:
            self._under_way = True
            return
        steps = self._skipped(host, skipped)
        steps.append(self._step(name, host, StepState.RUNNING))
        self.begin_steps(
            self._context, self.id, self.owner_epoch, steps,
            first=not self._under_way and self.first_step is None,
        )
        self._under_way = True

    def go_on(self) -> None:
        """Say that a long step is still at work: the operation's time begins anew.

        :raises OperationLost: when another worker owns the operation
        :raises OperationCancelled: when a later request wants it undone
        """
        self.extend(self._context, self.id, self.owner_epoch)

    @classmethod
    @base.remotable
    def extend(cls, context: Any, operation_id: str, epoch: str) -> None:
        """See ``go_on``."""
        with engine.writer() as conn:
            row = journal.hold(conn, operation_id, epoch)
            journal.extend(conn, row, clock.now())
        if row["cancel_requested"]:
            raise exceptions.OperationCancelled(operation_id=operation_id)

    def finish(
        self, host: str, skipped: list[str], changes: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """End in success: the last step, the resource and the operation, all at once.

        ``changes``: columns of the resource. Returns the bells of the operations that waited for
        this one (id, topic, host).

        :raises OperationLost: when another worker owns the operation
        """
        steps = self._skipped(host, skipped)
        return self.succeed(self._context, self.id, self.owner_epoch, changes, steps=steps)

    def send_on(
        self, host: str, skipped: list[str], to: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """End this service's part: another one does the next. ``to``: topic, host and maybe
        payload. Returns the bell to ring.

        :raises OperationLost: when another worker owns the operation
        :raises OperationCancelled: when a later request wants it undone
        """
        steps = self._skipped(host, skipped)
        return self.pass_on(self._context, self.id, self.owner_epoch, to, steps=steps)

    def take_all_time(self, **payload: Any) -> None:
        """From now on only its own services end the operation: nobody else could know what has
        come of it. ``payload``: what whoever takes it up must know, added to its own.

        :raises OperationLost: when another worker owns the operation
        """
        self.take_time(self._context, self.id, self.owner_epoch, payload)
        self.payload.update(payload)

    def _skipped(self, host: str, names: list[str]) -> list[dict[str, Any]]:
        return [
            self._step(name, host, StepState.SKIPPED)
            for name in names
            # it is in the journal as running, and ends with what comes next
            if self._under_way or name != self.first_step
        ]

    def _step(self, name: str, host: str, state: StepState) -> dict[str, Any]:
        self.seq += 1
        return {
            "seq": self.seq,
            "name": name,
            "host": host,
            "attempt": self.attempt,
            "state": state.value,
        }

    @classmethod
    @base.remotable
    def begin_steps(
        cls,
        context: Any,
        operation_id: str,
        epoch: str,
        steps: list[dict[str, Any]],
        *,
        first: bool,
    ) -> None:
        """See ``begin``. ``first``: no step of this owner runs yet."""
        now = clock.now()
        with engine.writer() as conn:
            row = journal.hold(conn, operation_id, epoch)
            if not first:
                journal.end_running_steps(conn, operation_id, StepState.DONE, now)
            cancelled = row["cancel_requested"]
            if not cancelled:
                journal.insert_steps(conn, operation_id, steps, now)
        if cancelled:
            raise exceptions.OperationCancelled(operation_id=operation_id)

    @classmethod
    @base.remotable
    def succeed(
        cls,
        context: Any,
        operation_id: str,
        epoch: str,
        changes: dict[str, Any],
        *,
        steps: list[dict[str, Any]],
    ) -> list[dict[str, Any]]:
        """See ``finish``."""
        now = clock.now()
        with engine.writer() as conn:
            row = journal.hold(conn, operation_id, epoch)
            journal.end_running_steps(conn, operation_id, StepState.DONE, now)
            journal.insert_steps(conn, operation_id, steps, now)
            return settle.close(conn, row, Op.SUCCEEDED, {"changes": changes}, now)

    @classmethod
    @base.remotable
    def pass_on(
        cls,
        context: Any,
        operation_id: str,
        epoch: str,
        to: dict[str, Any],
        *,
        steps: list[dict[str, Any]],
    ) -> list[dict[str, Any]]:
        """See ``send_on``."""
        now = clock.now()
        with engine.writer() as conn:
            row = journal.hold(conn, operation_id, epoch)
            journal.end_running_steps(conn, operation_id, StepState.DONE, now)
            journal.insert_steps(conn, operation_id, steps, now)
            cancelled = row["cancel_requested"]
            if not cancelled:
                journal.send_on(conn, operation_id, to, now)
        if cancelled:
            raise exceptions.OperationCancelled(operation_id=operation_id)
        return [{"id": operation_id, "topic": to["topic"], "host": to["host"]}]

    @classmethod
    @base.remotable
    def take_time(
        cls, context: Any, operation_id: str, epoch: str, payload: dict[str, Any]
    ) -> None:
        """See ``take_all_time``."""
        with engine.writer() as conn:
            row = journal.hold(conn, operation_id, epoch)
            journal.take_all_time(conn, row, payload)

    @classmethod
    @base.remotable
    def cancelled(
        cls, context: Any, operation_id: str, epoch: str, undone: list[str], *,
        changes: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """End as undone, because a later request replaced it; returns the bells to ring.

        ``changes``: columns of the resource.
        """
        now = clock.now()
        with engine.writer() as conn:
            row = journal.hold(conn, operation_id, epoch)
            journal.mark_undone(conn, operation_id, undone, now)
            reason = "A later request on the same resource replaced it."
            ended = {"reason": reason, "changes": changes or {}}
            return settle.close(conn, row, Op.CANCELLED, ended, now)

    @classmethod
    @base.remotable
    def to_resume(
        cls, context: Any, owner: str, epoch: str, bell: list[str], patience: float
    ) -> list[str]:
        """Ids of what a service takes up by itself, oldest first.

        ``bell``: topic and host. ``patience``: seconds for which what is pending is left to the
        doorbell.
        """
        topic, host = bell
        before = clock.now() - datetime.timedelta(seconds=patience)
        with engine.reader() as conn:
            return journal.to_resume(conn, owner, epoch, bell=(topic, host), before=before)

    @classmethod
    @base.remotable
    def fail(
        cls, context: Any, operation_id: str, epoch: str, failure: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """End in failure, or go to the next ranked host.

        ``failure``: code, status, message, traceback, undone (names of steps) and changes
        (columns of the resource). Returns what to ring: waiting operations, or this one for its
        next host.

        :raises OperationLost: when another worker owns the operation
        """
        now = clock.now()
        with engine.writer() as conn:
            row = journal.hold(conn, operation_id, epoch)
            journal.end_running_steps(
                conn,
                operation_id,
                StepState.FAILED,
                now,
                detail=failure["message"],
                traceback=failure.get("traceback"),
            )
            journal.mark_undone(conn, operation_id, failure["undone"], now)
            return settle.fail(conn, row, failure, now)

