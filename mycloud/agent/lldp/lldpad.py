"""Reads what ``lldptool get-tlv -n`` and ``lldptool get-lldp`` print.

A TLV is a line that ends in ``TLV``, and the lines that follow it; these begin with a tab, but
for a system's description, which may go on in lines of any form.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mycloud.agent.lldp import tlvs
from mycloud.agent.lldp.tlvs import Tlv

_END = " TLV"
_ADDRESSES = ("IPv4", "IPv6", "MAC", "Network Address")


def listens(status: str) -> bool:
    """Of ``adminStatus=rxtx``."""
    return status.strip().rpartition("=")[2] in ("rxtx", "rx")


def neighbour(text: str) -> list[Tlv]:
    """What the neighbour of an interface has told, without what nobody asks for."""
    found = []
    for name, lines in _parts(text):
        reader = _READERS.get(name)
        one = reader(lines) if reader is not None else None
        if one is not None:
            found.append(one)
    return found


def _parts(text: str) -> list[tuple[str, list[str]]]:
    parts: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.rstrip().endswith(_END) and not line[:1].isspace():
            parts.append((line.rstrip().removesuffix(_END), []))
        elif parts:
            parts[-1][1].append(line.strip())
    return parts


def _text(lines: list[str]) -> str:
    return "\n".join(lines).strip()


def _pair(lines: list[str]) -> tuple[str, str]:
    """``MAC: 01:23:45:67:89:ab`` → its value and ``MAC``."""
    kind, _, value = (lines or [""])[0].partition(": ")
    return value.strip(), kind


def _after(lines: list[str], label: str) -> str | None:
    for line in lines:
        if line.startswith(f"{label}:"):
            return line.partition(":")[2].strip()
    return None


def _number(text: str | None) -> int | None:
    match = re.fullmatch(r"(\d{1,9})", text or "")
    return int(match[1]) if match else None


def _listed(text: str | None) -> list[str]:
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def _time_to_live(lines: list[str]) -> Tlv | None:
    seconds = _number(_text(lines))
    return None if seconds is None else tlvs.time_to_live(seconds)


def _capabilities(lines: list[str]) -> Tlv:
    return tlvs.system_capabilities(
        _listed(_after(lines, "System capabilities")),
        _listed(_after(lines, "Enabled capabilities")),
    )


def _management_address(lines: list[str]) -> Tlv | None:
    for kind in _ADDRESSES:
        address = _after(lines, kind)
        if address:
            return tlvs.management_address(address, kind, interface=_after(lines, "Ifindex"))
    return None


def _port_vlan(lines: list[str]) -> Tlv | None:
    vlan = _number(_after(lines, "PVID"))
    return None if vlan is None else tlvs.port_vlan(vlan)


def _vlan_name(lines: list[str]) -> Tlv | None:
    match = re.fullmatch(r"VID (\d{1,4}): Name ?(.*)", _text(lines))
    return tlvs.vlan_name(int(match[1]), match[2]) if match else None


def _aggregation(lines: list[str]) -> Tlv:
    return tlvs.link_aggregation(
        "Aggregation capable" in lines, "Currently aggregated" in lines,
        _number(_after(lines, "Aggregated Port ID")) or 0,
    )


def _frame_size(lines: list[str]) -> Tlv | None:
    size = _number(_text(lines))
    return None if size is None else tlvs.maximum_frame_size(size)


def _unknown(lines: list[str]) -> Tlv | None:
    match = re.fullmatch(
        r"OUI: 0x([0-9a-f]{6}), Subtype: (\d+), Info: ([0-9a-f]*)", _text(lines), re.IGNORECASE
    )
    return tlvs.unknown(int(match[1], 16), int(match[2]), match[3].lower()) if match else None


_READERS: dict[str, Callable[[list[str]], Tlv | None]] = {
    "Chassis ID": lambda lines: tlvs.chassis_id(*_pair(lines)),
    "Port ID": lambda lines: tlvs.port_id(*_pair(lines)),
    "Time to Live": _time_to_live,
    "Port Description": lambda lines: tlvs.port_description(_text(lines)),
    "System Name": lambda lines: tlvs.system_name(_text(lines)),
    "System Description": lambda lines: tlvs.system_description(_text(lines)),
    "System Capabilities": _capabilities,
    "Management Address": _management_address,
    "Port VLAN ID": _port_vlan,
    "VLAN Name": _vlan_name,
    "Link Aggregation": _aggregation,
    "Maximum Frame Size": _frame_size,
    "Unidentified Org Specific": _unknown,
}
