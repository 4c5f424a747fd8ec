"""What Prometheus reads of a host: names and units by its conventions."""

from __future__ import annotations

from operator import attrgetter, itemgetter

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from mycloud.agent.host import Host
from mycloud.agent.hypervisor import GuestFigures
from mycloud.agent.statistics import exposition
from mycloud.agent.statistics.exposition import CONTENT_TYPE, COUNTER, GAUGE, Family, labels
from mycloud.agent.statistics.sampler import Sample, Sampler
from mycloud.common import clock

#: The process itself, and whatever else a part of the agent counts.
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)


def _counter(name: str, text: str, path: str) -> Family:
    return Family(f"mycloud_{name}_total", COUNTER, text, attrgetter(path))


def _gauge(name: str, text: str, path: str) -> Family:
    return Family(f"mycloud_{name}", GAUGE, text, attrgetter(path))


_SAMPLE = (
    Family(
        "mycloud_hypervisor_up", GAUGE, "1 if the hypervisor has told of its guests.",
        lambda sample: int(sample.trouble is None),
    ),
    Family(
        "mycloud_statistics_age_seconds", GAUGE, "How old these figures are.",
        lambda sample: max(0.0, clock.monotonic() - sample.at),
    ),
    _gauge("statistics_duration_seconds", "What it took to ask for them.", "took_seconds"),
    Family(
        "mycloud_host_servers", GAUGE, "Servers that run or are paused.",
        lambda sample: len(sample.guests),
    ),
)
_HOST = (
    _gauge("host_cpus", "Processors of the host.", "cpus"),
    _gauge("host_uptime_seconds", "Time since the host has booted.", "uptime_seconds"),
    _gauge("host_processes", "Processes and threads on the host.", "processes"),
    Family("mycloud_host_load1", GAUGE, "Load average, 1 minute.", lambda host: host.load[0]),
    Family("mycloud_host_load5", GAUGE, "Load average, 5 minutes.", lambda host: host.load[1]),
    Family("mycloud_host_load15", GAUGE, "Load average, 15 minutes.", lambda host: host.load[2]),
)
_CPU = (
    Family(
        "mycloud_host_cpu_seconds_total", COUNTER, "Processor time by what it went to.",
        lambda seconds: seconds,
    ),
)
_FILE_SYSTEM = (
    _gauge("host_filesystem_size_bytes", "Size of a file system.", "size_bytes"),
    _gauge("host_filesystem_free_bytes", "What may still be written to it.", "free_bytes"),
)


def _disk_families(of: str) -> tuple[Family, ...]:
    return (
        _counter(f"{of}_disk_read_bytes", "Bytes read.", "read_bytes"),
        _counter(f"{of}_disk_reads", "Reads that were completed.", "read_requests"),
        _counter(f"{of}_disk_read_time_seconds", "Time spent reading.", "read_seconds"),
        _counter(f"{of}_disk_written_bytes", "Bytes written.", "write_bytes"),
        _counter(f"{of}_disk_writes", "Writes that were completed.", "write_requests"),
        _counter(f"{of}_disk_write_time_seconds", "Time spent writing.", "write_seconds"),
    )


def _nic_families(of: str) -> tuple[Family, ...]:
    return tuple(
        _counter(f"{of}_network_{way}_{what}", f"{text} {done}.", f"{way}_{field}")
        for way, done in (("rx", "received"), ("tx", "sent"))
        for what, field, text in (
            ("bytes", "bytes", "Bytes"), ("packets", "packets", "Packets"),
            ("errors", "errors", "Packets that failed to be"),
            ("dropped", "drop", "Packets dropped that were to be"),
        )
    )


