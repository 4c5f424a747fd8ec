"""Traffic control on this host's interfaces."""

from __future__ import annotations

from typing import Annotated, Any

from mycloud.privileged.arguments import Check, InterfaceName
from mycloud.privileged.expose import expose
from mycloud.privileged.tc import mirror, qos

Vlan = Annotated[int, Check("a VLAN's tag, 1 to 4094", lambda value: 1 <= value <= 4094)]
Rate = Annotated[
    int,
    Check(
        "bits a second, 64000 to 10^15", lambda value: qos.RATE_LEAST <= value <= 10**15
    ),
]
Share = Annotated[
    int, Check("a share, 1 to 100", lambda value: 1 <= value <= qos.SHARE_MAX)
]

_TOUCHES = "queueing disciplines and filters of the interface"


@expose(touches=_TOUCHES, idempotent=True)
def tc_qos_set(
    device: InterfaceName, vlan: Vlan | None, *,
    share: Share = qos.SHARE_DEFAULT, limit: Rate | None = None, guaranteed: Rate | None = None,
) -> None:
    """Give a network its share in what an interface sends.

    :param vlan: its tag; None: the one without
    :param share: of what is left over
    :param limit: bits a second at most
    :param guaranteed: bits a second at least
    """
    qos.set_share(device, vlan, qos.Outbound(share, limit, guaranteed))


@expose(touches=_TOUCHES, idempotent=True)
def tc_qos_remove(device: InterfaceName, vlan: Vlan | None) -> dict[str, Any]:
    """Take a network's share away; with the last one all that was made for them.

    :returns: ``removed``: it had one
    """
    return {"removed": qos.remove_share(device, vlan)}


@expose(touches=_TOUCHES, idempotent=True)
def tc_mirror_set(source: InterfaceName, target: InterfaceName) -> dict[str, Any]:
    """Copy what an interface receives and sends to another one.

    :returns: ``changed``: it was not so before
    """
    return {"changed": mirror.set_mirror(source, target)}


@expose(touches=_TOUCHES, idempotent=True)
def tc_mirror_unset(source: InterfaceName, target: InterfaceName) -> dict[str, Any]:
    """Copy no more to that one, and leave nothing of it behind.

    :returns: ``changed``: it was copied to before
    """
    return {"changed": mirror.unset_mirror(source, target)}
