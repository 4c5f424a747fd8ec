"""Virtual functions of this host's NICs."""

from __future__ import annotations

from typing import Annotated, Any

from mycloud.privileged import sriov
from mycloud.privileged.arguments import Check, InterfaceName
from mycloud.privileged.expose import expose

Count = Annotated[int, Check("a number from 0 to 65535", lambda value: 0 <= value <= 65_535)]


@expose(touches="the virtual functions of a NIC, and what uses them", deadline=120)
def sriov_set_vfs(device: InterfaceName, count: Count) -> dict[str, Any]:
    """Let a NIC have that many virtual functions.

    :returns: ``before``: how many it had
    """
    return {"before": sriov.set_vfs(device, count)}
