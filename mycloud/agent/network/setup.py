"""Sets the networks of this host up: canonical form, validation, plan, checkpoint, steps.

After ``apply`` the host is as the document says, and goes back by itself unless ``commit`` is
called in time: that is for whoever has proved that the host is still reached.
"""

from __future__ import annotations

import logging
from typing import Any

from mycloud.agent import privilege
from mycloud.agent.network import canonical
from mycloud.agent.network.backends.base import Backend
from mycloud.agent.network.backends.netlink import Netlink
from mycloud.agent.network.canonical import Change, Config
from mycloud.agent.network.host_state import HostState
from mycloud.agent.network.plan import Plan, plan
from mycloud.common import exceptions
from mycloud.privileged import errors
from mycloud.privileged.network import model

LOG = logging.getLogger(__name__)


class Setup:
    """:param call: has each verb of the root helper as a method: ``privileged.client.call``
    :param backend: what changes the host
    """

    def __init__(self, call: Any, backend: Backend | None = None) -> None:
        self._call = call
        self._backend = backend or Netlink(call)

    def plan(self, document: object) -> tuple[Plan, Change]:
        """What would be done; nothing is changed.

        :raises BadField: the document is none, or not for this host
        :raises HostNetworkInUse: others use what would be taken away
        """
        with privilege.translated():
            running = self.running()
            told = self._call.link_state()
        change = canonical.change(document, running)
        return plan(change, running, HostState.read(told)), change

    def apply(self, document: object, seconds: float | None = None) -> dict[str, Any]:
        """Do it, under a checkpoint.

        :param seconds: until the host goes back by itself; else the document says it
        :returns: ``{"checkpoint": its id, "seconds_left", "lines", "actions"}``; the id is None if
            all is as it shall be already
        :raises HostNetworkBusy: a checkpoint is open
        :raises HostNetworkNotApplied: a step has failed; the host is as it was
        :raises HostNetworkNotRestored: and it could not be brought back wholly
        """
        made, change = self.plan(document)
        done = made.to_json()
        with privilege.translated():
            unchanged = not made.steps and made.config == self.running()
        if unchanged:
            return {"checkpoint": None, "seconds_left": None, **done}
        try:
            armed = self._call.checkpoint_arm(
                model.state_to_json(made.target), model.scope_to_json(made.scope),
                model.scope_to_json(made.kept),
                options={
                    "document": canonical.to_document(made.config),
                    "backend": self._backend.name,
                },
                deadline_seconds=float(seconds or change.seconds),
            )
        except errors.Refused as error:
            raise exceptions.HostNetworkBusy(reason=error.message) from error
        except errors.PrivilegedError:
            with privilege.translated():
                raise
        self._change(made, armed["id"])
        return {"checkpoint": armed["id"], "seconds_left": armed["seconds_left"], **done}

    def commit(self, checkpoint: str) -> dict[str, Any]:
        """Stay with what is, also after the next start of the host.

        :returns: ``{"id", "outcome": "committed", "reason", "problems", "at"}``
        :raises CheckpointNotOpen: it was rolled back, or there was none
        """
        return self._end(self._call.checkpoint_commit, checkpoint)

    def rollback(self, checkpoint: str, reason: str = "it was asked for") -> dict[str, Any]:
        """Go back to what was.

        :returns: ``{"id", "outcome": "rolled back", "reason", "problems", "at"}``
        :raises CheckpointNotOpen: it was committed, or there was none
        """
        return self._end(self._call.checkpoint_rollback, checkpoint, reason=reason)

    def status(self) -> dict[str, Any]:
        """:returns: ``{"document", "armed", "last", "boot", "backend"}``; see the verb"""
        with privilege.translated():
            found = self._call.checkpoint_status()
        return {
            "document": canonical.to_document(_config(found)), "armed": found["armed"],
            "last": found["last"], "boot": found["boot"], "backend": self._backend.name,
        }

    def running(self) -> Config:
        """What was committed last.

        :raises PrivilegedError: the root helper can't tell
        """
        return _config(self._call.checkpoint_status())

    def _change(self, made: Plan, checkpoint: str) -> None:
        try:
            self._backend.apply(made, checkpoint)
        except errors.PrivilegedError as error:
            LOG.warning("Checkpoint %s: %s", checkpoint, error.message)
            self._give_up(checkpoint, error.message)

    def _give_up(self, checkpoint: str, reason: str) -> None:
        """:raises MycloudError: that it was not applied, and why"""
        try:
            ended = self._call.checkpoint_rollback(checkpoint, reason=reason)
        except errors.PrivilegedError as error:
            raise exceptions.HostNetworkNotRestored(
                reason=reason,
                problems=f"{error.message}; the root helper goes back by itself at the deadline",
            ) from error
        if ended["problems"]:
            raise exceptions.HostNetworkNotRestored(
                reason=reason, problems="; ".join(ended["problems"])
            )
        raise exceptions.HostNetworkNotApplied(reason=reason)

    def _end(self, verb: Any, checkpoint: str, **more: str) -> dict[str, Any]:
        try:
            ended: dict[str, Any] = verb(checkpoint, **more)
        except errors.Refused as error:
            raise exceptions.CheckpointNotOpen(reason=error.message) from error
        except errors.PrivilegedError:
            with privilege.translated():
                raise
        return ended


def _config(status: dict[str, Any]) -> Config:
    committed = status["committed"]
    if committed is None:
        return Config()
    return canonical.change(committed["document"], Config()).config
