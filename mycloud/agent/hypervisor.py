"""What the agent asks of the hypervisor on its host; the compute drivers answer it."""

from __future__ import annotations

import abc
import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class DiskFigures:
    """A disk of a guest that runs; counted from the guest's start.

    :ivar device: its target, e.g. ``vda``
    :ivar volume_id: None: the guest's own, no volume
    :ivar errors: requests that failed; None where it is not counted
    :ivar capacity_bytes: as big as the guest sees it; None: not known
    :ivar allocation_bytes: what it takes of the host's disk; None: not known, or not the host's
    """

    device: str
    volume_id: str | None = None
    read_bytes: int = 0
    read_requests: int = 0
    read_seconds: float = 0.0
    write_bytes: int = 0
    write_requests: int = 0
    write_seconds: float = 0.0
    flush_requests: int = 0
    errors: int | None = None
    capacity_bytes: int | None = None
    allocation_bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class NicFigures:
    """A network interface of a guest that runs, counted as the guest sees it.

    :ivar device: the host's end of it, e.g. ``tap1``
    """

    device: str
    mac_address: str | None = None
    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_drop: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_drop: int = 0


@dataclasses.dataclass(frozen=True)
class GuestFigures:
    """A guest of ours that runs or is paused.

    :ivar name: its server's name when it was defined
    :ivar power_state: as the hypervisor says (mycloud.compute.drivers.base.PowerState)
    :ivar cpu_seconds: what it has used of the host's processors, QEMU's own work included
    :ivar vcpu_seconds: what each of its processors has used
    :ivar memory_bytes: what it has been given
    :ivar memory_used_bytes: of that, what the guest says that it uses; None: it does not say
    :ivar memory_resident_bytes: what its process takes of the host's memory
    """

    server_id: str
    name: str
    project_id: str | None
    power_state: str
    vcpus: int
    cpu_seconds: float
    vcpu_seconds: tuple[float, ...]
    memory_bytes: int
    memory_used_bytes: int | None = None
    memory_resident_bytes: int | None = None
    disks: tuple[DiskFigures, ...] = ()
    nics: tuple[NicFigures, ...] = ()


class Hypervisor(abc.ABC):
    """A hypervisor, as one who only looks at it sees it.

    Errors: HypervisorUnavailable while it can't be reached.
    """

    @abc.abstractmethod
    def statistics(self) -> list[GuestFigures]:
        """Figures of every guest of ours that runs or is paused, in one question to the
        hypervisor. What can't be told without waiting for a guest is left out."""

    @abc.abstractmethod
    def versions(self) -> dict[str, str]:
        """The versions of its programs and libraries, by their names."""

    @abc.abstractmethod
    def log_files(self) -> list[Path]:
        """What it and its guests' processes have written about themselves; not what guests have
        written to their consoles."""
