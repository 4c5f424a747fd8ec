"""A server's figures: free keys before 2.48, the same keys for every hypervisor from there on."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.api.versions import Version
from mycloud.compute.requests import diagnostics, listing

_SAME_FOR_ALL = Version(2, 48)
_KIB_PER_MIB = 1024
_NIC = {
    "rx": "rx_octets",
    "rx_packets": "rx_packets",
    "rx_errors": "rx_errors",
    "rx_drop": "rx_drop",
    "tx": "tx_octets",
    "tx_packets": "tx_packets",
    "tx_errors": "tx_errors",
    "tx_drop": "tx_drop",
}
_DISK = {
    "read": "read_bytes",
    "read_req": "read_requests",
    "write": "write_bytes",
    "write_req": "write_requests",
    "errors": "errors_count",
}


def show(request: wsgi.Request) -> Any:
    server = listing.get(request.context, request.args["server_id"])
    found = diagnostics.of(request.context, server)
    return _same_for_all(found) if request.version >= _SAME_FOR_ALL else _free(found)


def _same_for_all(found: dict[str, Any]) -> dict[str, Any]:
    """Which disk or interface it is has no key."""
    return {
        **found,
        **{
            kind: [
                {key: value for key, value in each.items() if key != "device"}
                for each in found[kind]
            ]
            for kind in ("nic_details", "disk_details")
        },
    }


def _free(found: dict[str, Any]) -> dict[str, Any]:
    """The keys of nova's libvirt driver, with the names of devices in them; memory in KiB, what is
    not counted is -1."""
    shown = {f"cpu{cpu['id']}_time": cpu["time"] for cpu in found["cpu_details"]}
    memory = found["memory_details"]
    shown["memory"] = shown["memory-actual"] = memory["maximum"] * _KIB_PER_MIB
    if memory["used"] is not None:
        shown["memory-rss"] = memory["used"] * _KIB_PER_MIB
    for details, keys in (("nic_details", _NIC), ("disk_details", _DISK)):
        for each in found[details]:
            shown |= {
                f"{each['device']}_{key}": -1 if each[name] is None else each[name]
                for key, name in keys.items()
            }
    return shown


ROWS = [
    Route(
        "GET", "/servers/{server_id}/diagnostics", show, "compute:servers:diagnostics",
        query=ANY_QUERY,
    )
]
