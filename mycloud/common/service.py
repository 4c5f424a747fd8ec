"""One RPC service: its row in the database, its RPC servers, its periodic work.

The order of a start is the promise: wait for the conductor, report in with a new epoch,
``init_host``, listen, resume what an earlier life left, ``after_start``, periodic work.
"""

import logging
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import oslo_messaging as messaging
from oslo_config import cfg

from mycloud.common import clock, concurrency, context, exceptions, rpc
from mycloud.common.launcher import Launchable

LOG = logging.getLogger(__name__)

T = TypeVar("T")
PeriodicTask = tuple[float, Callable[[Any], None]]


class Manager(Protocol):
    """What a service's manager offers; see ComputeManager for an example."""

    topic: str
    binary: str
    role: str
    target: messaging.Target

    def init_host(self, owner: Any) -> None: ...
    def after_start(self) -> None: ...
    def stop(self) -> None: ...
    def periodic_tasks(self) -> list[PeriodicTask]: ...
    def run_operation(self, ctxt: Any, operation_id: str) -> None: ...


class Registration(Protocol):
    """The versioned object of a service's row (objects.service.Service)."""

    id: str
    epoch: str

    def heartbeat(self) -> bool: ...


class Hooks(Protocol):
    """What this module needs of the objects above it."""

    def wait_until_ready(self, ctxt: Any) -> None: ...
    def register(self, ctxt: Any, values: dict[str, Any]) -> Registration: ...
    def owner(self, registration: Registration, host: str) -> Any: ...
    def to_resume(
        self, ctxt: Any, manager: Manager, owner: Any, patience: float
    ) -> list[str]: ...
    def endpoints(self, manager: Manager) -> list[Any]: ...


class Service(Launchable):
    """Runs one manager on one host. ``serve`` may be called once."""

    def __init__(self, manager: Manager, host: str, hooks: Hooks):
        self.manager = manager
        self.host = host
        self.epoch = clock.new_id()
        self._hooks = hooks
        self._server: Any = None
        self._stopping = concurrency.Event()
        self._tasks: list[concurrency.Task[Any]] = []
        self._registration: Registration | None = None
        self._owner: Any = None
        self._patience_ends: float | None = None

    def serve(self) -> None:
        """Start; returns when the service listens.

        :raises RuntimeError: when called twice
        """
        if self._server is not None:
            raise RuntimeError(f"{self.manager.binary} on {self.host} is already served")
        with context.role(self.manager.role):
            self._start()

    def start(self) -> None:
        """What a launcher calls."""
        self.serve()

    def reset(self) -> None:
        """The options have changed, maybe because of an upgrade elsewhere."""
        rpc.forget_oldest()

    def set_worker(self, number: int) -> None:
        """One of several workers on a host: it has a row, and so an epoch, of its own."""
        self.epoch = clock.new_id()
        if number:
            self.host = f"{self.host}/{number}"

    def _start(self) -> None:
        ctxt = context.admin_context()
        self._hooks.wait_until_ready(ctxt)
        self._registration = self._insist(
            self._hooks.register,
            ctxt,
            {
                "host": self.host,
                "binary": self.manager.binary,
                "topic": self.manager.topic,
                "epoch": self.epoch,
                "availability_zone": cfg.CONF.default_availability_zone
                if self.manager.topic in ("compute", "volume")
                else None,
            },
        )
        owner = self._hooks.owner(self._registration, self.host)
        self.manager.init_host(owner)
        self._server = rpc.server(
            self.manager.role,
            messaging.Target(topic=self.manager.topic, server=self.host),
            self._hooks.endpoints(self.manager),
        )
        self._server.start()
        self._owner = owner
        self._insist(self._take_up, ctxt, 0)
        self._insist(self.manager.after_start)
        # init_host may have taken longer than a silent service counts as up
        self._insist(self._report, ctxt)
        self._spawn_periodic(cfg.CONF.report_interval, self._report, fuzzy=False)
        self._spawn_periodic(cfg.CONF.take_up_interval, self._take_up, fuzzy=False)
        if cfg.CONF.periodic_enable:
            for interval, task in self.manager.periodic_tasks():
                self._spawn_periodic(interval, task, fuzzy=True)
        LOG.info("%s on %s is ready", self.manager.binary, self.host)

    def _take_up(self, ctxt: Any, patience: float | None = None) -> None:
        """Begin what an earlier life left, and what waits here without its bell being heard."""
        if patience is None:
            patience = cfg.CONF.take_up_interval
        for operation_id in self._hooks.to_resume(ctxt, self.manager, self._owner, patience):
            LOG.info("Taking up operation %s", operation_id)
            self._spawn(self.manager.run_operation, context.admin_context(), operation_id)

    def _insist(self, fn: Callable[..., T], *args: Any) -> T:
        """Call a function until the conductor, the bus and the database answer: a start waits
        for them, it does not fail because of them."""
        while True:
            try:
                return fn(*args)
            except exceptions.CONTROL_PLANE_GONE as error:
                LOG.warning("%s is not ready yet: %s", self.manager.binary, error)
                if self._stopping.wait(1):
                    raise

    def _spawn(self, fn: Callable[..., Any], *args: Any) -> None:
        self._tasks = [task for task in self._tasks if not task.done]
        self._tasks.append(concurrency.spawn(fn, *args))

    def _spawn_periodic(
        self, interval: float, task: Callable[[Any], None], *, fuzzy: bool
    ) -> None:
        self._spawn(self._periodic, interval, task, fuzzy)

    def _periodic(self, interval: float, task: Callable[[Any], None], fuzzy: bool) -> None:
        """One of the four doors: a periodic task that fails is logged and runs again."""
        pause = min(interval, cfg.CONF.periodic_interval_max)
        delay = clock.fraction() * cfg.CONF.periodic_fuzzy_delay if fuzzy else pause
        while not self._stopping.wait(delay):
            delay = pause
            try:
                task(context.admin_context())
            except exceptions.Unavailable as error:
                LOG.warning("%s is put off: %s", task.__name__, error)
            except Exception:
                LOG.exception("Periodic task %s failed", task.__name__)

    def _report(self, ctxt: Any) -> None:
        if self._registration is not None and not self._registration.heartbeat():
            LOG.error(
                "Another process has taken over %s on %s", self.manager.binary, self.host
            )

    def stop(self) -> None:
        """Stop listening, let what is under way end, then stop the manager.

        What has not ended after ``graceful_shutdown_timeout_seconds`` is left to the journal.
        """
        self._stopping.set()
        if self._server is not None:
            server = self._server
            server.stop()
            self._end(concurrency.spawn(server.wait), "messages")
        with context.role(self.manager.role):
            self.manager.stop()

    def wait(self) -> None:
        """Wait until ``stop`` is called and all work has ended."""
        self._stopping.wait()
        for task in self._tasks:
            self._end(task, "work")

    def _end(self, task: concurrency.Task[Any], what: str) -> None:
        if self._patience_ends is None:
            self._patience_ends = (
                clock.monotonic() + cfg.CONF.graceful_shutdown_timeout_seconds
            )
        if not task.ended(max(0, self._patience_ends - clock.monotonic())):
            LOG.warning(
                "%s on %s leaves %s unfinished", self.manager.binary, self.host, what
            )
