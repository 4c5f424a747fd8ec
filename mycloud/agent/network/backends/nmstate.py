"""nmstate, for hosts whose network NetworkManager keeps."""

from __future__ import annotations

from mycloud.agent.network.backends.base import Backend
from mycloud.agent.network.plan import Plan


class Nmstate(Backend):
    """The root helper tells ``nmstatectl`` the whole desired state at once.

    nmstate checks by itself that the host is then as desired.
    """

    name = "nmstate"

    def apply(self, plan: Plan, checkpoint: str) -> None:
        self._call.nmstate_apply(checkpoint)
