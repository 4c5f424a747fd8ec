"""Forms in which people write what belongs to a network, turned into the one that is kept."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from mycloud.common import exceptions

T = TypeVar("T", bound=Mapping[str, Any])

#: A network on a bridge of the kernel; one that no server is plugged into has none.
BRIDGE, NO_SWITCH = "bridge", "none"
SWITCHES = (BRIDGE, NO_SWITCH)

MTU_MIN, MTU_MAX = 68, 65_535
VLAN_MIN, VLAN_MAX = 1, 4094
#: IFNAMSIZ of the kernel less the byte that ends the name
NAME_LENGTH = 15

_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
_RATES = {
    "": 1, "bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9, "tbit": 10**12,
    "bps": 8, "kbps": 8 * 10**3, "mbps": 8 * 10**6, "gbps": 8 * 10**9, "tbps": 8 * 10**12,
}
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def boolean(field: str, value: object) -> bool:
    """:raises BadField: it is neither yes nor no"""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise _bad(field, f"{value!r} is neither true nor false")


def whole_number(field: str, value: object, least: int, most: int) -> int:
    """:raises BadField: it is no whole number within these bounds"""
    text = str(value).strip()
    if isinstance(value, bool | float) or not re.fullmatch(r"[+-]?[0-9]{1,20}", text):
        raise _bad(field, f"{value!r} is no whole number; write one from {least} to {most}")
    number = int(text)
    if not least <= number <= most:
        raise _bad(field, f"{number} is out of bounds; write a number from {least} to {most}")
    return number


def mtu(field: str, value: object) -> int:
    """Bytes of the largest packet."""
    return whole_number(field, value, MTU_MIN, MTU_MAX)


def vlan_id(field: str, value: object) -> int:
    """The tag of a VLAN; 0 and 4095 are IEEE 802.1Q's own."""
    return whole_number(field, value, VLAN_MIN, VLAN_MAX)


def interface_name(field: str, value: object) -> str:
    """:raises BadField: the kernel or its tools would not take it for an interface's name"""
    text = value if isinstance(value, str) else ""
    if len(text) > NAME_LENGTH or not _NAME.fullmatch(text) or text in (".", ".."):
        raise _bad(
            field, f"{value!r} can be no interface's name; write 1 to {NAME_LENGTH} letters, "
            "digits and _ . - that don't begin with -"
        )
    return text


def vlan_device(device: str, tag: int) -> str:
    """The name of the VLAN's device; the parent's is cut where both don't fit."""
    end = f".{tag}"
    return device[: NAME_LENGTH - len(end)] + end


def mac(field: str, value: object) -> str:
    """A hardware address in small letters with colons."""
    text = str(value).strip().lower().replace("-", ":")
    if re.fullmatch(r"[0-9a-f]{12}", text):
        text = ":".join(text[at : at + 2] for at in range(0, 12, 2))
    if not _MAC.fullmatch(text):
        raise _bad(field, f"{value!r} is no hardware address; write it like 52:54:00:12:34:56")
    return text


def prefix_of_netmask(field: str, netmask: object) -> int:
    """255.255.255.0 → 24."""
    text = str(netmask).strip()
    try:
        bits = int(ipaddress.IPv4Address(text))
    except ValueError:
        raise _bad(field, f"{text!r} is no netmask; write one such as 255.255.255.0") from None
    ones = bits.bit_count()
    if bits != (0xFFFFFFFF << (32 - ones)) & 0xFFFFFFFF:
        raise _bad(
            field, f"netmask {text} has gaps; all its ones come first, such as 255.255.255.0"
        )
    return ones


def netmask_of_prefix(field: str, prefix: object) -> str:
    """24 → 255.255.255.0."""
    length = whole_number(field, prefix, 0, 32)
    return str(ipaddress.IPv4Network(f"0.0.0.0/{length}").netmask)


def rate(field: str, value: object) -> int:
    """Bits a second; text has a unit as tc has it: ``100Mbit``; ``kbps`` are kilobytes.

    :raises BadField: it is no rate above 0
    """
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    else:
        match = _RATE.fullmatch(str(value).strip())
        unit = match and _RATES.get(match[2].lower())
        if match is None or unit is None:
            raise _bad(
                field, f"{value!r} is no rate; write bits a second, or with a unit as in 100Mbit "
                "or 1Gbit"
            )
        found = round(float(match[1]) * unit)
    if not 8 <= found <= 10**15:
        raise _bad(field, f"{value!r} is no rate between 8 bit and 1000 Tbit a second")
    return found


def switch(field: str, value: object) -> str:
    """What plugs servers into a network; none is named: a bridge."""
    word = str(value or BRIDGE)
    if word not in SWITCHES:
        raise _bad(field, f"{value!r} is no switch; choose one of {', '.join(SWITCHES)}")
    return word


def by_switch(networks: Mapping[str, T]) -> dict[str, dict[str, T]]:
    """Networks told apart by their ``switch``; every switch has its entry.

    :raises BadField: one names an unknown switch
    """
    found: dict[str, dict[str, T]] = {kind: {} for kind in SWITCHES}
    for name, network in networks.items():
        found[switch(f"networks.{name}.switch", network.get("switch"))][name] = network
    return found


def _bad(field: str, reason: str) -> exceptions.BadField:
    return exceptions.BadField(field=field, reason=reason)
