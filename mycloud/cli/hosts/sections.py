"""What a host tells of itself, a section a line or more: for persons; programs get documents."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cliff.columns import FormattableColumn

from mycloud.cli.columns import Pairs, size_text

if TYPE_CHECKING:
    from mycloud.client.hosts import HostDetails

Document = Mapping[str, Any]


class Section(FormattableColumn[Any]):
    """A document; ``lines`` says how a person reads it."""

    def __init__(self, value: Any, lines: Callable[[Any], Iterable[str]]):
        super().__init__(value)
        self._lines = lines

    def human_readable(self) -> str:
        return "" if not self._value else "\n".join(self._lines(self._value))

    def machine_readable(self) -> Any:
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Section) and self._value == other._value

    def __lt__(self, other: object) -> bool:
        return isinstance(other, Section) and str(self._value) < str(other._value)


def of(details: "HostDetails") -> dict[str, Any]:
    """The sections of a host; those that it does not tell are empty."""
    facts = details.facts or {}
    network = details.network or {}
    errors = dict(details.errors)
    hardware = {k: v for k, v in (facts.get("hardware") or {}).items() if k != "reason" and v}
    return {
        "answers": details.answers,
        "reason": details.reason or "",
        "agent_url": details.agent_url or "",
        "operating_system": facts.get("operating_system") or "",
        "booted_at": facts.get("booted_at") or "",
        "cpu": Section(facts.get("cpu"), _cpu),
        "numa": Section(facts.get("numa"), _numa),
        "memory": Section(facts.get("memory"), _memory),
        "disks": Section(facts.get("disks"), _disks),
        "file_systems": Section(facts.get("file_systems"), _file_systems),
        "hardware": Pairs(hardware),
        "versions": Pairs(facts.get("versions") or {}),
        "nics": Section(network.get("nics"), _nics),
        "bonds": Section(network.get("bonds"), _bonds),
        "bridges": Section(network.get("bridges"), _bridges),
        "vlans": Section(network.get("vlans"), _vlans),
        "default_route": Section(network.get("default_route"), _default_route),
        "name_servers": Section(network.get("name_servers"), lambda found: [", ".join(found)]),
        "lldp_neighbours": Section(details.lldp, _neighbours),
        "not_known": Section(errors, lambda found: [f"{k}: {v}" for k, v in found.items()]),
    }


def _cpu(cpu: Document) -> Iterable[str]:
    yield f"{cpu.get('model') or 'unknown'} ({cpu.get('architecture')})"
    yield (
        f"{_count(cpu['cpus'], 'CPU')}: {_count(cpu['sockets'], 'socket')} of "
        f"{_count(cpu['cores_per_socket'], 'core')} of "
        f"{_count(cpu['threads_per_core'], 'thread')}"
    )


def _numa(nodes: Sequence[Document]) -> Iterable[str]:
    for node in nodes:
        yield f"node {node['node']}: CPUs {node['cpus']}, {size_text(node['memory_bytes'])}"


def _memory(memory: Document) -> Iterable[str]:
    yield (
        f"{size_text(memory['total_bytes'])}, {size_text(memory['available_bytes'])} available, "
        f"swap {size_text(memory['swap_total_bytes'])}"
    )
    for pages in memory.get("huge_pages") or ():
        if pages["total"]:
            size = size_text(pages["size_bytes"])
            yield f"{pages['total']} huge pages of {size}, {pages['free']} free"


def _disks(disks: Sequence[Document]) -> Iterable[str]:
    for disk in disks:
        words = [disk["device"], size_text(disk["size_bytes"]), disk.get("model") or ""]
        words.append("rotating" if disk["rotational"] else "solid")
        if disk["read_only"]:
            words.append("read-only")
        yield "  ".join(word for word in words if word)


def _file_systems(found: Sequence[Document]) -> Iterable[str]:
    for each in found:
        free = size_text(each["free_bytes"])
        yield f"{each['path']}: {free} free of {size_text(each['size_bytes'])}"


def _link(name: str, link: Document, *more: str) -> str:
    """One interface in a line."""
    state = "up" if link.get("carrier") else link.get("link_state") or "down"
    addresses = [
        each["address"] for each in link.get("addresses") or () if each.get("scope") != "link"
    ]
    words = [name, state, *more, link.get("mac") or "", f"MTU {link.get('mtu')}"]
    if link.get("master"):
        words.append(f"port of {link['master']}")
    return "  ".join(word for word in (*words, *addresses) if word)


def _nics(nics: Mapping[str, Document]) -> Iterable[str]:
    for name, nic in sorted(nics.items()):
        speed = f"{nic['speed_mbps']} Mb/s" if nic.get("speed_mbps") else ""
        yield _link(name, nic, speed, nic.get("driver") or "")


def _bonds(bonds: Mapping[str, Document]) -> Iterable[str]:
    for name, bond in sorted(bonds.items()):
        members = ", ".join(bond.get("members") or ()) or "none"
        yield _link(name, bond, bond.get("mode") or "", f"of {members}")


def _bridges(bridges: Mapping[str, Document]) -> Iterable[str]:
    for name, bridge in sorted(bridges.items()):
        yield _link(name, bridge, f"ports {', '.join(bridge.get('ports') or ()) or 'none'}")


def _vlans(vlans: Mapping[str, Document]) -> Iterable[str]:
    for name, vlan in sorted(vlans.items()):
        yield _link(name, vlan, f"tag {vlan.get('vlan')}", f"on {vlan.get('parent')}")


def _default_route(routes: Mapping[str, Document | None]) -> Iterable[str]:
    for route in routes.values():
        if route:
            yield f"{route.get('gateway') or 'direct'} by {route.get('device')}"


def _neighbours(lldp: Mapping[str, Document]) -> Iterable[str]:
    for name, heard in sorted(lldp.items()):
        if not heard.get("enabled"):
            yield f"{name}: not listened to"
        for each in heard.get("neighbours") or ():
            words = [each.get("system_name") or each.get("chassis_id") or "somebody"]
            port = each.get("port_id") or each.get("port_description")
            words += [f"port {port}"] if port else []
            words += [f"VLAN {each['vlan']}"] if each.get("vlan") else []
            words += each.get("management_addresses") or []
            yield f"{name}: {', '.join(words)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
