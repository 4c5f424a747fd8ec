"""Logical volumes that are nobody's yet, and whether they can become volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mycloud.common import exceptions
from mycloud.volume.drivers.base import GIB, Manageable
from mycloud.volume.drivers.lvm import naming
from mycloud.volume.drivers.lvm.commands import LogicalVolume

_KEYS = ("source-name",)
_POOLS = ("thin-pool", "cache-pool", "vdo-pool")


def listing(found: Iterable[LogicalVolume], pool: str, *, thin: bool) -> list[Manageable]:
    """Each of them, with what stands in its way."""
    return [
        Manageable(
            reference={_KEYS[0]: each.name},
            size_gb=-(-each.size // GIB),
            reason=reason(each, pool, thin=thin),
            # a volume that shares its blocks with another is a volume all the same
            source_name=None if _former_name(each.name) else each.origin or None,
            former_name=_former_name(each.name),
        )
        for each in found
        if each.kind not in _POOLS
    ]


def named(
    there: Mapping[str, LogicalVolume], reference: Mapping[str, str]
) -> LogicalVolume | None:
    """What a reference means, if it is there.

    :raises InvalidReference: it has not exactly the key that is expected
    """
    if tuple(reference) != _KEYS or not isinstance(reference[_KEYS[0]], str):
        raise exceptions.InvalidReference(
            reference=dict(reference), reason=f"it must have the key {_KEYS[0]}, and no other"
        )
    return there.get(reference[_KEYS[0]])


def reason(found: LogicalVolume, pool: str, *, thin: bool) -> str | None:
    """Why it can't become a volume of this backend; None if it can."""
    if found.kind in _POOLS:
        return "it is a pool of other volumes"
    if found.copy_on_write:
        return "it is a snapshot"
    if not found.writable:
        return "it is read-only"
    if thin and found.pool != pool:
        return f"it does not lie in the thin pool {pool}"
    if not thin and found.pool:
        return "it lies in a thin pool, and the volumes of this backend are thick"
    if found.opened:
        return "a program or a file system uses it"
    return None


def _former_name(name: str) -> str | None:
    """What the volume was called, of one that was unmanaged."""
    if not name.startswith(naming.UNMANAGED):
        return None
    return name.removeprefix(naming.UNMANAGED)
