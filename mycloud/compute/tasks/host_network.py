"""The networks of this host, changed under a checkpoint of the root helper.

Plan, apply, have the control plane prove that it reaches this host, commit. Whatever dies in the
middle: the helper goes back by itself at the deadline unless it was told to commit, and keeps
which operation its checkpoints were for. So who takes the operation up asks the helper what has
come of it.
"""

from __future__ import annotations

import logging
from typing import Any

from mycloud.agent.agent import Agent
from mycloud.common import clock, concurrency, exceptions
from mycloud.common.context import RequestContext
from mycloud.conductor.rpcapi import ConductorAPI
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation
from mycloud.privileged.checkpoint.keeper import WAS_COMMITTED

LOG = logging.getLogger(__name__)

#: Seconds that a question to the agent may take, and a change of many links.
_ASK_SECONDS, _CHANGE_SECONDS = 30.0, 180.0
#: Seconds for one look of the control plane at this host, and between two.
_PROOF_SECONDS, _PAUSE_SECONDS = 5.0, 1.0
#: A shorter look says nothing about the bus.
_LEAST_SECONDS = 3.0
#: Seconds of a checkpoint's time that are left for the way back.
_RESERVE_SECONDS = 5.0


def plan(agent: Agent, context: RequestContext, operation: Operation) -> Plan:
    """The plan of ``host.network``. Payload: ``document``, ``timeout``."""
    change = _Change(agent, context, operation)
    return Plan(
        steps=[
            Step("plan", change.look),
            Step("apply", change.apply, done=change.applied, undo=change.go_back),
            Step("prove", change.prove, done=change.settled),
            Step("commit", change.commit, done=change.settled),
        ]
    )