_HOST_DISK = (
    *_disk_families("host"),
    _counter("host_disk_io_time_seconds", "Time with a request under way.", "io_seconds"),
)
_HOST_NIC = _nic_families("host")
_SERVER = (
    _gauge("server_vcpus", "Virtual processors of a server.", "vcpus"),
    _counter(
        "server_cpu_seconds", "Time that a server has used of the host's processors.",
        "cpu_seconds",
    ),
    _gauge("server_memory_bytes", "Memory that a server has been given.", "memory_bytes"),
    _gauge(
        "server_memory_used_bytes", "Memory that the guest says that it uses.",
        "memory_used_bytes",
    ),
    _gauge(
        "server_memory_resident_bytes", "Memory of the host that a server takes.",
        "memory_resident_bytes",
    ),
    Family(
        "mycloud_server_running", GAUGE, "1 if a server runs, 0 if it is paused.",
        lambda guest: int(guest.power_state == "running"),
    ),
)
_VCPU = (
    Family(
        "mycloud_server_vcpu_seconds_total", COUNTER, "Time that a virtual processor has used.",
        lambda seconds: seconds,
    ),
)
_SERVER_DISK = (
    *_disk_families("server"),
    _counter("server_disk_flushes", "Flushes that were completed.", "flush_requests"),
    _counter("server_disk_errors", "Requests that failed.", "errors"),
    _gauge("server_disk_size_bytes", "Size as the guest sees it.", "capacity_bytes"),
    _gauge(
        "server_disk_allocated_bytes", "What it takes of the host's disk.", "allocation_bytes"
    ),
)
_SERVER_NIC = _nic_families("server")


def render(host: Host) -> tuple[str, bytes]:
    """The content type and the text of the last sample; a fresh one if that is too old."""
    sample, _before = host.part(Sampler).current()
    lines: list[str] = []
    _write_host(sample, lines)
    _write_guests(sample.guests, lines)
    return CONTENT_TYPE, "".join(lines).encode() + generate_latest(REGISTRY)


def _write_host(sample: Sample, lines: list[str]) -> None:
    host = sample.host
    exposition.write(_SAMPLE, [("", sample)], lines)
    exposition.write(_HOST, [("", host)], lines)
    exposition.write(
        _CPU, [(labels({"mode": mode}), spent) for mode, spent in host.cpu_seconds.items()], lines
    )
    for name in host.memory:
        family = Family(
            f"mycloud_host_memory_{name}", GAUGE,
            f"Memory of the host: {name.removesuffix('_bytes').replace('_', ' ')}.",
            itemgetter(name),
        )
        exposition.write([family], [("", host.memory)], lines)
    exposition.write(
        _FILE_SYSTEM, [(labels({"path": each.path}), each) for each in host.file_systems], lines
    )
    for families, devices in ((_HOST_DISK, host.disks), (_HOST_NIC, host.nics)):
        exposition.write(
            families, [(labels({"device": each.device}), each) for each in devices], lines
        )


def _write_guests(guests: tuple[GuestFigures, ...], lines: list[str]) -> None:
    # what all series of a server have in common is written once
    owned = [(labels(_owner(guest)), guest) for guest in guests]
    exposition.write(_SERVER, owned, lines)
    exposition.write(
        _VCPU,
        [
            (labels({"vcpu": str(number)}, base=owner), spent)
            for owner, guest in owned for number, spent in enumerate(guest.vcpu_seconds)
        ],
        lines,
    )
    exposition.write(
        _SERVER_DISK,
        [
            (
                labels({"device": disk.device, "volume_id": disk.volume_id or ""}, base=owner),
                disk,
            )
            for owner, guest in owned for disk in guest.disks
        ],
        lines,
    )
    exposition.write(
        _SERVER_NIC,
        [
            (labels({"device": nic.device, "mac": nic.mac_address or ""}, base=owner), nic)
            for owner, guest in owned for nic in guest.nics
        ],
        lines,
    )


def _owner(guest: GuestFigures) -> dict[str, str]:
    # an empty label is as none to Prometheus
    return {
        "server_id": guest.server_id, "name": guest.name, "project_id": guest.project_id or "",
    }
