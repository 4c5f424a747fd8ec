"""What the options of an LVM backend mean, and what follows from them and from what is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

AUTO, DEFAULT, THIN = "auto", "default", "thin"
ZERO, NONE = "zero", "none"


@dataclasses.dataclass(frozen=True)
class LvmOptions:
    """:ivar lvm_type: ``auto``, ``default`` (thick) or ``thin``
    :ivar clear: whether what a thick volume has held is overwritten when it is deleted. A new
        volume reads as zeros in any case: this one is for whoever gets the disks
    :ivar clear_mib: how much of its beginning; 0: all
    """

    group: str
    lvm_type: str
    pool: str
    ratio: float
    reserved_percentage: int
    clear: bool
    clear_mib: int

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> LvmOptions:
        """:raises ValueError: names the option that is wrong"""
        group = options.get("volume_group") or "mycloud-volumes"
        clear = options.get("volume_clear") or ZERO
        if clear not in (ZERO, NONE):
            raise ValueError(f"volume_clear {clear!r} is not {ZERO} or {NONE}")
        lvm_type = options.get("lvm_type") or AUTO
        if lvm_type not in (AUTO, DEFAULT, THIN):
            raise ValueError(f"lvm_type {lvm_type!r} is not {AUTO}, {DEFAULT} or {THIN}")
        return cls(
            group=group,
            lvm_type=lvm_type,
            pool=options.get("lvm_pool_name") or f"{group}-pool",
            ratio=float(options.get("max_over_subscription_ratio") or 20),
            reserved_percentage=int(options.get("reserved_percentage") or 0),
            clear=clear == ZERO,
            clear_mib=int(options.get("volume_clear_size") or 0),
        )


def is_thin(
    lvm_type: str, *, thin_supported: bool, pool_exists: bool, group_empty: bool
) -> bool:
    """Whether a backend makes thin volumes.

    ``auto``: thin if LVM can, and either the pool is there or nothing is in its way; else thick.
    So a volume group that holds thick volumes goes on as it is.

    :raises ValueError: thin is wanted and LVM can't
    """
    if lvm_type == THIN and not thin_supported:
        raise ValueError(
            "lvm_type is thin, but LVM on this host makes no thin volumes: install "
            "thin-provisioning-tools, or set lvm_type = default"
        )
    if lvm_type == AUTO:
        return thin_supported and (pool_exists or group_empty)
    return lvm_type == THIN
