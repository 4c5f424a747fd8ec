"""What a hypervisor driver promises to the compute manager.

Every verb may be called again after a crash: asking for what is already so is
success.  The questions (``spawned``, ``disk_ready``, ``guest`` ...) are answered
from the hypervisor and the host's disk, never from a record of ours.
"""

from __future__ import annotations

import abc
import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mycloud.agent.hypervisor import Hypervisor
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
    :ivar address: where other hosts reach this one
    :ivar pki_dir: ``ca-cert.pem``, ``client-cert.pem`` and ``client-key.pem`` of this host, for
        volumes that come over the network; None: only those without TLS can be used
    """

    state_dir: Path
    libvirt_uri: str | None = None
    virt_type: str = "auto"
    boot_files: Path | None = None
    proof_dir: Path | None = None
    address: str = "127.0.0.1"
    pki_dir: Path | None = None
    fake_vcpus: int = 64
    fake_memory_mb: int = 256 * 1024
    fake_disk_gb: int = 4096


@dataclasses.dataclass(frozen=True)
class VolumeDisk:
    """A volume as a disk of a guest.

    :ivar connection: connection_info with its secrets (mycloud.common.connection_info)
    :ivar device: the target that is wanted, e.g. ``vdb``; the guest may call it otherwise
    :ivar bus: ``virtio``, ``scsi``, ``sata``, ``ide`` or ``usb``; a running guest takes only the
        first two
    :ivar device_type: ``disk``, ``cdrom`` or ``lun``
    :ivar boot_index: 0: the guest boots from it; None: never
    :ivar shareable: other guests may use the volume at the same time
    :ivar tag: the user's name for it, told to the guest
    :ivar iotune: limits by libvirt's names: ``total_bytes_sec``, ``read_iops_sec`` ...
    :ivar secret: the passphrase of an encrypted volume (LUKS); None: it is not encrypted
    """

    volume_id: str
    connection: dict[str, Any] = dataclasses.field(repr=False)
    device: str
    bus: str = "virtio"
    device_type: str = "disk"
    boot_index: int | None = None
    read_only: bool = False
    shareable: bool = False
    tag: str | None = None
    iotune: dict[str, int] = dataclasses.field(default_factory=dict)
    secret: bytes | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class VolumeState:
    """A volume's disk as the hypervisor has it.

    :ivar device: its target, e.g. ``vdb``
    :ivar live: the guest runs and has it
    :ivar persistent: the guest has it when it starts next
    :ivar source: how it is reached, in words, without secrets
    """

    device: str
    live: bool
    persistent: bool
    source: str


@dataclasses.dataclass(frozen=True)
class VolumeCopy:
    """What ``copy_volume`` has made.

    :ivar quiesced: the guest's agent had the file systems frozen at the moment of the copy; else
        it is as after a power cut
    """

    size_bytes: int
    quiesced: bool


@dataclasses.dataclass(frozen=True)
class BlankDisk:
    """An empty disk that lives and dies with the server.

    :ivar file_system: what is made on it: ``ext4``, ``swap`` or None for nothing
    :ivar device: the target that is wanted; None: the next that is free
    """

    size_mb: int
    file_system: str | None = None
    device: str | None = None
    bus: str = "virtio"
    tag: str | None = None


@dataclasses.dataclass(frozen=True)
class GuestSpec:
    """Everything a driver must know to build a guest, and nothing that it must look up.

    :ivar config_files: path inside the config drive -> bytes; None = no config drive
    :ivar metadata: ids of the owners, written into the definition of the guest so that
        a leftover can be told from a guest of ours
    :ivar volumes: the volumes that it has from the start; where one of them has boot_index 0,
        the guest has no root disk of its own
    :ivar blank_disks: instead of ``ephemeral_gb`` and ``swap_mb``, for who wants several
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
    volumes: tuple[VolumeDisk, ...] = ()
    blank_disks: tuple[BlankDisk, ...] = ()

    @property
    def has_root_disk(self) -> bool:
        """Whether the guest boots from a disk of its own, not from a volume."""
        return all(volume.boot_index != 0 for volume in self.volumes)


@dataclasses.dataclass(frozen=True)
class GuestInfo:
    """A guest as the hypervisor knows it."""

    server_id: str
    power_state: PowerState
    vcpus: int
    memory_mb: int


@dataclasses.dataclass(frozen=True)
class HostInventory:
    """What the host has in all; ``free_disk_gb``: what is left if guests fill theirs, or < 0."""

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

    :ivar io_error: the guest is paused because a disk did not answer;
        ``resume_after_io_error`` lets it go on once the disk is back
    """

    server_id: str
    power_state: PowerState
    reason: str
    io_error: bool = False


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A copy of a server's root disk, alone in its file: raw or qcow2."""

    path: Path
    disk_format: str


EventSink = Callable[[GuestEvent], None]


