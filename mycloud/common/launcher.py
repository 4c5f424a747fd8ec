"""Runs services: in this process, or in forked workers that are started again when they die.

A service has ``start()``, ``stop()``, ``wait()`` and ``reset()``; an optional ``set_worker(n)``
tells it which of the workers it is. oslo.service has launchers too, but its two backends differ
in what they promise (on SIGHUP, and on who forks), and one of them forks with threads running.

Signals: SIGTERM and SIGINT drain and end; SIGHUP reads the options anew (``mutate``) or starts
the workers anew (``reload``).
"""

import abc
import gc
import logging
import os
import select
import signal
import sys
from collections import deque

from oslo_config import cfg
from oslo_service import systemd

from mycloud.common import clock, concurrency, signals

LOG = logging.getLogger(__name__)

MUTATE = "mutate"
RELOAD = "reload"

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Seconds between two looks after workers whose SIGCHLD might have been missed.
_LOOK_SECONDS = 1.0


class Launchable(abc.ABC):
    """The base of what a launcher runs."""

    @abc.abstractmethod
    def start(self) -> None:
        """Begin; returns when it works."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Take nothing new, end what is under way; called once."""

    def wait(self) -> None:  # noqa: B027 - optional
        """Wait until everything has ended after ``stop``."""

    def reset(self) -> None:  # noqa: B027
        """The options have changed."""

    def set_worker(self, number: int) -> None:  # noqa: B027
        """It runs in that worker process, counted from 0; called before ``start``."""


def launch(
    service: Launchable, *, workers: int | None = 1, restart_method: str = MUTATE
) -> "ServiceLauncher | ProcessLauncher":
    """Start the service in that many processes; call ``wait()`` on what is returned.

    One worker runs in this very process.

    :raises TypeError: it is no service
    :raises ValueError: fewer than one worker, or a restart method that there is not
    """
    if workers is not None and workers <= 0:
        raise ValueError(f"there must be at least one worker, not {workers}")
    launcher: ServiceLauncher | ProcessLauncher
    if workers is None or workers == 1:
        launcher = ServiceLauncher(restart_method)
    else:
        launcher = ProcessLauncher(restart_method)
    launcher.launch_service(service, workers=workers or 1)
    return launcher


def _check(service: Launchable, restart_method: str) -> None:
    if not isinstance(service, Launchable):
        raise TypeError(f"{service!r} is not a service: it must be a {Launchable.__name__}")
    if restart_method not in (MUTATE, RELOAD):
        raise ValueError(f"there is no restart method {restart_method!r}")


def _read_options_anew() -> None:
    try:
        changed = cfg.CONF.mutate_config_files()
    except cfg.Error as error:
        LOG.error("The options are kept as they were: %s", error)
        return
    for (group, name), (old, new) in changed.items():
        LOG.info("Option [%s]/%s is now %s (was %s)", group or "DEFAULT", name, new, old)


class ServiceLauncher:
    """Runs services in this process. ``wait`` gives the exit status after the end."""

    def __init__(self, restart_method: str = MUTATE):
        self._restart_method = restart_method
        self._services: list[Launchable] = []
        self._box: signals.SignalBox | None = None
        self._stop_asked = False

    def launch_service(self, service: Launchable, *, workers: int | None = 1) -> None:
        """Start one more service.

        :raises TypeError: it is no service
        :raises ValueError: more than one worker: those need a ProcessLauncher
        :raises Exception: what the service raised because it can't start; it is logged
        """
        _check(service, self._restart_method)
        if workers not in (None, 1):
            raise ValueError(f"services in this process have one worker, not {workers}")
        if self._box is None:
            self._box = signals.SignalBox(_SIGNALS)
        self._services.append(service)
        _start(service)

    def stop(self) -> None:
        """Make ``wait`` end."""
        self._stop_asked = True
        if self._box is not None:
            self._box.wake()

    def wait(self) -> int:
        """Serve until SIGTERM, SIGINT or ``stop``; drains, then gives the exit status."""
        assert self._box is not None, "nothing was launched"
        systemd.notify_once()
        # what is there now stays: to look through it all again would halt everything for a
        # tenth of a second
        gc.collect()
        gc.freeze()
        while not self._stop_asked:
            number = self._box.wait()
            if number == signal.SIGHUP:
                _read_options_anew()
                for service in self._services:
                    service.reset()
            elif number is not None:
                LOG.info("%s: ending", signal.Signals(number).name)
                self._stop_asked = True
        # who needs the others ends first
        for service in reversed(self._services):
            service.stop()
        for service in reversed(self._services):
            service.wait()
        gc.unfreeze()
        self._box.close()
        return 0


def _start(service: Launchable) -> None:
    """Start it; an error is logged and ends the process with status 1, as it goes up."""
    started = False
    try:
        service.start()
        started = True
    finally:
        if not started:
            LOG.critical("%s can't start", type(service).__name__, exc_info=True)


class _Child:
    """What the launcher knows of a worker."""

    def __init__(self, pid: int, number: int):
        self.pid, self.number = pid, number


