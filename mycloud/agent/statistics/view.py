"""A sample as a document: what was counted, and how fast it grew since the sample before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from mycloud.agent.hypervisor import GuestFigures
from mycloud.agent.statistics.sampler import Sample

#: Of counters that also have a rate: the name of the figure.
_DISK_RATES = ("read_bytes", "read_requests", "write_bytes", "write_requests")
_NIC_RATES = ("rx_bytes", "rx_packets", "tx_bytes", "tx_packets")
_AT_REST = ("idle", "iowait")


def document(name: str, sample: Sample, before: Sample | None) -> dict[str, Any]:
    """The host called ``name``. Rates end in ``_per_s``; they are None without a sample before,
    and for what has begun to count anew."""
    host = sample.host
    was = None if before is None else before.host
    seconds = None if before is None else sample.at - before.at
    return {
        "host": name,
        "taken_at": sample.taken_at.isoformat(timespec="milliseconds") + "Z",
        "seconds_between": None if seconds is None else round(seconds, 3),
        "took_seconds": round(sample.took_seconds, 6),
        "hypervisor": {"answers": sample.trouble is None, "reason": sample.trouble},
        "cpu": {
            "cpus": host.cpus,
            "seconds": host.cpu_seconds,
            "used_percent": None if was is None else _busy(host.cpu_seconds, was.cpu_seconds),
        },
        "load": list(host.load),
        "processes": host.processes,
        "uptime_seconds": host.uptime_seconds,
        "memory": {
            **host.memory,
            "used_percent": _percent(
                host.memory["total_bytes"] - host.memory["available_bytes"],
                host.memory["total_bytes"],
            ),
        },
        "file_systems": [
            {
                **dataclasses.asdict(each),
                "used_percent": _percent(each.size_bytes - each.free_bytes, each.size_bytes),
            }
            for each in host.file_systems
        ],
        "disks": _devices(host.disks, was.disks if was else (), _DISK_RATES, seconds),
        "networks": _devices(host.nics, was.nics if was else (), _NIC_RATES, seconds),
        "servers": _servers(sample, before),
    }


def guest(server_id: str, sample: Sample, before: Sample | None) -> dict[str, Any] | None:
    """One server of the document; None if it does not run."""
    return next(iter(_servers(sample, before, only=server_id)), None)


def _servers(
    sample: Sample, before: Sample | None, *, only: str | None = None
) -> list[dict[str, Any]]:
    seconds = None if before is None else sample.at - before.at
    earlier = {} if before is None else {each.server_id: each for each in before.guests}
    return [
        _server(each, earlier.get(each.server_id), seconds)
        for each in sample.guests if only in (None, each.server_id)
    ]


def _server(now: GuestFigures, was: GuestFigures | None, seconds: float | None) -> dict[str, Any]:
    told = dataclasses.asdict(now)
    spent = _rate(now.cpu_seconds, was.cpu_seconds if was else None, seconds)
    earlier = () if was is None else was.vcpu_seconds
    return {
        **told,
        # of one processor, so that two busy ones make 200
        "cpu_percent": None if spent is None else round(spent * 100, 1),
        "vcpu_percent": [
            _vcpu_percent(spent, earlier[n] if n < len(earlier) else None, seconds)
            for n, spent in enumerate(now.vcpu_seconds)
        ],
        "disks": _devices(now.disks, was.disks if was else (), _DISK_RATES, seconds),
        "nics": _devices(now.nics, was.nics if was else (), _NIC_RATES, seconds),
    }


def _vcpu_percent(now: float, was: float | None, seconds: float | None) -> float | None:
    rate = _rate(now, was, seconds)
    return None if rate is None else round(min(rate, 1.0) * 100, 1)


def _devices(
    now: Iterable[Any], was: Iterable[Any], counters: Iterable[str], seconds: float | None
) -> list[dict[str, Any]]:
    earlier = {each.device: each for each in was}
    found = []
    for each in now:
        then = earlier.get(each.device)
        rates = {
            f"{name}_per_s": _rounded(
                _rate(getattr(each, name), then and getattr(then, name), seconds)
            )
            for name in counters
        }
        found.append({**dataclasses.asdict(each), **rates})
    return found


def _rate(now: float, was: float | None, seconds: float | None) -> float | None:
    if was is None or not seconds or now < was:
        return None
    return (now - was) / seconds


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)


def _busy(now: Mapping[str, float], was: Mapping[str, float]) -> float | None:
    """The part of the processors' time that was used."""
    grown = {mode: spent - was.get(mode, 0.0) for mode, spent in now.items()}
    whole = sum(grown.values())
    if whole <= 0:
        return None
    return _percent(whole - sum(grown.get(mode, 0.0) for mode in _AT_REST), whole)


def _percent(part: float, whole: float) -> float | None:
    return round(part * 100 / whole, 1) if whole else None
