"""What the verbs of an LVM backend are made of."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from oslo_concurrency import processutils
from oslo_log import log

from mycloud.common import clock, concurrency, exceptions
from mycloud.disk import blocks, qemu_img
from mycloud.volume.drivers.base import GIB, BackendSettings, Pool, Source, VolumeDriver
from mycloud.volume.drivers.lvm import commands, naming
from mycloud.volume.drivers.lvm.commands import LogicalVolume
from mycloud.volume.drivers.lvm.options import LvmOptions, is_thin

LOG = log.getLogger(__name__)

_MIB = 1 << 20
#: a program that looks at new devices (udev) opens them for a moment
_CLOSE_SECONDS = 2.0


class LvmBackend(VolumeDriver):
    """One volume group: its life, and how volumes in it are made, changed and written.

    :param call: :param execute: see ``commands.Lvm``, for tests
    """

    PROTOCOL: ClassVar[str] = "block"

    def __init__(
        self, settings: BackendSettings, *, call: Any = None,
        execute: commands.Execute | None = None,
    ) -> None:
        super().__init__(settings)
        self._call, self._execute = call, execute
        self._set: LvmOptions | None = None
        self._tools: commands.Lvm | None = None
        self._thin = False

    # -- life ---------------------------------------------------------------

    def do_setup(self) -> None:
        try:
            options = LvmOptions.of(self.settings.options)
            lvm = commands.Lvm(options.group, call=self._call, execute=self._execute)
            commands.checked(options.pool)
        except ValueError as error:
            raise self._failed("start", str(error)) from error
        self._set, self._tools = options, lvm
        with self._telling("start"):
            group = lvm.volume_group()
            supported = "thin-pool" in lvm.segment_types()
            there = self._volumes()
        pool = there.get(options.pool)
        try:
            self._thin = is_thin(
                options.lvm_type, thin_supported=supported,
                pool_exists=pool is not None and pool.kind == "thin-pool",
                group_empty=not group.volumes,
            )
        except ValueError as error:
            raise self._failed("start", str(error)) from error
        if self._thin:
            self._ready_pool(pool)
        with self._telling("open its volumes"):
            self._take(there)

    def check_for_setup_error(self) -> None:
        self.do_setup()

    def pools(self) -> list[Pool]:
        with self._telling("measure its volume group"):
            group = self._lvm.volume_group()
            found = self._lvm.logical_volumes()
        total, free = group.size, group.free
        provisioned = sum(each.size for each in found if each.kind != "thin-pool")
        if self._thin:
            pool = self._pool_in({each.name: each for each in found})
            total, provisioned = pool.size, naming.promised(found, pool.name)
            free = 0 if naming.exhausted(pool) else int(total * (1 - pool.used))
        return [
            Pool(
                name=self.settings.backend_name,
                total_gb=round(total / GIB, 2),
                free_gb=round(free / GIB, 2),
                provisioned_gb=round(provisioned / GIB, 2),
                thin=self._thin,
                max_over_subscription_ratio=self._options.ratio,
                reserved_percentage=self._options.reserved_percentage,
                storage_protocol=self.PROTOCOL,
                capabilities={"lvm_type": "thin" if self._thin else "default"},
            )
        ]

    def clean_temporary(self) -> list[str]:
        removed = []
        with self._telling("remove what was half made"):
            self._settle(self._volumes())
            for each in self._volumes().values():
                if naming.is_temporary(each):
                    self._lvm.remove(each.name)
                    removed.append(each.name)
        return removed

    # -- what is there ------------------------------------------------------

    @property
    def _lvm(self) -> commands.Lvm:
        if self._tools is None:
            self.do_setup()
        assert self._tools is not None
        return self._tools

    @property
    def _options(self) -> LvmOptions:
        if self._set is None:
            self.do_setup()
        assert self._set is not None
        return self._set

    def _ready_pool(self, found: LogicalVolume | None) -> None:
        name = self._options.pool
        if found is None:
            with self._telling(f"create its thin pool {name}"):
                self._lvm.create_pool(name)
                self._lvm.fail_when_full(name)
            return
        if found.kind != "thin-pool":
            raise self._failed(
                "start",
                f"the logical volume {name} is no thin pool; set lvm_pool_name to another name",
            )
        if not found.zeroing:
            raise self._failed(
                "start",
                f"its thin pool {name} gives out blocks that hold what others have deleted; run: "
                f"lvchange --zero y {self._options.group}/{name}",
            )

    def _take(self, there: naming.Volumes) -> None:
        """Get the devices that this user had before the host was started anew: who has a volume
        opens it without asking."""
        for each in there.values():
            if naming.is_ours(each) and each.active and not self._lvm.reaches(each.name):
                self._lvm.device(each.name)

    def _volumes(self) -> naming.Volumes:
        return {each.name: each for each in self._lvm.logical_volumes()}

    def _names(self, prefix: str) -> list[str]:
        with self._telling("list its volumes"):
            there = self._volumes()
        return sorted(
            each.removeprefix(prefix)
            for each in there
            if each.startswith(prefix) and naming.ours(there, each) is not None
        )

    def _find(self, name: str) -> LogicalVolume | None:
        with self._telling("look for a volume"):
            found = self._lvm.logical_volume(name)
        return None if found is None else naming.ours({name: found}, name)

    def _must(self, name: str) -> LogicalVolume:
        found = self._find(name)
        if found is None:
            raise self._not_here(name)
        return found

    def _one(self, there: naming.Volumes, name: str) -> LogicalVolume:
        found = naming.ours(there, name)
        if found is None:
            raise self._not_here(name)
        return found

    def _pool_in(self, there: naming.Volumes) -> LogicalVolume:
        pool = there.get(self._options.pool)
        if pool is None or pool.kind != "thin-pool":
            raise self._failed("use its thin pool", f"{self._options.pool} is gone")
        return pool

    def _check_room(self, there: naming.Volumes, what: str, size: int) -> None:
        """A pool promises what it does not have; not more than the options allow, and nothing
        once it is full."""
        pool = self._pool_in(there)
        room = int(pool.size * self._options.ratio) - naming.promised(there.values(), pool.name)
        if naming.exhausted(pool):
            room = 0
        if size > room:
            raise self._full(what, size, room)

    def _must_be_closed(self, found: LogicalVolume, verb: str) -> None:
        deadline = clock.monotonic() + _CLOSE_SECONDS
        current: LogicalVolume | None = found
        while current is not None and current.opened:
            if clock.monotonic() > deadline:
                LOG.warning(
                    "Backend %s can't %s: used by %s", self.settings.name, verb,
                    ", ".join(self._lvm.users(found.name)) or "another device",
                )
                raise self._failed(
                    verb, "a program has it open; detach it, or wait for the copy"
                )
            concurrency.sleep(0.4)
            current = self._lvm.logical_volume(found.name)

    # -- making -------------------------------------------------------------

    def _make(self, there: naming.Volumes, name: str, fill: Callable[[str], None]) -> None:
        """Let ``fill`` make a volume that is nobody's until it is whole."""
        begun = there.get(name)
        if begun is not None and naming.is_temporary(begun):
            self._lvm.remove(name)
        try:
            fill(name)
            self._lvm.untag(name, {naming.MAKING})
        except BaseException:
            with contextlib.suppress(commands.LvmFailed):
                left = self._lvm.logical_volume(name)
                if left is not None and naming.is_temporary(left):
                    self._lvm.remove(name)
            raise

    def _blank(self, name: str, size: int) -> None:
        self._lvm.create(name, size, {naming.TAG, naming.MAKING, naming.FRESH})
        # all of it: extents may be bigger than what was asked for
        self._lvm.zero(name)

    def _volume_from(
        self, there: naming.Volumes, origin: LogicalVolume, final: str, size: int
    ) -> None:
        found = naming.ours(there, final)
        if found is not None:
            self._grow(there, found, size)
            return
        size = max(size, origin.size)
        self._clear_growth(origin)
        if not origin.thin:
            self._make(there, final, lambda name: self._copy(origin, name, size))
            return
        self._check_room(there, _told(final), size)
        if size == origin.size:
            self._lvm.snapshot_thin(origin.name, final, {naming.TAG}, writable=True)
        else:
            self._make(there, final, lambda name: self._thin_copy(origin, name, size))

    def _thin_copy(self, origin: LogicalVolume, name: str, size: int) -> None:
        tags = {naming.TAG, naming.MAKING}
        self._lvm.snapshot_thin(origin.name, name, tags, writable=True)
        if size > origin.size:
            self._lvm.extend(name, size)

    def _copy(self, origin: LogicalVolume, name: str, size: int) -> None:
        self._lvm.create(name, size, {naming.TAG, naming.MAKING})
        made = self._lvm.logical_volume(name)
        assert made is not None
        with self._still(origin) as source:
            self._write(source, made, origin.size, known_zero=False)

    def _freeze(self, origin: LogicalVolume, name: str) -> None:
        if origin.thin:
            self._lvm.snapshot_thin(origin.name, name, {naming.TAG}, writable=False)
        else:
            self._lvm.snapshot(origin.name, origin.size, name, {naming.TAG})

    @contextlib.contextmanager
    def _still(self, found: LogicalVolume) -> Iterator[Source]:
        """What a volume holds at this moment, for as long as it takes to read it."""
        if not found.opened:
            yield self._ready(found)
            return
        name = f"{naming.TEMPORARY}{clock.new_hex_id()}"
        self._freeze(found, name)
        try:
            yield Source(self._lvm.device(name))
        finally:
            kept = self._lvm.logical_volume(name)
            if kept is not None:
                self._remove_snapshot(kept)

    # -- changing -----------------------------------------------------------

    def _grow(self, there: naming.Volumes, found: LogicalVolume, size: int) -> None:
        self._clear_growth(found)
        if found.size >= size:
            return
        verb = f"extend {_told(found.name)}"
        if found.thin:
            self._check_room(there, _told(found.name), size - found.size)
            self._lvm.extend(found.name, size)
            return
        snapshots = naming.snapshots_of(there, found)
        if snapshots and (found.opened or any(each.opened for each in snapshots)):
            raise self._failed(
                verb, "it has snapshots, so LVM can extend it only while nobody uses it: detach "
                "it, or delete its snapshots"
            )
        # kept on the disk: a crash must not leave a tail that holds another's bytes
        grew = f"{naming.GREW}{found.size}"
        self._lvm.tag(found.name, {grew})
        try:
            if snapshots:
                self._lvm.deactivate(found.name)
            try:
                self._lvm.extend(found.name, size)
            finally:
                if snapshots:
                    self._lvm.activate(found.name)
        except commands.LvmFailed:
            self._lvm.untag(found.name, {grew})
            raise
        grown = self._lvm.logical_volume(found.name)
        if grown is not None:
            self._clear_growth(grown)

    def _clear_growth(self, found: LogicalVolume) -> None:
        """Zero what a thick volume got when it grew, unless that was done."""
        for tag in found.tags:
            if tag.startswith(naming.GREW):
                start = int(tag.removeprefix(naming.GREW))
                if found.size > start:
                    self._ready(found)
                    self._lvm.zero(found.name, start)
                self._lvm.untag(found.name, {tag})

    def _swap(self, there: naming.Volumes, found: LogicalVolume, kept: LogicalVolume) -> None:
        """Put a thin copy of a snapshot in the place of a volume. A crash on the way leaves
        ``old-...`` behind: see ``_settle``."""
        fresh, old = naming.TEMPORARY + found.name, naming.OLD + found.name
        if fresh in there:
            self._lvm.remove(fresh)
        self._check_room(there, _told(found.name), found.size)
        try:
            self._thin_copy(kept, fresh, found.size)
            self._lvm.untag(fresh, {naming.MAKING})
            self._lvm.rename(found.name, old)
            self._lvm.rename(fresh, found.name)
        except commands.LvmFailed:
            self._settle(self._volumes())
            raise
        self._lvm.remove(old)

    def _settle(self, there: naming.Volumes) -> naming.Volumes:
        """End what ``_swap`` had begun; returns what is there then."""
        begun = [each for each in there.values() if naming.is_old(each)]
        for each in begun:
            name = each.name.removeprefix(naming.OLD)
            if name not in there:
                # the other is whole: the old one is put away only then
                fresh = naming.TEMPORARY + name
                self._lvm.rename(fresh if fresh in there else each.name, name)
                if fresh not in there:
                    continue
            self._lvm.remove(each.name)
        return self._volumes() if begun else there

    def _remove_snapshot(self, found: LogicalVolume) -> None:
        """Remove a snapshot, and what a thick one has kept of its volume."""
        if found.thin or not self._options.clear:
            self._lvm.remove(found.name)
            return
        if naming.GOING not in found.tags:
            self._lvm.tag(found.name, {naming.GOING})
        if found.copy_on_write:
            self._lvm.split(found.name)
        store = self._lvm.logical_volume(found.name)
        if store is not None:
            if not store.writable:
                self._lvm.make_writable(store.name)
            self._clear(store)
            self._lvm.remove(store.name)

    # -- bytes --------------------------------------------------------------

    def _ready(self, found: LogicalVolume) -> Source:
        if not found.active:
            self._lvm.activate(found.name)
        return Source(self._lvm.device(found.name))

    def _clear(self, found: LogicalVolume) -> None:
        """Overwrite what a thick volume held; a pool zeroes its blocks by itself."""
        if found.thin or not self._options.clear:
            return
        self._ready(found)
        length = self._options.clear_mib * _MIB
        self._lvm.zero(found.name, end=min(length, found.size) if length else None)

    def _discarded(self, found: LogicalVolume) -> bool:
        """Give back what a thin volume holds; whether it reads as zeros then."""
        try:
            self._lvm.discard(found.name)
        except commands.LvmFailed:
            # a pool may have been told to take nothing back
            return False
        left = self._lvm.logical_volume(found.name)
        return left is not None and left.used == 0

    def _write(
        self, source: Source, target: LogicalVolume, length: int, *, known_zero: bool
    ) -> None:
        """Let a volume begin with ``length`` bytes of a source, and go on with zeros."""
        device = self._lvm.device(target.name)
        if not known_zero:
            start = length // _MIB * _MIB
            if start < target.size:
                self._lvm.zero(target.name, start)
            qemu_img.overwrite(source.path, source.format, device, target.size)
        else:
            qemu_img.convert_into(source.path, source.format, device, "raw", target.size)
        concurrency.run_native(_flush, device)

    def _put_back(self, kept: LogicalVolume, found: LogicalVolume) -> None:
        """Let a thick volume hold what its snapshot holds, and go on with zeros."""
        source, target = self._ready(kept).path, self._ready(found).path
        if kept.size < found.size:
            self._lvm.zero(found.name, kept.size)
        concurrency.run_native(blocks.copy_differences, source, target, kept.size)

    # -- what went wrong ----------------------------------------------------

    @contextlib.contextmanager
    def _telling(self, verb: str, what: str = "it", needed: int = 0) -> Iterator[None]:
        try:
            yield
        except commands.GroupMissing as error:
            raise exceptions.VolumeGroupNotFound(
                backend=self.settings.name, verb=verb, group=self._options.group
            ) from error
        except (commands.NoSpace, exceptions.DiskFull) as error:
            raise self._full(what, needed, self._free()) from error
        except commands.LvmFailed as error:
            raise self._failed(verb, error.reason) from error
        except (processutils.ProcessExecutionError, OSError) as error:
            # a pool that is full fails writes with any error
            if self._thin and self._free() == 0:
                raise self._full(what, needed, 0) from error
            reason = error.strerror if isinstance(error, OSError) else qemu_img.reason(error)
            raise self._failed(verb, reason or type(error).__name__) from error

    def _free(self) -> int:
        return int(self.pools()[0].free_gb * GIB)

    def _full(self, what: str, needed: int, free: int) -> exceptions.BackendFull:
        return exceptions.BackendFull(
            backend=self.settings.name, what=what, needed=max(needed, _MIB) // _MIB,
            free=max(free, 0) // _MIB,
        )

    def _failed(self, verb: str, reason: str) -> exceptions.BackendFailed:
        return exceptions.BackendFailed(backend=self.settings.name, verb=verb, reason=reason)

    def _not_here(self, name: str) -> exceptions.VolumeNotOnBackend:
        what, name = _told(name).split(" ", 1)
        return exceptions.VolumeNotOnBackend(backend=self.settings.name, what=what, name=name)


def _flush(device: Path) -> None:
    with device.open("rb") as file:
        os.fsync(file.fileno())


def _told(name: str) -> str:
    """A logical volume's name in words."""
    if name.startswith(naming.SNAPSHOT):
        return f"snapshot {name.removeprefix(naming.SNAPSHOT)}"
    return f"volume {name.removeprefix(naming.VOLUME)}"
