"""Logical volumes that are nobody's yet, and whether they can become volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mycloud.common import exceptions
from mycloud.volume.drivers.base import GIB, Manageable
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
            source_name=each.origin or None,
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
