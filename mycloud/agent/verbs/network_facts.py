"""What the network of the host is and does."""

from __future__ import annotations

from typing import Any

from mycloud.agent.dhcp.monitor import DhcpMonitor
from mycloud.agent.host import Host
from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.registry import verb
from mycloud.common import exceptions
from mycloud.privileged import client
from mycloud.privileged.arguments import InterfaceName


@verb("network.caps")
def caps(host: Host) -> dict[str, Any]:
    """Tell the links, addresses, routes and name servers of the host.

    ``nics``, ``bonds``, ``bridges``, ``vlans`` and ``others`` are interfaces by name, each with

    - ``index``, ``kind``, ``mac``, ``mtu``, ``master`` (the bridge or bond that it is a port of),
      ``parent`` (what it lies upon), ``addresses``
    - ``up``: it is switched on; ``carrier``: it has a signal; ``link_state``: ``up``, ``down``,
      ``lowerlayerdown``, ``dormant``, ``unknown`` ...
    - each of ``addresses``: ``address`` (ADDRESS/LENGTH), ``family`` (``inet``, ``inet6``),
      ``scope``, ``dynamic``, ``tentative``

    and more of its group:

    - NIC: ``driver``, ``bus``, ``speed_mbps``, ``duplex``, ``permanent_mac``, ``sriov``: None or
      ``total`` and ``vfs``; what is not known is None
    - bond: ``mode``, ``members``, ``active``, ``primary``, ``miimon_ms``
    - bridge: ``ports``, ``port_states``, ``stp``, ``forward_delay_seconds``, ``vlan_filtering``
    - VLAN: ``vlan``, its tag

    ``routes``: those to hosts and networks, of every table: ``family``, ``destination``
    (ADDRESS/LENGTH or ``default``), ``gateway``, ``device``, ``source``, ``metric``, ``table``,
    ``protocol``, ``scope``, ``type``. ``default_route``: ``inet`` and ``inet6``, None or
    ``gateway`` and ``device``. ``name_servers``: addresses. ``qos``: the shares of networks, by
    the interface that they lie on and by the VLAN's tag or ``untagged``: ``share``,
    ``limit_bps``, ``guaranteed_bps``, ``sent_bytes``.
    """
    return facts_of(host).capabilities()


@verb("network.stats")
def stats(host: Host) -> dict[str, Any]:
    """Tell what each interface has received and sent.

    ``interfaces`` by name: ``rx_`` and ``tx_`` ``packets``, ``bytes``, ``errors`` and ``dropped``
    since it was made; ``rx_bps`` and ``tx_bps``: bits a second over the ``seconds`` since this was
    asked before, None the first time.
    """
    return facts_of(host).statistics()


@verb("network.leases")
def leases(host: Host) -> dict[str, Any]:
    """Tell which networks' leases are watched, and what is answered by them.

    ``watched``: each with ``device`` and ``family`` (4 or 6); ``source_routes``: each with
    ``device``, ``family``, ``address`` and ``gateway``.
    """
    return host.part(DhcpMonitor).document()


@verb("network.mirror", changes=True)
def mirror(
    host: Host, *, source: InterfaceName, target: InterfaceName, on: bool
) -> dict[str, Any]:
    """Copy what one interface receives and sends to another, or copy it no more.

    ``changed``: it was not so before.

    :raises NoSuchInterface: the host has not both; to copy no more, it need not have them
    """
    if on:
        snapshot = facts_of(host).snapshot()
        for each in (source, target):
            snapshot.link(each)
    change = client.call.tc_mirror_set if on else client.call.tc_mirror_unset
    changed: dict[str, Any] = change(source, target)
    return changed


@verb("network.change_numvfs", changes=True)
def change_numvfs(host: Host, *, device: InterfaceName, numvfs: int) -> dict[str, Any]:
    """Let a NIC have that many virtual functions; those it has go first.

    ``before``: how many it had; ``sriov``: its ``total`` and ``vfs`` now.

    :raises NoSuchInterface: the host has no such NIC
    :raises NoVirtualFunctions: it can't have so many
    """
    facts = facts_of(host)
    facts.snapshot().link(device)
    total = facts.files.total_virtual_functions(device)
    if not 0 <= numvfs <= total:
        raise exceptions.NoVirtualFunctions(interface=device, total=total, wanted=numvfs)
    before = client.call.sriov_set_vfs(device, numvfs)["before"]
    facts.invalidate()
    return {"before": before, "sriov": facts.files.nic(device)["sriov"]}


def facts_of(host: Host) -> Facts:
    """Those that the agent keeps; a host without them is asked anew each time."""
    found: Facts = host.parts.setdefault(Facts, Facts())
    return found
