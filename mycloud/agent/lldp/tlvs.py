"""The parts of what a neighbour tells, in one form, whichever daemon has heard them.

A TLV is ``{"type": 1, "name": "Chassis ID", "properties": {...}}``; those of organizations have
type 127 and ``oui`` and ``subtype`` besides.
"""

from __future__ import annotations

from typing import Any

Tlv = dict[str, Any]

_ORGANIZATION = 127
_IEEE_802_1, _IEEE_802_3 = 0x0080C2, 0x00120F


def chassis_id(value: str, subtype: str) -> Tlv:
    """:param subtype: what the value is: ``mac``, ``local``, ``ifname``, ``ip`` ..."""
    return _tlv(1, "Chassis ID", chassis_id=value, chassis_id_subtype=subtype.lower())


def port_id(value: str, subtype: str) -> Tlv:
    return _tlv(2, "Port ID", port_id=value, port_id_subtype=subtype.lower())


def time_to_live(seconds: int) -> Tlv:
    return _tlv(3, "Time to Live", time_to_live=seconds)


def port_description(text: str) -> Tlv:
    return _tlv(4, "Port Description", port_description=text)


def system_name(text: str) -> Tlv:
    return _tlv(5, "System Name", system_name=text)


def system_description(text: str) -> Tlv:
    return _tlv(6, "System Description", system_description=text)


def system_capabilities(able: list[str], enabled: list[str]) -> Tlv:
    return _tlv(
        7, "System Capabilities", system_capabilities=able, enabled_capabilities=enabled
    )


def management_address(address: str, subtype: str, *, interface: str | None = None) -> Tlv:
    """:param interface: number of the neighbour's interface that has it"""
    return _tlv(
        8, "Management Address", management_address=address,
        management_address_subtype=subtype.lower(), interface_number=interface,
    )


def port_vlan(vlan: int) -> Tlv:
    """The VLAN of what has no tag."""
    return _organization(_IEEE_802_1, 1, "Port VLAN Identifier", vlan_id=vlan)


def vlan_name(vlan: int, name: str) -> Tlv:
    return _organization(_IEEE_802_1, 3, "VLAN Name", vlan_id=vlan, vlan_name=name)


def link_aggregation(able: bool | None, active: bool | None, port: int) -> Tlv:
    """:param able: it can be part of an aggregation; ``active``: it is; None: not told

    :param port: number of the aggregation
    """
    return _organization(
        _IEEE_802_3, 3, "Link Aggregation", aggregation_capable=able, aggregated=active,
        aggregated_port_id=port,
    )


def maximum_frame_size(size: int) -> Tlv:
    return _organization(_IEEE_802_3, 4, "Maximum Frame Size", maximum_frame_size=size)


def unknown(oui: int, subtype: int, value: str) -> Tlv:
    """:param value: in hexadecimal digits"""
    return _organization(oui, subtype, "Organization Specific", value=value)


def neighbour(tlvs: list[Tlv]) -> dict[str, Any]:
    """The answer to "what is it plugged into?"; what was not told is None."""
    told: dict[str, Any] = {}
    for each in tlvs:
        for name, value in each["properties"].items():
            told.setdefault(name, value)
    untagged = [each for each in tlvs if each["name"] == "Port VLAN Identifier"]
    names = [each for each in tlvs if each["name"] == "VLAN Name"]
    return {
        "system_name": told.get("system_name"),
        "chassis_id": told.get("chassis_id"),
        "port_id": told.get("port_id"),
        "port_description": told.get("port_description"),
        "vlan": untagged[0]["properties"]["vlan_id"] if untagged else None,
        "vlans": [each["properties"]["vlan_id"] for each in names],
        "management_addresses": [
            each["properties"]["management_address"] for each in tlvs
            if "management_address" in each["properties"]
        ],
        "aggregated": told.get("aggregated"),
    }


def _tlv(number: int, label: str, **properties: Any) -> Tlv:
    told = {key: value for key, value in properties.items() if value is not None}
    return {"type": number, "name": label, "properties": told}


def _organization(oui: int, subtype: int, label: str, **properties: Any) -> Tlv:
    return {**_tlv(_ORGANIZATION, label, **properties), "oui": oui, "subtype": subtype}
