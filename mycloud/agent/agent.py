"""The agent of one host: its parts, its verbs, its life."""

from __future__ import annotations

import logging
from typing import Any, Protocol, runtime_checkable

from mycloud.agent import privilege, verbs
from mycloud.agent.executor import Executor
from mycloud.agent.hooks import Hooks
from mycloud.agent.host import Host
from mycloud.agent.registry import Registry
from mycloud.common import exceptions

LOG = logging.getLogger(__name__)


class Part(Protocol):
    """Something that lives as long as the agent: a sampler, a monitor, a port ..."""

    def start(self) -> None:
        """Begin; returns when it works."""

    def stop(self) -> None:
        """End; called once, and only after ``start``."""


@runtime_checkable
class Publishing(Protocol):
    """A part of which the control plane is told something."""

    def published(self) -> dict[str, Any]:
        """What is told, among the capabilities of the host."""


class Agent:
    """Answers verbs. ``start`` starts the parts in their order, ``stop`` ends them in reverse."""

    def __init__(self, host: Host, registry: Registry | None = None):
        """:raises VerbBroken: a verb can't be offered"""
        self.host = host
        self.registry = registry or Registry.load(verbs)
        self._parts: list[Part] = []
        self._started: list[Part] = []

    def add(self, part: Part) -> None:
        """Let a part live with the agent; ``host.part`` finds it by its class."""
        self._parts.append(part)
        self.host.parts[type(part)] = part

    def start(self) -> None:
        """Start all parts; if one can't, those before it are stopped again.

        :raises Exception: what that part raised
        """
        whole = False
        try:
            for part in self._parts:
                part.start()
                self._started.append(part)
            whole = True
        finally:
            if not whole:
                self.stop()
        LOG.info("The agent of %s answers %d verbs", self.host.name, len(self.registry.names))

    def stop(self) -> None:
        """Stop what was started, the last one first."""
        while self._started:
            part = self._started.pop()
            LOG.debug("Stopping %s of %s", type(part).__name__, self.host.name)
            part.stop()

    def call(self, name: str, params: Any, *, timeout: float) -> Any:
        """What a verb gives, within that many seconds; it runs in a worker.

        :raises VerbNotFound: :raises BadField: :raises VerbTimedOut: :raises TooManyTasks:
        :raises HookRefused: the operator's hook before it says no
        :raises MycloudError: what the verb raises
        :raises VerbFailed: it has a fault of its own
        """
        given = self.registry.check(name, params)
        verb = self.registry.get(name)

        def run() -> Any:
            with privilege.translated():
                return verb.function(self.host, **given)

        def run_hooked() -> Any:
            hooks, event = self.host.part(Hooks), name.replace(".", "_")
            hooks.before(event, {"params": given})
            result = run()
            hooks.after(event, {"params": given, "result": result})
            return result

        job = self.host.part(Executor).submit(
            run_hooked if verb.changes else run, name=name, timeout=timeout
        )
        fault = job.fault()
        if fault is not None and not isinstance(fault, exceptions.MycloudError):
            # who asked is told no more than that: it may be anybody
            LOG.error("The verb %s has failed", name, exc_info=fault)
            raise exceptions.VerbFailed(verb=name) from fault
        return job.wait()

    def published(self) -> dict[str, Any]:
        """What the control plane is told of the parts, among the capabilities of the host."""
        told: dict[str, Any] = {}
        for part in self._parts:
            if isinstance(part, Publishing):
                told |= part.published()
        return told
