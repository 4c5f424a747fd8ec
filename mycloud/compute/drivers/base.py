"""What a hypervisor driver promises to the compute manager.

Every verb may be called again after a crash: asking for what is already so is
success.  The questions (``spawned``, ``disk_ready``, ``guest`` ...) are answered
from the hypervisor and the host's disk, never from a record of ours.
"""

from __future__ import annotations

import abc
import dataclasses
import enum
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mycloud.disk.image_spec import Fetch, ImageSpec


class PowerState(str, enum.Enum):
    """What the hypervisor says about a guest."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    CRASHED = "crashed"
    SUSPENDED = "suspended"
    NOSTATE = "nostate"


@dataclasses.dataclass(frozen=True)
class DriverSettings:
    """Where a driver keeps its things, and what it was told by the options.

    :ivar state_dir: belongs to this driver on this host alone
    :ivar libvirt_uri: None means a private libvirtd under ``state_dir``
    :ivar virt_type: ``auto`` (KVM only where a timed boot has proved it), ``kvm``
        or ``qemu``
    :ivar boot_files: a directory with ``vmlinuz`` and ``initrd.img`` of the tiny guest, to
        prove KVM with; None means ``guest`` under ``state_dir``
    :ivar proof_dir: where the outcome is remembered, for all hosts of this machine; None
        means ``state_dir``
    """

    state_dir: Path
    libvirt_uri: str | None = None
    virt_type: str = "auto"
    boot_files: Path | None = None
    proof_dir: Path | None = None
    fake_vcpus: int = 64
    fake_memory_mb: int = 256 * 1024
    fake_disk_gb: int = 4096


@dataclasses.dataclass(frozen=True)
class GuestSpec:
    """Everything a driver must know to build a guest, and nothing that it must look up.

    :ivar config_files: path inside the config drive -> bytes; None = no config drive
    :ivar metadata: ids of the owners, written into the definition of the guest so that
        a leftover can be told from a guest of ours
    """

    server_id: str
    name: str
    vcpus: int
    memory_mb: int
    root_gb: int
    ephemeral_gb: int = 0
    swap_mb: int = 0
    image: ImageSpec | None = None
    config_files: dict[str, bytes] | None = None
    extra_specs: dict[str, str] = dataclasses.field(default_factory=dict)
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class GuestInfo:
    """A guest as the hypervisor knows it."""

    server_id: str
    power_state: PowerState
    vcpus: int
    memory_mb: int


@dataclasses.dataclass(frozen=True)
class HostInventory:
    """What the host has in all, before any guest takes of it."""

    vcpus: int
    memory_mb: int
    disk_gb: int
    free_disk_gb: int
    hypervisor_type: str
    hypervisor_version: int
    hypervisor_hostname: str
    cpu_info: dict[str, Any]
    capabilities: dict[str, str]


@dataclasses.dataclass(frozen=True)
class GuestEvent:
    """A guest changed without a verb of this driver having asked for it.

    ``power_state`` is the truth when the event is delivered, not when it arose, so a
    late event never claims what has been put right since.
    """

    server_id: str
    power_state: PowerState
    reason: str


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A copy of a server's root disk, alone in its file: raw or qcow2."""

    path: Path
    disk_format: str


EventSink = Callable[[GuestEvent], None]


