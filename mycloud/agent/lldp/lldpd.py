"""Reads what ``lldpcli -f json0`` prints: every element is a list, every value a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mycloud.agent.lldp import tlvs
from mycloud.agent.lldp.tlvs import Tlv
from mycloud.common import exceptions

_RECEIVING = ("RX and TX", "RX only")


def listening(text: str) -> set[str]:
    """The interfaces that it receives on, of ``show interfaces``."""
    return {
        each["name"] for each in _interfaces(text) if _value(each, "status") in _RECEIVING
    }


def neighbours(text: str) -> dict[str, list[list[Tlv]]]:
    """What was heard on each interface, of ``show neighbors details``; the latest first."""
    found: dict[str, list[tuple[int, list[Tlv]]]] = {}
    for each in _interfaces(text):
        found.setdefault(each["name"], []).append((_seconds(each.get("age")), list(_tlvs(each))))
    return {
        name: [heard for _, heard in sorted(several, key=lambda one: one[0])]
        for name, several in found.items()
    }


def _tlvs(interface: dict[str, Any]) -> Iterator[Tlv]:
    chassis, port = _first(interface, "chassis"), _first(interface, "port")
    if "id" in chassis:
        kind = _first(chassis, "id")
        yield tlvs.chassis_id(str(kind.get("value", "")), str(kind.get("type", "")))
    if "id" in port:
        kind = _first(port, "id")
        yield tlvs.port_id(str(kind.get("value", "")), str(kind.get("type", "")))
    if (seconds := _number(_value(port, "ttl"))) is not None:
        yield tlvs.time_to_live(seconds)
    if (text := _value(port, "descr")) is not None:
        yield tlvs.port_description(text)
    if (text := _value(chassis, "name")) is not None:
        yield tlvs.system_name(text)
    if (text := _value(chassis, "descr")) is not None:
        yield tlvs.system_description(text)
    able = _all(chassis, "capability")
    if able:
        yield tlvs.system_capabilities(
            [str(each.get("type")) for each in able],
            [str(each.get("type")) for each in able if each.get("enabled")],
        )
    numbers = [each.get("value") for each in _all(chassis, "mgmt-iface")]
    for at, each in enumerate(_all(chassis, "mgmt-ip")):
        address = str(each.get("value", ""))
        yield tlvs.management_address(
            address, "ipv6" if ":" in address else "ipv4",
            interface=str(numbers[at]) if at < len(numbers) else None,
        )
    yield from _organizations(interface, port)


def _organizations(interface: dict[str, Any], port: dict[str, Any]) -> Iterator[Tlv]:
    for each in _all(interface, "vlan"):
        number = _number(each.get("vlan-id"))
        if number is None:
            continue
        if each.get("pvid"):
            yield tlvs.port_vlan(number)
        if each.get("value"):
            yield tlvs.vlan_name(number, str(each["value"]))
    # told only of a port that is part of an aggregation
    if (number := _number(_value(port, "aggregation"))) is not None:
        yield tlvs.link_aggregation(None, True, number)
    if (number := _number(_value(port, "mfs"))) is not None:
        yield tlvs.maximum_frame_size(number)
    for group in _all(interface, "unknown-tlvs"):
        for each in _all(group, "unknown-tlv"):
            yield tlvs.unknown(
                int(str(each.get("oui", "0")).replace(",", ""), 16),
                _number(each.get("subtype")) or 0,
                str(each.get("value", "")).replace(",", "").lower(),
            )


def _interfaces(text: str) -> list[dict[str, Any]]:
    """:raises LldpUnavailable: it is not what lldpcli prints"""
    if not text.strip():
        return []
    try:
        found = _all(_first(json.loads(text), "lldp"), "interface")
    except (ValueError, AttributeError, TypeError) as error:
        raise exceptions.LldpUnavailable(
            reason=f"what lldpcli prints can't be read ({error})."
        ) from error
    return [each for each in found if isinstance(each.get("name"), str)]


def _all(element: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = element.get(name, [])
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _first(element: dict[str, Any], name: str) -> dict[str, Any]:
    return next(iter(_all(element, name)), {})


def _value(element: dict[str, Any], name: str) -> str | None:
    found = _first(element, name)
    value = found.get("value", found.get("ttl"))
    return None if value is None else str(value)


def _number(value: object) -> int | None:
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _seconds(age: object) -> int:
    """``0 day, 00:00:01`` → 1."""
    match = re.fullmatch(r"(\d+) days?, (\d+):(\d+):(\d+)", str(age))
    if match is None:
        return 0
    days, hours, minutes, seconds = map(int, match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
