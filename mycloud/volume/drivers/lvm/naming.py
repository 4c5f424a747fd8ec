"""Which logical volumes are ours, and what their names and tags mean.

``volume-NAME`` and ``snap-NAME`` with the tag ``mycloud`` are ours; those with the tag
``mycloud.making`` are not whole. ``temp-...`` is a copy for a while, and ``old-...`` is what a
volume was until it was reverted. All of these are nobody's after a crash.
"""

from __future__ import annotations

from collections.abc import Iterable

from mycloud.volume.drivers.layout import checked
from mycloud.volume.drivers.lvm.commands import LogicalVolume

VOLUME, SNAPSHOT, TEMPORARY, OLD, UNMANAGED = "volume-", "snap-", "temp-", "old-", "unmanaged-"
#: ours
TAG = "mycloud"
#: not whole yet; a tag comes and goes without a pause for who uses the volume, unlike a name
MAKING = "mycloud.making"
#: zeroed, and never handed out since
FRESH = "mycloud.fresh"
#: a snapshot that is going away
GOING = "mycloud.going"
#: a thick volume that grew holds somebody's bytes from this byte on
GREW = "mycloud.grew="
#: metadata of a pool can't be taken to its end
_METADATA_FULL = 0.95

Volumes = dict[str, LogicalVolume]


def volume(name: str) -> str:
    """:raises ValueError: it can't be a volume's name"""
    return VOLUME + checked(name)


def snapshot(name: str) -> str:
    """:raises ValueError: it can't be a snapshot's name"""
    return SNAPSHOT + checked(name)


def ours(there: Volumes, name: str) -> LogicalVolume | None:
    """The volume or snapshot of that logical name, if it is there and whole."""
    found = there.get(name)
    if found is None or TAG not in found.tags or {MAKING, GOING} & found.tags:
        return None
    return found


def is_ours(found: LogicalVolume) -> bool:
    """Whole or not."""
    return TAG in found.tags and found.name.startswith((VOLUME, SNAPSHOT, TEMPORARY, OLD))


def is_temporary(found: LogicalVolume) -> bool:
    """Nobody's, once the process that made it is gone."""
    return TAG in found.tags and (
        MAKING in found.tags or found.name.startswith((TEMPORARY, OLD))
    )


def is_old(found: LogicalVolume) -> bool:
    """What a volume was until it was reverted."""
    return TAG in found.tags and found.name.startswith(OLD)


def snapshots_of(there: Volumes, found: LogicalVolume) -> list[LogicalVolume]:
    """Those that can't be without it."""
    return [each for each in there.values() if each.copy_on_write and each.origin == found.name]


def promised(found: Iterable[LogicalVolume], pool: str) -> int:
    """Bytes that the volumes and snapshots of a pool could take."""
    return sum(each.size for each in found if each.thin and each.pool == pool)


def exhausted(pool: LogicalVolume) -> bool:
    """Nothing more can be made in it."""
    return pool.used >= 1 or pool.metadata_used >= _METADATA_FULL
