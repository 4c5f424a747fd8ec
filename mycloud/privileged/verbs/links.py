"""Links of the host.

What mycloud has made it may change and remove.  Other links it changes only while a checkpoint is
open that was armed for them, and removes never.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from mycloud.privileged import errors
from mycloud.privileged.arguments import Check, InterfaceName, Uuid
from mycloud.privileged.checkpoint import running
from mycloud.privileged.expose import expose
from mycloud.privileged.network import kernel, model, perform

Mtu = Annotated[int, Check("an MTU between 68 and 65535", lambda value: 68 <= value <= 65535)]
Option = str | int | bool
INTERFACE = model.check_of(InterfaceName)
_TOUCHES = "links of this host"
#: ports that guests have on a bridge
_GUESTS = ("tun", "veth", "macvtap")


@expose(touches="nothing", idempotent=True)
def link_state() -> dict[str, Any]:
    """All links, addresses and routes of the main table, name servers and DHCP clients.

    :returns: ``{"now": as in network.model, "kinds": {link: the kernel's word for its kind, "" for
        hardware}, "own": [links that mycloud has made]}``
    """
    seen = kernel.links()
    return {
        "now": model.state_to_json(perform.read()),
        "kinds": {name: each.real_kind for name, each in seen.items()},
        "own": sorted(name for name, each in seen.items() if each.own),
    }


@expose(touches=_TOUCHES, idempotent=True)
def link_add(
    name: InterfaceName, kind: Literal["bridge", "vlan", "bond", "veth", "dummy"], *,
    mtu: Mtu = 1500, details: dict[str, Any] | None = None, checkpoint: Uuid | None = None,
) -> None:
    """Make a link, down and a port of nothing.

    :param details: of a VLAN ``base`` (the link that it lies on) and ``vlan`` (its id); of a
        bridge ``options`` with ``stp``; of a bond ``options`` by the kernel's names; of a veth
        ``peer``, the name of its other end
    """
    given = dict(details or {})
    peer = given.pop("peer", None)
    if (kind == "veth") != (isinstance(peer, str) and INTERFACE.holds(peer)):
        raise errors.InvalidArguments("A veth, and nothing else, has a 'peer'")
    if given.keys() & {"name", "kind", "mtu", "up", "master"}:
        raise errors.InvalidArguments("details: names what is not told here")
    shape = model.link_from_json(
        {**given, "name": name, "kind": kind if kind in model.KINDS else "", "mtu": mtu}
    )
    link = dataclasses.replace(shape, kind=kind, up=False)
    with running.keeper().changing(checkpoint, frozenset({name})):
        kernel.add_link(link, peer=peer)


@expose(touches=_TOUCHES, idempotent=True)
def link_remove(name: InterfaceName, *, checkpoint: Uuid | None = None) -> None:
    """Remove a link that mycloud has made and that nothing lies on; one that is gone is fine."""
    with running.keeper().changing(checkpoint, frozenset({name})):
        seen = kernel.links()
        if name not in seen:
            return
        if not seen[name].own:
            raise errors.Refused(f"{name} is not mycloud's: it removes only what it has made")
        users = sorted(
            each.link.name for each in seen.values() if name in (each.link.master, each.link.base)
        )
        if users:
            raise errors.Refused(f"{name} is used by {', '.join(users)}")
        kernel.remove_link(name)


@expose(touches=_TOUCHES, idempotent=True)
def link_set(
    name: InterfaceName, *, up: bool | None = None, mtu: Mtu | None = None,
    options: dict[str, Option] | None = None, checkpoint: Uuid | None = None,
) -> None:
    """Change what is given."""
    given = {"up": up, "mtu": mtu, "options": options}
    after = {key: value for key, value in given.items() if value is not None}
    with changing(name, checkpoint=checkpoint):
        kernel.set_link(name, after)


@expose(touches=_TOUCHES, idempotent=True)
def link_join(
    name: InterfaceName, master: InterfaceName, *, checkpoint: Uuid | None = None
) -> None:
    """Make it a port of a bridge, or a member of a bond (then it must be down)."""
    with changing(name, master, checkpoint=checkpoint):
        kernel.set_link(name, {"master": master})


@expose(touches=_TOUCHES, idempotent=True)
def link_leave(name: InterfaceName, *, checkpoint: Uuid | None = None) -> None:
    """Let it be a port of nothing."""
    with changing(name, checkpoint=checkpoint):
        kernel.set_link(name, {"master": None})


@contextlib.contextmanager
def changing(*names: str, checkpoint: str | None) -> Iterator[None]:
    """The block changes these links.

    :raises Refused: mycloud may not change one of them, or not now
    """
    with running.keeper().changing(checkpoint, frozenset(names)) as covered:
        seen = {} if covered else kernel.links()
        for name in names:
            if name in seen and not seen[name].own and seen[name].real_kind not in _GUESTS:
                raise errors.Refused(
                    f"{name} is not mycloud's: it is changed only under a checkpoint that was "
                    "armed for it"
                )
        yield