class ProcessLauncher:
    """Runs a service in worker processes and keeps their number.

    A worker that ends is started again, but no more than ``workers`` in a second. Workers end
    within a second when this process dies: they watch a pipe whose other end is only here.
    """

    def __init__(self, restart_method: str = MUTATE):
        self._restart_method = restart_method
        self._service: Launchable | None = None
        self._workers = 0
        self._children: dict[int, _Child] = {}
        self._forked: deque[float] = deque()
        self._box: signals.SignalBox | None = None
        self._life_read, self._life_write = os.pipe()
        self._ready_read, self._ready_write = os.pipe()
        self._stop_asked = False

    @property
    def pids(self) -> list[int]:
        """The workers' pids."""
        return sorted(self._children)

    def launch_service(self, service: Launchable, *, workers: int = 1) -> None:
        """Fork the workers.

        :raises TypeError: it is no service
        :raises RuntimeError: this launcher has a service already
        """
        _check(service, self._restart_method)
        if self._service is not None:
            raise RuntimeError("a process launcher runs one service")
        self._service, self._workers = service, workers
        self._box = signals.SignalBox((*_SIGNALS, signal.SIGCHLD))
        # what is there now is never garbage: workers share its pages
        gc.freeze()
        for number in range(workers):
            self._fork(number)

    def stop(self) -> None:
        """Make ``wait`` end."""
        self._stop_asked = True
        if self._box is not None:
            self._box.wake()

    def wait(self) -> int:
        """Keep the workers alive until SIGTERM, SIGINT or ``stop``; gives the exit status."""
        assert self._box is not None, "nothing was launched"
        ready = 0
        while not self._stop_asked:
            if ready < self._workers:
                ready += self._newly_ready()
                if ready >= self._workers:
                    systemd.notify_once()
            number = self._box.wait(0.02 if ready < self._workers else _LOOK_SECONDS)
            if number == signal.SIGHUP:
                self._hang_up()
            elif number in (signal.SIGTERM, signal.SIGINT):
                LOG.info("%s: ending the workers", signal.Signals(number).name)
                break
            for child in self._reap():
                self._fork(child.number)
        self._end_children()
        self._box.close()
        for end in (self._life_read, self._life_write, self._ready_read, self._ready_write):
            os.close(end)
        return 0

    def _newly_ready(self) -> int:
        if not select.select([self._ready_read], [], [], 0)[0]:
            return 0
        return len(os.read(self._ready_read, self._workers))

    def _hang_up(self) -> None:
        _read_options_anew()
        again = signal.SIGTERM if self._restart_method == RELOAD else signal.SIGHUP
        for pid in self._children:
            _send(pid, again)

    def _reap(self) -> list[_Child]:
        """The workers that have ended."""
        ended = []
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                pid, status = 0, 0
            if not pid:
                break
            child = self._children.pop(pid, None)
            if child is not None:
                LOG.info("Worker %d (pid %d) ended: %s", child.number, pid, _how(status))
                ended.append(child)
        return ended

    def _fork(self, number: int) -> None:
        self._throttle()
        pid = os.fork()
        if pid:
            LOG.info("Worker %d has pid %d", number, pid)
            self._children[pid] = _Child(pid, number)
            return
        status = 1
        try:
            status = self._be_child(number)
        finally:
            # whatever happened, a worker must not run on into its parent's code
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _throttle(self) -> None:
        """At most as many forks in a second as there are workers."""
        now = clock.monotonic()
        if len(self._forked) >= self._workers:
            pause = self._forked[0] + 1 - now
            if pause > 0:
                LOG.info("Forking too fast, sleeping")
                concurrency.sleep(pause)
            self._forked.popleft()
        self._forked.append(clock.monotonic())

    def _be_child(self, number: int) -> int:
        concurrency.after_fork()
        clock.reseed()
        os.close(self._life_write)
        os.close(self._ready_read)
        os.environ.pop("NOTIFY_SOCKET", None)
        assert self._service is not None and self._box is not None
        self._box.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        concurrency.spawn(_die_with_parent, self._life_read)
        self._service.set_worker(number)
        launcher = ServiceLauncher(MUTATE)
        launcher.launch_service(self._service)
        os.write(self._ready_write, b"!")
        return launcher.wait()

    def _end_children(self) -> None:
        for pid in self._children:
            _send(pid, signal.SIGTERM)
        until = clock.monotonic() + cfg.CONF.graceful_shutdown_timeout_seconds + 5
        while self._children:
            self._reap()
            if clock.monotonic() > until:
                for pid in self._children:
                    LOG.warning("Worker pid %d does not end: killing it", pid)
                    _send(pid, signal.SIGKILL)
                until += 5
            concurrency.sleep(0.02)


def _die_with_parent(pipe: int) -> None:
    """Nobody ever writes: it can be read when the last writer, the parent, is gone."""
    select.select([pipe], [], [])
    os._exit(1)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it will be reaped


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"status {os.waitstatus_to_exitcode(status)}"