class ComputeDriver(abc.ABC):
    """A hypervisor on this host.

    A driver is made with :class:`DriverSettings` and is used from any number of green
    threads or threads at once; verbs on one server are never called concurrently.

    Errors: GuestNotFound where a guest must exist, HypervisorUnavailable while the
    hypervisor can't be reached, GuestOperationFailed when it refuses.
    """

    def __init__(self, settings: DriverSettings) -> None:
        self.settings = settings

    # -- the host -----------------------------------------------------------

    @abc.abstractmethod
    def init_host(self, host: str, on_event: EventSink) -> None:
        """Connect, and deliver events to ``on_event`` from now on."""

    @abc.abstractmethod
    def close(self) -> None:
        """Stop events and release the connection.  Guests go on running."""

    @abc.abstractmethod
    def inventory(self) -> HostInventory:
        """What this host has in all."""

    @abc.abstractmethod
    def uptime(self) -> str:
        """The host's uptime and load, as uptime(1) prints them."""

    @abc.abstractmethod
    def guests(self) -> list[GuestInfo]:
        """Every guest of ours that the hypervisor knows, running or not.

        Never another cloud's: who is called here and belongs to no server may be destroyed.
        """

    @abc.abstractmethod
    def guest(self, server_id: str) -> GuestInfo | None:
        """One guest, or None if the hypervisor does not know it."""

    @abc.abstractmethod
    def leftovers(self) -> list[str]:
        """Ids of the servers that have files on this host, whether they still exist or not."""

    @abc.abstractmethod
    def has_files(self, server_id: str) -> bool:
        """Whether ``leftovers`` would name the server; quick on a host with many."""

    # -- images and disks ---------------------------------------------------

    @abc.abstractmethod
    def image_ready(self, spec: ImageSpec) -> bool:
        """Whether the image is in the host's cache."""

    @abc.abstractmethod
    def ensure_image(self, spec: ImageSpec, fetch: Fetch) -> None:
        """Bring the image into the cache.

        :param fetch: writes the bytes of the image to the path that it is given; called
            at most once, and only if the image is not in the cache
        :raises ImageRejected: the bytes are not what the image promises, or unsafe
        :raises DiskFull: no room for it
        """

    def prune_images(self, unused_seconds: float) -> list[str]:
        """Remove cached images without a guest that were not asked for in that time.

        Returns their names in the cache.  A driver without a cache does nothing.
        """
        return []

    @abc.abstractmethod
    def disk_ready(self, spec: GuestSpec) -> bool:
        """Whether the guest's disks, and its config drive if it has one, are on the host."""

    @abc.abstractmethod
    def create_disk(self, spec: GuestSpec) -> None:
        """Make the guest's disks from the cached image.

        :raises ImageRejected: the image is bigger than the flavor's disk, or not cached
        :raises DiskFull: no room for it
        """

    @abc.abstractmethod
    def delete_disk(self, server_id: str) -> None:
        """Remove every file of the server from this host."""

    @abc.abstractmethod
    def take_snapshot(self, server_id: str, name: str) -> Snapshot:
        """Copy the server's root disk as it is at one moment; the guest goes on running.

        What the guest has not written out by then is not in it, as after a power cut. A copy
        that an earlier process has begun is begun anew.

        :raises GuestNotFound: :raises DiskFull:
        """

    @abc.abstractmethod
    def snapshot(self, server_id: str, name: str) -> Snapshot | None:
        """A copy that was finished under that name, if it is on the host."""

    @abc.abstractmethod
    def drop_snapshot(self, server_id: str, name: str) -> None:
        """Remove a copy, half of one too.  ``delete_disk`` does it as well."""

    # -- guests -------------------------------------------------------------

    @abc.abstractmethod
    def spawn(self, spec: GuestSpec) -> None:
        """Define the guest and start it; its disks must be there."""

    @abc.abstractmethod
    def spawned(self, server_id: str) -> bool:
        """Whether the guest is defined and runs."""

    @abc.abstractmethod
    def power_on(self, server_id: str) -> None:
        """Start a guest that is defined.  :raises GuestNotFound:"""

    @abc.abstractmethod
    def power_off(self, server_id: str, timeout: float) -> None:
        """Press the power button and wait ``timeout`` seconds, then pull the plug.

        0 pulls the plug at once.  :raises GuestNotFound:
        """

    @abc.abstractmethod
    def reboot(self, server_id: str, hard: bool, timeout: float) -> None:
        """Stop (hard, or by the power button within ``timeout`` seconds) and start again.

        :raises GuestNotFound:
        """

    @abc.abstractmethod
    def destroy(self, server_id: str) -> None:
        """Stop the guest hard and make the hypervisor forget it.  Its disks stay."""

    @abc.abstractmethod
    def console_log(self, server_id: str, length: int | None = None) -> str:
        """What the guest wrote to its serial console; the last ``length`` lines if given.

        A server that has written nothing, or that is not here, has an empty console.
        """

    @abc.abstractmethod
    def diagnostics(self, server_id: str) -> dict[str, Any]:
        """Figures of a guest, in the shape of nova's diagnostics.  :raises GuestNotFound:"""
