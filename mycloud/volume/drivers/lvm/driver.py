"""Volumes that are logical volumes of one volume group.

thin: everything lies in one pool, which zeroes a block before a volume gets it. A snapshot, a
clone and a volume from a snapshot are thin snapshots: of one moment, made at once, and they need
nothing of each other.

thick: a volume is zeroed when it is made, whatever its disks held, for only then is it certain
that no other volume's bytes are in it. When it is deleted it is cleared too, unless the options
say that the disks may keep what was on them. A snapshot is a copy-on-write one with room for all
of its volume; a volume from it is a whole copy.
"""

from __future__ import annotations

from collections.abc import Mapping

from oslo_concurrency import processutils

from mycloud.common import exceptions
from mycloud.disk import qemu_img
from mycloud.volume.drivers.base import GIB, Manageable, Source
from mycloud.volume.drivers.lvm import foreign, naming
from mycloud.volume.drivers.lvm.backend import LvmBackend
from mycloud.volume.drivers.lvm.commands import LogicalVolume


class LVMDriver(LvmBackend):
    """A backend on ``volume_group``."""

    # -- volumes ------------------------------------------------------------

    def create(self, name: str, size_gb: int, *, pool: str | None = None) -> None:
        final, size = naming.volume(name), size_gb * GIB
        verb, what = f"create volume {name}", f"volume {name}"
        if pool not in (None, self.settings.backend_name):
            raise self._failed(verb, f"it has no pool {pool}")
        with self._telling(verb, what, size):
            there = self._volumes()
            found = naming.ours(there, final)
            if found is not None:
                self._grow(there, found, size)
            elif self._thin:
                self._check_room(there, what, size)
                self._lvm.create_thin(final, size, self._options.pool, {naming.TAG})
            else:
                self._make(there, final, lambda new: self._blank(new, size))

    def exists(self, name: str) -> bool:
        return self._find(naming.volume(name)) is not None

    def names(self) -> list[str]:
        return self._names(naming.VOLUME)

    def size_gb(self, name: str) -> int:
        return -(-self._must(naming.volume(name)).size // GIB)

    def delete(self, name: str) -> None:
        final, verb = naming.volume(name), f"delete volume {name}"
        with self._telling(verb):
            there = self._settle(self._volumes())
            found = naming.ours(there, final)
            if found is None:
                return
            if naming.snapshots_of(there, found):
                raise self._failed(verb, "it has snapshots; delete them first")
            self._must_be_closed(found, verb)
            self._clear(found)
            self._lvm.remove(found.name)

    def extend(self, name: str, size_gb: int) -> None:
        final = naming.volume(name)
        with self._telling(f"extend volume {name}", f"volume {name}", size_gb * GIB):
            there = self._volumes()
            self._grow(there, self._one(there, final), size_gb * GIB)

    def clone(self, source: str, name: str, size_gb: int) -> None:
        origin, final = naming.volume(source), naming.volume(name)
        with self._telling(f"clone volume {source}", f"volume {name}", size_gb * GIB):
            there = self._volumes()
            self._volume_from(there, self._one(there, origin), final, size_gb * GIB)

    def source(self, name: str) -> Source:
        found = self._must(naming.volume(name))
        with self._telling(f"open volume {name}"):
            self._clear_growth(found)
            if naming.FRESH in found.tags:
                # who has it may write to it from now on
                self._lvm.untag(found.name, {naming.FRESH})
            return self._ready(found)

    # -- snapshots ----------------------------------------------------------

    def snapshot(self, name: str, snapshot: str) -> None:
        origin_name, final = naming.volume(name), naming.snapshot(snapshot)
        what = f"snapshot {snapshot}"
        with self._telling(f"make {what} of volume {name}", what):
            there = self._volumes()
            origin = self._one(there, origin_name)
            if naming.ours(there, final) is not None:
                return
            self._clear_growth(origin)
            if self._thin:
                self._check_room(there, what, origin.size)
            self._freeze(origin, final)

    @property
    def atomic_snapshots(self) -> bool:
        return True

    def begin_snapshot(self, name: str, snapshot: str) -> Source:
        raise self._failed(f"begin snapshot {snapshot}", "its snapshots are of one moment")

    def commit_snapshot(self, name: str, snapshot: str) -> None:
        raise self._failed(f"commit snapshot {snapshot}", "its snapshots are of one moment")

    def snapshot_exists(self, name: str, snapshot: str) -> bool:
        return self._find(naming.snapshot(snapshot)) is not None

    def snapshot_names(self) -> list[str]:
        return self._names(naming.SNAPSHOT)

    def delete_snapshot(self, name: str, snapshot: str) -> None:
        final, verb = naming.snapshot(snapshot), f"delete snapshot {snapshot}"
        with self._telling(verb):
            # also one whose end was begun
            found = self._lvm.logical_volume(final)
            if found is not None and naming.TAG in found.tags:
                self._must_be_closed(found, verb)
                self._remove_snapshot(found)

    def create_from_snapshot(
        self, name: str, snapshot: str, new: str, size_gb: int
    ) -> None:
        origin, final = naming.snapshot(snapshot), naming.volume(new)
        verb = f"make volume {new} from snapshot {snapshot}"
        with self._telling(verb, f"volume {new}", size_gb * GIB):
            there = self._volumes()
            self._volume_from(there, self._one(there, origin), final, size_gb * GIB)

    def revert(self, name: str, snapshot: str) -> None:
        volume_name, kept_name = naming.volume(name), naming.snapshot(snapshot)
        verb = f"revert volume {name}"
        with self._telling(verb, f"volume {name}"):
            there = self._settle(self._volumes())
            found, kept = self._one(there, volume_name), self._one(there, kept_name)
            self._must_be_closed(found, verb)
            if self._thin:
                self._swap(there, found, kept)
            else:
                self._clear_growth(found)
                self._lvm.untag(found.name, {naming.FRESH})
                self._put_back(kept, found)

    def snapshot_source(self, name: str, snapshot: str) -> Source:
        found = self._must(naming.snapshot(snapshot))
        with self._telling(f"open snapshot {snapshot}"):
            return self._ready(found)

    # -- what lies there already --------------------------------------------

    def manageable(self) -> list[Manageable]:
        with self._telling("list what lies there"):
            there = self._volumes()
        strangers = [each for each in there.values() if not naming.is_ours(each)]
        return foreign.listing(strangers, self._options.pool, thin=self._thin)

    def manage(self, reference: Mapping[str, str], name: str) -> int:
        final = naming.volume(name)
        with self._telling("take what was named", f"volume {name}"):
            there = self._volumes()
            found, done = foreign.named(there, reference), naming.ours(there, final)
            if done is not None and found in (None, done):
                # an earlier call has done it
                return -(-done.size // GIB)
            reason = self._why_not(found)
            if done is not None:
                reason = f"there is a volume {name} already"
            if found is None or reason is not None:
                raise exceptions.InvalidReference(reference=dict(reference), reason=reason)
            size = -(-found.size // GIB) * GIB
            self._grow(there, found, size)
            self._lvm.tag(found.name, {naming.TAG})
            if found.name != final:
                self._lvm.rename(found.name, final)
        return size // GIB

    def _why_not(self, found: LogicalVolume | None) -> str | None:
        if found is None or naming.is_ours(found):
            return "there is no such logical volume that is not a volume already"
        return foreign.reason(found, self._options.pool, thin=self._thin)

    def unmanage(self, name: str) -> None:
        final, left_name = naming.volume(name), f"{naming.UNMANAGED}{name}"
        with self._telling(f"unmanage volume {name}"):
            there = self._volumes()
            found, left = naming.ours(there, final), there.get(left_name)
            if found is not None:
                self._clear_growth(found)
                self._lvm.rename(final, left_name)
            elif left is None:
                raise self._not_here(final)
            if found is not None or (left is not None and naming.TAG in left.tags):
                self._lvm.untag(left_name, {naming.TAG, naming.FRESH})

    # -- whole images -------------------------------------------------------

    def copy_in(self, name: str, image: Source, virtual_size: int) -> None:
        verb, what = f"write an image to volume {name}", f"volume {name}"
        with self._telling(verb, what, virtual_size):
            found = self._must(naming.volume(name))
            if virtual_size > found.size:
                raise self._failed(
                    verb, f"it needs {virtual_size} bytes, the volume has {found.size}"
                )
            self._must_be_closed(found, verb)
            self._clear_growth(found)
            self._ready(found)
            blank = naming.FRESH in found.tags
            if blank:
                self._lvm.untag(found.name, {naming.FRESH})
            if found.thin:
                blank = self._discarded(found)
            try:
                self._write(image, found, virtual_size, known_zero=blank)
            except (processutils.ProcessExecutionError, exceptions.DiskFull, OSError) as error:
                # asked while it is so
                full = self._thin and self._free() == 0
                if found.thin:
                    # what it has taken in vain
                    self._discarded(found)
                if full:
                    raise self._full(what, virtual_size, 0) from error
                raise

    def copy_out(self, name: str, target: Source) -> None:
        with self._telling(f"read volume {name}"):
            found = self._must(naming.volume(name))
            self._clear_growth(found)
            with self._still(found) as source:
                qemu_img.convert(source.path, source.format, target.path, target.format)
