"""The volumes of the libvirt driver's guests."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import libvirt
from oslo_log import log

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute import connectors
from mycloud.compute.connectors import blockdev, this_host
from mycloud.compute.connectors.base import DiskSource
from mycloud.compute.drivers.base import PowerState, VolumeCopy, VolumeDisk, VolumeState
from mycloud.compute.drivers.libvirt import disks, domain, power
from mycloud.compute.drivers.libvirt.base import LibvirtBase
from mycloud.compute.drivers.libvirt.mirrors import Mirror
from mycloud.disk import luks, sparse

LOG = log.getLogger(__name__)

#: how often a guest is asked to let go of a disk
_DETACH_TRIES = 8
#: QEMU connects again beside a request that fails once more, and between its own tries it sleeps
#: longer and longer, up to 16 s
_RESUME_SECONDS = 20.0
_RESUME_AGAIN_SECONDS = 0.2
#: a guest that has run for so long after it was resumed has its disk back
_RUNS_SECONDS = 0.5
_POLL_SECONDS = 0.05
#: the bounds of a disk; none of them is 0
_BOUNDS = tuple(
    f"{way}_{unit}{most}"
    for way in ("total", "read", "write")
    for unit in ("bytes_sec", "iops_sec")
    for most in ("", "_max")
)
_GONE = (libvirt.VIR_ERR_DEVICE_MISSING, libvirt.VIR_ERR_NO_DOMAIN)
_REFUSALS = (libvirt.VIR_ERR_OPERATION_FAILED, libvirt.VIR_ERR_INTERNAL_ERROR)


@dataclasses.dataclass(frozen=True)
class _Disks:
    """What a guest has: volume -> disk."""

    running: bool
    live: dict[str, disks.Found]
    persistent: dict[str, disks.Found]


class LibvirtVolumes(LibvirtBase):
    """The part of the libvirt driver that has to do with volumes."""

    # -- questions ----------------------------------------------------------

    def connector(self) -> dict[str, Any]:
        settings = self.settings
        return this_host.connector(self._hostname, settings.address, settings.pki_dir)

    def volumes(self, server_id: str) -> dict[str, VolumeState]:
        found = self._disks(server_id)
        if found is None:
            return {}
        # what the guest uses by now comes before what it starts with
        known = {**found.persistent, **found.live}
        return {
            volume_id: VolumeState(
                disk.target, volume_id in found.live, volume_id in found.persistent,
                disks.words(disk.element),
            )
            for volume_id, disk in known.items()
        }

    def has_volume(self, server_id: str, volume_id: str) -> bool:
        found = self._disks(server_id)
        return (
            found is not None
            and volume_id in found.persistent
            and (volume_id in found.live or not found.running)
        )

    def swapped(self, server_id: str, new: VolumeDisk) -> bool:
        found = self._disks(server_id)
        if found is None:
            return False
        wanted = disks.identity(disks.element(new, self._connect(new)))
        places = [found.persistent] + ([found.live] if found.running else [])
        return all(
            new.volume_id in place and place[new.volume_id].identity == wanted
            for place in places
        )

    def uses(self, server_id: str, disk: VolumeDisk) -> bool:
        found = self._disks(server_id)
        if found is None:
            return False
        place = found.live if found.running else found.persistent
        wanted = disks.identity(disks.element(disk, self._connect(disk)))
        return disk.volume_id in place and place[disk.volume_id].identity == wanted

    def can_extend(self, server_id: str, volume_id: str) -> bool:
        found = self._disks(server_id)
        return found is None or volume_id not in found.live or found.live[volume_id].grows

    # -- attach and detach --------------------------------------------------

    def attach_volume(self, server_id: str, disk: VolumeDisk) -> None:
        found = self._must_disks(server_id)
        source = self._connect(disk)
        flags = 0
        if found.running and disk.volume_id not in found.live:
            flags |= libvirt.VIR_DOMAIN_AFFECT_LIVE
        if disk.volume_id not in found.persistent:
            flags |= libvirt.VIR_DOMAIN_AFFECT_CONFIG
        if not flags:
            return
        xml = ET.tostring(disks.element(disk, source), encoding="unicode")
        with (
            self._verb("attach a volume to", server_id, hidden=source.secrets()),
            _reached(disk, source),
            self._secrets.lent((disk, source)),
        ):
            self._host.call(_attach, server_id, xml, flags)

    def detach_volume(self, server_id: str, volume_id: str, timeout: float) -> None:
        try:
            with self._verb("detach a volume from", server_id):
                self._let_go(server_id, volume_id, timeout)
                self._host.call(_detach_persistent, server_id, volume_id)
        except exceptions.GuestNotFound:
            return

    def _let_go(self, server_id: str, volume_id: str, timeout: float) -> None:
        """Ask the running guest until it has done so."""
        found = self._must_disks(server_id).live.get(volume_id)
        if found is None:
            return
        deadline = clock.monotonic() + timeout
        with self._host.release_awaited(server_id, found.alias) as answered:
            for _ in range(_DETACH_TRIES):
                answered.clear()
                self._host.call(_request_release, server_id, found)
                answered.wait(max(timeout / _DETACH_TRIES, _POLL_SECONDS))
                # what has come of it is not in the answer
                if volume_id not in self._must_disks(server_id).live:
                    return
                if clock.monotonic() > deadline:
                    break
        raise exceptions.DetachTimedOut(
            server_id=server_id, volume_id=volume_id, seconds=timeout
        )

    def disconnect_volume(self, connection: dict[str, Any]) -> None:
        """QEMU itself was connected, and its secrets were forgotten at once."""

    # -- encryption ---------------------------------------------------------

    def prepare_encryption(self, disk: VolumeDisk) -> None:
        if disk.secret is None:
            raise _refused(disk.volume_id, "it has no passphrase")
        self._make_luks(disk.volume_id, self._connect(disk), disk.secret)

    def _make_luks(self, volume_id: str, source: DiskSource, secret: bytes) -> None:
        if source.format != "raw":
            raise _refused(volume_id, f"it lies in a {source.format} file; only raw ones can be")
        node = blockdev.node(source, self.settings.pki_dir)
        try:
            luks.ensure(
                self.settings.state_dir / "luks", node.options, node.objects,
                blockdev.secret("passphrase", secret),
            )
        except luks.NotEmpty:
            raise _refused(volume_id, "it holds data that is not encrypted") from None
        except luks.WrongPassphrase:
            raise _refused(volume_id, "it was encrypted with another passphrase") from None
        except luks.Failed as error:
            raise exceptions.ConnectionFailed(volume_id=volume_id, reason=str(error)) from None

    # -- grow, copy, swap ---------------------------------------------------

    def extend_volume(self, server_id: str, volume_id: str, size_bytes: int) -> None:
        found = self._must_disks(server_id)
        disk = self._must_have(server_id, volume_id, {**found.persistent, **found.live})
        if not found.running:
            return
        if not disk.grows:
            raise exceptions.OnlineExtendUnsupported(
                volume_id=volume_id, server_id=server_id,
                protocol=disks.words(disk.element).split()[0],
            )
        if disk.is_encrypted and disk.path is not None:
            size_bytes -= concurrency.run_native(luks.payload_offset, disk.path)
        with self._verb("extend a disk of", server_id):
            self._host.call(_resize, server_id, disk.target, size_bytes)

    def copy_volume(
        self, server_id: str, volume_id: str, target: Path, target_format: str,
        *, secret: bytes | None = None,
    ) -> VolumeCopy:
        disk = self._must_have(server_id, volume_id, self._must_disks(server_id).live)
        size = self._host.call(_size, server_id, disk.target)
        # by the name of the target, not of the volume: it is the copy's own header
        copy = VolumeDisk(f"copy-{volume_id}", {}, disk.target, secret=secret)
        source = DiskSource(target_format, target)
        if disk.is_encrypted:
            # what the guest sees must not get to the storage as it sees it
            if secret is None:
                raise _refused(volume_id, "its copy would not be encrypted")
            if not target.exists():
                sparse.create(target, size + luks.HEADER_BYTES)
            self._make_luks(volume_id, source, secret)
        with self._verb("copy a disk of", server_id):
            mirror = Mirror(self._host.call, server_id, disk.target)
            mirror.end()
            with self._secrets.lent((copy, source)):
                mirror.begin(disks.element(copy, source), existing=target.exists())
            quiesced = mirror.break_off()
            concurrency.run_native(_flush, target)
        return VolumeCopy(size, quiesced)

    def swap_volume(
        self, server_id: str, old_volume_id: str, new: VolumeDisk, *, only_live: bool = False
    ) -> None:
        source = self._connect(new)
        element = disks.element(new, source)
        with (
            self._verb("swap a disk of", server_id, hidden=source.secrets()),
            _reached(new, source),
        ):
            found = self._must_disks(server_id)
            if only_live and not found.running:
                raise exceptions.GuestOperationFailed(
                    verb="swap a disk of", server_id=server_id, reason="it is off"
                )
            if found.running:
                self._swap_live(server_id, found, old_volume_id, (new, source))
            found = self._must_disks(server_id)
            for volume_id in (old_volume_id, new.volume_id):
                if volume_id in found.persistent:
                    self._host.call(power.redefine, server_id, {volume_id: element})
                    return
            raise exceptions.VolumeNotInGuest(server_id=server_id, volume_id=old_volume_id)

    def _swap_live(
        self, server_id: str, found: _Disks, old_volume_id: str,
        new: tuple[VolumeDisk, DiskSource],
    ) -> None:
        disk, source = new
        element = disks.element(disk, source)
        wanted = disks.identity(element)
        now = found.live.get(disk.volume_id)
        if now is not None and now.identity == wanted:
            return
        old = self._must_have(server_id, old_volume_id, found.live)
        if old.is_encrypted and disk.secret is None:
            raise _refused(disk.volume_id, "what is encrypted now would not be there")
        if old.identity != wanted:
            # else a process was killed right after it had been swapped
            self._mirror_to(server_id, old, (disk, source), element)
        self._host.call(_remember_swap, server_id, old.target, disk.volume_id)

    def _mirror_to(
        self, server_id: str, old: disks.Found, new: tuple[VolumeDisk, DiskSource],
        element: ET.Element,
    ) -> None:
        """Let the guest use a mirror of its disk instead; what fails leaves nothing."""
        mirror = Mirror(self._host.call, server_id, old.target)
        filled = old.element.find("mirror")
        begun = filled is not None and disks.identity(filled) == disks.identity(element)
        try:
            if not begun:
                self._begin(mirror, new, element)
            try:
                mirror.wait_alike()
            except exceptions.GuestOperationFailed:
                # a bigger one can't become the mirror as a whole
                disks.limit(element, self._host.call(_size, server_id, old.target))
                self._begin(mirror, new, element)
                mirror.wait_alike()
            mirror.end(pivot=True)
        except BaseException:
            mirror.end()
            raise

    def _begin(
        self, mirror: Mirror, new: tuple[VolumeDisk, DiskSource], element: ET.Element
    ) -> None:
        mirror.end()
        with self._secrets.lent(new):
            mirror.begin(element, existing=True)

    def tune_volume(self, server_id: str, volume_id: str, iotune: Mapping[str, int]) -> None:
        found = self._must_disks(server_id)
        with self._verb("set the bounds of a disk of", server_id):
            for place, flags in (
                (found.live, libvirt.VIR_DOMAIN_AFFECT_LIVE),
                (found.persistent, libvirt.VIR_DOMAIN_AFFECT_CONFIG),
            ):
                if volume_id in place:
                    self._host.call(_tune, server_id, place[volume_id].target, iotune, flags)
        self._must_have(server_id, volume_id, {**found.persistent, **found.live})

    def abort_swap(self, server_id: str, old_volume_id: str) -> None:
        found = self._disks(server_id)
        if found is None or old_volume_id not in found.live:
            return
        with self._verb("stop to swap a disk of", server_id):
            Mirror(self._host.call, server_id, found.live[old_volume_id].target).end()

    # -- after an error -----------------------------------------------------

    def resume_after_io_error(self, server_id: str) -> bool:
        with self._verb("resume", server_id, tell=False):
            deadline = clock.monotonic() + _RESUME_SECONDS
            while self.io_error(server_id) and clock.monotonic() < deadline:
                self._host.call(_resume, server_id)
                end = clock.monotonic() + _RUNS_SECONDS
                while clock.monotonic() < end and not self.io_error(server_id):
                    concurrency.sleep(_POLL_SECONDS)
                if self.io_error(server_id):
                    concurrency.sleep(_RESUME_AGAIN_SECONDS)
            return self._must(server_id).power_state == PowerState.RUNNING

    # -- how ----------------------------------------------------------------

    def _connect(self, disk: VolumeDisk) -> DiskSource:
        return connectors.connect(disk.connection, self._this_host())

    def _connect_all(self, volumes: Sequence[VolumeDisk]) -> list[tuple[VolumeDisk, DiskSource]]:
        return [(disk, self._connect(disk)) for disk in volumes]

    def _disks(self, server_id: str) -> _Disks | None:
        found: _Disks | None = self._ask(_look, server_id)
        return found

    def _must_disks(self, server_id: str) -> _Disks:
        found = self._disks(server_id)
        if found is None:
            raise exceptions.GuestNotFound(server_id=server_id)
        return found

    def _must_have(
        self, server_id: str, volume_id: str, among: dict[str, disks.Found]
    ) -> disks.Found:
        if volume_id not in among:
            raise exceptions.VolumeNotInGuest(server_id=server_id, volume_id=volume_id)
        return among[volume_id]


@contextlib.contextmanager
def _reached(disk: VolumeDisk, source: DiskSource) -> Iterator[None]:
    """QEMU could not open it: that is no fault of the guest."""
    try:
        yield
    except libvirt.libvirtError as error:
        if "blockdev-add" in str(error):
            LOG.warning("Volume %s can't be reached by %s", disk.volume_id, source.protocol)
            raise connectors.failed(disk.connection, "QEMU can't open it") from None
        raise


def _refused(volume_id: str, reason: str) -> exceptions.EncryptionRefused:
    return exceptions.EncryptionRefused(volume_id=volume_id, reason=reason)


def _look(conn: Any, server_id: str) -> _Disks | None:
    try:
        dom = conn.lookupByName(domain.name_of(server_id))
        running = bool(dom.isActive())
        return _Disks(running, disks.live(dom) if running else {}, disks.persistent(dom))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _attach(conn: Any, server_id: str, xml: str, flags: int) -> None:
    conn.lookupByName(domain.name_of(server_id)).attachDeviceFlags(xml, flags)


def _detach_persistent(conn: Any, server_id: str, volume_id: str) -> None:
    dom = conn.lookupByName(domain.name_of(server_id))
    found = disks.persistent(dom).get(volume_id)
    if found is not None:
        with _gone_is_fine():
            dom.detachDeviceFlags(found.xml(), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        if dom.isActive():
            disks.forget_swap(dom, found.target)


def _request_release(conn: Any, server_id: str, found: disks.Found) -> None:
    """Returns at once; whoever asks again too soon is refused, which changes nothing."""
    try:
        with _gone_is_fine():
            conn.lookupByName(domain.name_of(server_id)).detachDeviceAlias(
                found.alias, libvirt.VIR_DOMAIN_AFFECT_LIVE
            )
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _REFUSALS:
            raise
        LOG.debug("Server %s does not let go of %s yet: %s", server_id, found.target, error)


def _resize(conn: Any, server_id: str, target: str, size: int) -> None:
    conn.lookupByName(domain.name_of(server_id)).blockResize(
        target, size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES
    )


def _tune(
    conn: Any, server_id: str, target: str, iotune: Mapping[str, int], flags: int
) -> None:
    # what is not told stays as it is, so all is told
    bounds = {**dict.fromkeys(_BOUNDS, 0), **iotune}
    conn.lookupByName(domain.name_of(server_id)).setBlockIoTune(target, bounds, flags)


def _size(conn: Any, server_id: str, target: str) -> int:
    capacity, _allocation, _physical = conn.lookupByName(
        domain.name_of(server_id)
    ).blockInfo(target)
    return int(capacity)


def _remember_swap(conn: Any, server_id: str, target: str, volume_id: str) -> None:
    disks.remember_swap(conn.lookupByName(domain.name_of(server_id)), target, volume_id)


def _resume(conn: Any, server_id: str) -> None:
    try:
        conn.lookupByName(domain.name_of(server_id)).resume()
    except libvirt.libvirtError as error:
        # it runs already
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _GONE:
            raise


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