class _Change:
    """One change, as far as it has come."""

    def __init__(self, agent: Agent, context: RequestContext, operation: Operation):
        self._agent, self._context, self._operation = agent, context, operation
        #: the armed checkpoint, under which all is as it shall be
        self._checkpoint: str | None = None
        #: nothing is left to do: it was committed, or there was nothing to change
        self._settled = False

    def settled(self) -> bool:
        return self._settled

    def applied(self) -> bool:
        return self._settled or self._checkpoint is not None

    def look(self) -> None:
        """See what has come of it in an earlier life, and whether it can be done at all.

        :raises HostNetworkNotApplied: the helper has gone back meanwhile
        """
        status = self._status()
        armed, last = status["armed"], status["last"]
        if self._mine(armed):
            if self._planned()["lines"]:
                # the earlier life ended between two links
                self._roll_back(armed["id"], "the compute service was restarted in the middle")
            else:
                self._checkpoint = armed["id"]
            return
        if self._mine(last):
            if last["outcome"] == WAS_COMMITTED:
                self._settled = True
                return
            raise _gone_back(last)
        self._planned()

    def apply(self) -> None:
        """:raises HostNetworkBusy: :raises HostNetworkNotApplied: it is as it was"""
        params = dict(self._operation.payload)
        params = {name: value for name, value in params.items() if value is not None}
        done = self._call("network.apply", params, _CHANGE_SECONDS)
        self._checkpoint = done["checkpoint"]
        self._settled = self._checkpoint is None

    def go_back(self) -> None:
        """:raises MycloudError: the helper will, at the deadline"""
        armed = self._status()["armed"]
        if self._mine(armed):
            self._roll_back(armed["id"], "the change failed")

    def prove(self) -> None:
        """Let the control plane reach this host, while there is time to go back.

        :raises HostNetworkUnproved: it did not; the host is as it was
        :raises HostNetworkNotApplied: the helper has gone back meanwhile
        """
        began, left, reason = clock.monotonic(), 0.0, "there was no time"
        try:
            left = self._seconds_left()
        except exceptions.RootHelperUnavailable as error:
            reason = error.message
        until = began + max(left - _RESERVE_SECONDS, left / 2)
        conductor, silence = ConductorAPI(), exceptions.BusUnavailable().message
        while (seconds := min(_PROOF_SECONDS, until - clock.monotonic())) > 0:
            # a bus that is out of reach may hold a call for longer than it was told
            asked = concurrency.spawn(
                conductor.prove_host, self._context, self._agent.host.name, timeout=seconds
            )
            try:
                asked.wait(seconds)
                return
            except exceptions.HostUnreached as error:
                reason = error.message
                # the conductor is there: the operation's own time must not end before the host's
                self._operation.go_on()
            except exceptions.MycloudError as error:
                # gone, or it could not look: either way it has proved nothing
                reason = error.message
            except TimeoutError:
                # a look that was cut short tells less than the one before it
                reason = silence if seconds >= _LEAST_SECONDS else reason
            LOG.warning("The control plane has not reached this host yet: %s", reason)
            concurrency.sleep(max(0.0, min(_PAUSE_SECONDS, until - clock.monotonic())))
            try:
                # also the end of a service that is stopped: its next life goes on
                self._seconds_left()
            except exceptions.RootHelperUnavailable as error:
                reason = error.message
        waited = round(clock.monotonic() - began)
        assert self._checkpoint is not None
        self._roll_back(
            self._checkpoint, f"the control plane did not reach it within {waited} s: {reason}"
        )
        raise exceptions.HostNetworkUnproved(seconds=waited, reason=reason)

    def commit(self) -> None:
        """:raises HostNetworkNotApplied: the helper has gone back meanwhile"""
        # from here on only this host knows how it ends
        self._operation.take_all_time()
        try:
            self._call("network.commit", {"checkpoint": self._checkpoint}, _ASK_SECONDS)
        except exceptions.MycloudError:
            last = self._status()["last"]
            if not self._mine(last):
                raise
            if last["outcome"] != WAS_COMMITTED:
                raise _gone_back(last) from None
        self._settled = True

    def _roll_back(self, checkpoint: str, reason: str) -> None:
        """:raises HostNetworkNotRestored: not wholly"""
        try:
            ended = self._call(
                "network.rollback", {"checkpoint": checkpoint, "reason": reason}, _CHANGE_SECONDS
            )
        except exceptions.RootHelperUnavailable as error:
            raise exceptions.HostNetworkNotRestored(
                reason=reason, problems=f"{error.message}; it goes back when it is there again"
            ) from None
        except exceptions.CheckpointNotOpen:
            ended = self._status()["last"]
            if not self._mine(ended) or ended["outcome"] == WAS_COMMITTED:
                raise
        self._checkpoint = None
        if ended["problems"]:
            raise exceptions.HostNetworkNotRestored(
                reason=reason, problems="; ".join(ended["problems"])
            )

    def _seconds_left(self) -> float:
        """:raises HostNetworkNotApplied: the helper has gone back"""
        status = self._status()
        if self._mine(status["armed"]):
            return float(status["armed"]["seconds_left"])
        if self._mine(status["last"]):
            raise _gone_back(status["last"])
        return 0.0

    def _planned(self) -> dict[str, Any]:
        found: dict[str, Any] = self._call(
            "network.plan", {"document": self._operation.payload["document"]}, _ASK_SECONDS
        )
        return found

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._call("network.status", {}, _ASK_SECONDS)
        return found

    def _mine(self, checkpoint: dict[str, Any] | None) -> bool:
        return checkpoint is not None and checkpoint.get("operation") == self._operation.id

    def _call(self, verb: str, params: dict[str, Any], seconds: float) -> Any:
        return self._agent.call(verb, params, timeout=seconds)


def _gone_back(last: dict[str, Any]) -> exceptions.MycloudError:
    if last["problems"]:
        return exceptions.HostNetworkNotRestored(
            reason=last["reason"], problems="; ".join(last["problems"])
        )
    return exceptions.HostNetworkNotApplied(reason=last["reason"])