class ComputeDriver(Hypervisor):
    """A hypervisor on this host.

    Any number of green threads or threads use it at once; verbs on one server are never called
    concurrently. Errors: GuestNotFound where a guest must exist, HypervisorUnavailable while the
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
        """Define the guest and start it; its disks must be there.

        :raises ConnectionFailed: a volume can't be reached; nothing is left of the guest
        """

    @abc.abstractmethod
    def spawned(self, server_id: str) -> bool:
        """Whether the guest is defined and runs."""

    @abc.abstractmethod
    def power_on(self, server_id: str, *, volumes: Sequence[VolumeDisk] = ()) -> None:
        """Start a guest that is defined.

        :param volumes: those of its volumes that must be connected anew, as their connections
            are now; the others stay as they are defined
        :raises GuestNotFound: :raises ConnectionFailed:
        """

    @abc.abstractmethod
    def power_off(self, server_id: str, timeout: float) -> None:
        """Press the power button and wait ``timeout`` seconds, then pull the plug.

        0 pulls the plug at once.  :raises GuestNotFound:
        """

    @abc.abstractmethod
    def reboot(
        self, server_id: str, hard: bool, timeout: float, *, volumes: Sequence[VolumeDisk] = ()
    ) -> None:
        """Stop (hard, or by the power button within ``timeout`` seconds) and start again.

        :param volumes: as of ``power_on``
        :raises GuestNotFound: :raises ConnectionFailed:
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
        """Figures of a guest; see drivers.diagnostics.  :raises GuestNotFound:"""

    # -- volumes ------------------------------------------------------------

    @abc.abstractmethod
    def connector(self) -> dict[str, Any]:
        """What a volume service must know of this host to export a volume to it: ``host``, ``ip``,
        ``machine`` (see mycloud.disk.machine), ``initiator`` (an IQN), ``certificate_subject``
        (None without a certificate), ``multipath``, ``os_type``, ``platform``."""

    @abc.abstractmethod
    def prepare_encryption(self, disk: VolumeDisk) -> None:
        """Write a LUKS header to an encrypted volume that holds nothing yet; one that has a header
        already is left as it is. The guest's disk is smaller than the volume by the header.

        :raises EncryptionRefused: it holds data that is not encrypted, or has another passphrase
        :raises ConnectionFailed:
        """

    @abc.abstractmethod
    def attach_volume(self, server_id: str, disk: VolumeDisk) -> None:
        """Connect, and give the disk to the guest: now, if it runs, and whenever it starts.

        The disk's serial is the volume's id. A failure leaves nothing.

        :raises GuestNotFound: :raises ConnectionFailed: :raises GuestOperationFailed:
        """

    @abc.abstractmethod
    def has_volume(self, server_id: str, volume_id: str) -> bool:
        """Whether the guest has it now, if it runs, and has it when it starts; False without a
        guest."""

    @abc.abstractmethod
    def volumes(self, server_id: str) -> dict[str, VolumeState]:
        """Every volume that the guest has, now or when it starts; none without a guest."""

    @abc.abstractmethod
    def detach_volume(self, server_id: str, volume_id: str, timeout: float) -> None:
        """Take the disk away, now and for the next start; asks a running guest several times
        within ``timeout`` seconds. A disk or a guest that is not there is no error.

        :raises DetachTimedOut: the guest still has it, and may let go of it later
        """

    @abc.abstractmethod
    def disconnect_volume(self, connection: dict[str, Any]) -> None:
        """Forget what connecting has left on the host, after no guest has the disk any more; what
        is not there is no error."""

    @abc.abstractmethod
    def can_extend(self, server_id: str, volume_id: str) -> bool:
        """Whether the disk can grow while the guest has it, as it is connected; True if no running
        guest has it."""

    @abc.abstractmethod
    def extend_volume(self, server_id: str, volume_id: str, size_bytes: int) -> None:
        """Tell a running guest that its disk, which has grown already, has ``size_bytes`` bytes;
        one that is off sees it at its next start.

        :raises GuestNotFound: :raises VolumeNotInGuest:
        :raises OnlineExtendUnsupported: before anything is touched
        """

    @abc.abstractmethod
    def copy_volume(
        self, server_id: str, volume_id: str, target: Path, target_format: str,
        *, secret: bytes | None = None,
    ) -> VolumeCopy:
        """Write what the disk holds at one moment to a file, new or as big as the volume, while
        the guest goes on. Begun anew if an earlier process was killed.

        :param target_format: ``raw`` or ``qcow2``
        :param secret: the passphrase of an encrypted volume; the copy is encrypted with it, too
        :raises GuestNotFound: :raises VolumeNotInGuest: the guest does not run with it
        :raises EncryptionRefused: it is encrypted and there is no passphrase
        :raises DiskFull: :raises GuestOperationFailed:
        """

    @abc.abstractmethod
    def swap_volume(
        self, server_id: str, old_volume_id: str, new: VolumeDisk, *, only_live: bool = False
    ) -> None:
        """Copy the disk to another volume, or to another place of the same, while the guest goes
        on, and let it use that from then on; of a guest that is off only the definition changes,
        unless ``only_live`` refuses that. Goes on with what an earlier process has begun.

        :raises GuestNotFound: :raises VolumeNotInGuest: :raises ConnectionFailed:
        :raises GuestOperationFailed: the guest uses the old one as before
        """

    @abc.abstractmethod
    def swapped(self, server_id: str, new: VolumeDisk) -> bool:
        """Whether the guest uses the volume by exactly that connection, now and when it starts."""

    @abc.abstractmethod
    def uses(self, server_id: str, disk: VolumeDisk) -> bool:
        """Whether the guest uses the volume by exactly that connection now, if it runs, else when
        it starts; False without a guest."""

    @abc.abstractmethod
    def tune_volume(self, server_id: str, volume_id: str, iotune: Mapping[str, int]) -> None:
        """Give the disk these bounds (see VolumeDisk) instead of those that it has, now and when
        the guest starts; none: it has no bounds any more.

        :raises GuestNotFound: :raises VolumeNotInGuest:
        """

    @abc.abstractmethod
    def abort_swap(self, server_id: str, old_volume_id: str) -> None:
        """Break off a swap that has not come to its end; the guest uses the old disk as before."""

    @abc.abstractmethod
    def io_error(self, server_id: str) -> bool:
        """Whether the guest is paused because a disk did not answer."""

    @abc.abstractmethod
    def resume_after_io_error(self, server_id: str) -> bool:
        """Let a guest that is paused for that reason go on; what it was writing is written.

        True if it runs; False if the disk has not answered for some 20 seconds.

        :raises GuestNotFound:
        """
