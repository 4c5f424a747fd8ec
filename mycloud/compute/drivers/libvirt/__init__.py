"""Guests in QEMU, by libvirt."""

from mycloud.compute.drivers.libvirt.driver import LibvirtDriver

__all__ = ["LibvirtDriver"]
