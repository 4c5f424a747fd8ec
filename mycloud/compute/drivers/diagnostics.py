"""A guest's figures in the shape of nova's diagnostics (microversion 2.48).

Disks and interfaces also say by ``device`` which one they are, for the older form.
"""

from __future__ import annotations

import platform
from typing import Any

from mycloud.agent.hypervisor import DiskFigures, GuestFigures, NicFigures

_MIB = 1 << 20
_NANO = 1_000_000_000


def document(
    guest: GuestFigures,
    *,
    driver: str,
    hypervisor: str,
    config_drive: bool,
    uptime: int | None,
) -> dict[str, Any]:
    """See the module; ``uptime`` in seconds, since the guest was started.

    Rates (bytes a second) and utilisations (percent) need two looks and are None.
    """
    used = guest.memory_resident_bytes
    return {
        "state": guest.power_state,
        "driver": driver,
        "hypervisor": hypervisor,
        "hypervisor_os": platform.system().lower(),
        "uptime": uptime,
        "config_drive": config_drive,
        "num_cpus": guest.vcpus,
        "num_nics": len(guest.nics),
        "num_disks": len(guest.disks),
        "memory_details": {
            "maximum": guest.memory_bytes // _MIB,
            "used": None if used is None else used // _MIB,
        },
        "cpu_details": [
            {"id": number, "time": int(seconds * _NANO), "utilisation": None}
            for number, seconds in enumerate(guest.vcpu_seconds)
        ],
        "nic_details": [_nic(nic) for nic in guest.nics],
        "disk_details": [_disk(disk) for disk in guest.disks],
    }


def with_rates(found: dict[str, Any], sampled: dict[str, Any] | None) -> dict[str, Any]:
    """A document, and what the sampler knows of the same guest (statistics.view.guest)."""
    if sampled is None:
        return found
    percents = dict(enumerate(sampled["vcpu_percent"]))
    nics = {nic["device"]: nic for nic in sampled["nics"]}
    return {
        **found,
        "cpu_details": [
            {**cpu, "utilisation": _whole(percents.get(cpu["id"]))}
            for cpu in found["cpu_details"]
        ],
        "nic_details": [
            {
                **nic,
                "rx_rate": _whole(nics.get(nic["device"], {}).get("rx_bytes_per_s")),
                "tx_rate": _whole(nics.get(nic["device"], {}).get("tx_bytes_per_s")),
            }
            for nic in found["nic_details"]
        ],
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _nic(nic: NicFigures) -> dict[str, Any]:
    return {
        "device": nic.device,
        "mac_address": nic.mac_address,
        "rx_octets": nic.rx_bytes,
        "rx_packets": nic.rx_packets,
        "rx_errors": nic.rx_errors,
        "rx_drop": nic.rx_drop,
        "rx_rate": None,
        "tx_octets": nic.tx_bytes,
        "tx_packets": nic.tx_packets,
        "tx_errors": nic.tx_errors,
        "tx_drop": nic.tx_drop,
        "tx_rate": None,
    }


def _disk(disk: DiskFigures) -> dict[str, Any]:
    return {
        "device": disk.device,
        "read_bytes": disk.read_bytes,
        "read_requests": disk.read_requests,
        "write_bytes": disk.write_bytes,
        "write_requests": disk.write_requests,
        "errors_count": disk.errors,
    }
