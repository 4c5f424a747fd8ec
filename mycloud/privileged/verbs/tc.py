"""Traffic control on this host's interfaces."""

from __future__ import annotations

from typing import Annotated, Any

from mycloud.privileged import errors
from mycloud.privileged.arguments import Check, InterfaceName, Uuid
from mycloud.privileged.expose import expose
from mycloud.privileged.tc import mirror, qos
from mycloud.privileged.verbs.links import changing

Vlan = Annotated[int, Check("a VLAN's tag, 1 to 4094", lambda value: 1 <= value <= 4094)]

_TOUCHES = "queueing disciplines and filters of the interface"


@expose(touches=_TOUCHES, idempotent=True)
def tc_qos_set(
    device: InterfaceName, vlan: Vlan | None, *,
    outbound: dict[str, int] | None = None, checkpoint: Uuid | None = None,
) -> None:
    """Give a network its share in what an interface sends.

    :param vlan: its tag; None: the one without
    :param outbound: ``share`` of what is left over, 1 to 100; ``limit``, bits a second at most;
        ``guaranteed``, bits a second at least
    :param checkpoint: that this is a part of; interfaces that mycloud has not made need one
    """
    unknown = (outbound or {}).keys() - {"share", "limit", "guaranteed"}
    if unknown:
        raise errors.InvalidArguments(f"outbound: unknown key {sorted(unknown)[0]!r}")
    wanted = qos.Outbound(**(outbound or {}))
    with changing(device, checkpoint=checkpoint):
        qos.set_share(device, vlan, wanted)


@expose(touches=_TOUCHES, idempotent=True)
def tc_qos_remove(
    device: InterfaceName, vlan: Vlan | None, *, checkpoint: Uuid | None = None
) -> dict[str, Any]:
    """Take a network's share away; with the last one all that was made for them.

    :returns: ``removed``: it had one
    """
    with changing(device, checkpoint=checkpoint):
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
