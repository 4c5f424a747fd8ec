"""Which ports of which switches the NICs of the host are plugged into."""

from __future__ import annotations

from typing import Any

from mycloud.agent.host import Host
from mycloud.agent.lldp.driver import DRIVERS
from mycloud.agent.registry import verb
from mycloud.agent.verbs.network_facts import facts_of
from mycloud.common import exceptions
from mycloud.privileged import client, errors
from mycloud.privileged.arguments import InterfaceName


@verb("lldp.info")
def info(host: Host, *, devices: list[InterfaceName] | None = None) -> dict[str, Any]:
    """Tell what LLDP has heard on each NIC, or on those of them that are named.

    By the NIC's name: ``enabled``: the host's daemon listens there; ``neighbours``: of each who
    was heard, the latest first, ``system_name``, ``chassis_id``, ``port_id``,
    ``port_description``, ``vlan`` (of what has no tag), ``vlans``, ``management_addresses`` and
    ``aggregated``, None where it was not told; ``tlvs``: all that the latest has told, each with
    ``type``, ``name``, ``properties`` and, of an organization's, ``oui`` and ``subtype``.

    :raises LldpUnavailable: the host has no LLDP daemon
    :raises NoSuchInterface: one of those named is no NIC of the host
    """
    nics = facts_of(host).capabilities()["nics"]
    wanted = sorted(nics) if devices is None else devices
    for each in wanted:
        if each not in nics:
            raise exceptions.NoSuchInterface(interface=each, known=", ".join(sorted(nics)))
    try:
        told = client.call.lldp_neighbours(wanted)
    except errors.Refused as error:
        raise exceptions.LldpUnavailable(reason=f"{error.message}.") from error
    heard = DRIVERS[told["daemon"]].read(told["shown"], wanted)
    return {name: each.document() for name, each in heard.items()}


@verb("lldp.switch", changes=True)
def switch(host: Host, *, device: InterfaceName, on: bool) -> dict[str, Any]:
    """Have the host's LLDP daemon listen and tell on a NIC, or neither.

    :raises LldpUnavailable: the host has no LLDP daemon
    :raises NoSuchInterface: it is no NIC of the host
    """
    nics = facts_of(host).capabilities()["nics"]
    if device not in nics:
        raise exceptions.NoSuchInterface(interface=device, known=", ".join(sorted(nics)))
    try:
        client.call.lldp_switch(device, on=on)
    except errors.Refused as error:
        raise exceptions.LldpUnavailable(reason=f"{error.message}.") from error
    return info(host, devices=[device])
