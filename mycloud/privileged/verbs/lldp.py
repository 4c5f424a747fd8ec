"""What switches tell of the ports that this host is plugged into."""

from __future__ import annotations

from typing import Any

from mycloud.privileged import lldp
from mycloud.privileged.arguments import InterfaceName
from mycloud.privileged.expose import expose


@expose(touches="nothing; asks the host's LLDP daemon", idempotent=True, deadline=60)
def lldp_neighbours(devices: list[InterfaceName]) -> dict[str, Any]:
    """What the LLDP daemon of this host has heard on these interfaces, as its tool prints it.

    :returns: ``daemon`` (``lldpd`` or ``lldpad``) and ``shown``, see ``lldp.Lldpd`` and
        ``lldp.Lldpad``
    """
    name, daemon = lldp.found()
    return {"daemon": name, "shown": daemon.show(devices)}


@expose(touches="the LLDP daemon's setting of one interface", idempotent=True)
def lldp_switch(device: InterfaceName, *, on: bool) -> None:
    """Have the LLDP daemon send and receive on an interface, or neither."""
    _, daemon = lldp.found()
    daemon.switch(device, on=on)
