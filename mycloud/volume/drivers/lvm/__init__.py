"""Volumes that are logical volumes of one LVM volume group, thick or thin."""

from mycloud.volume.drivers.lvm.driver import LVMDriver

__all__ = ["LVMDriver"]
