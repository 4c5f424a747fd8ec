"""Secrets that libvirt hands to QEMU: in its memory only, and no longer than they are needed.

A definition names a secret by its usage and never holds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import libvirt

from mycloud.common import concurrency
from mycloud.compute.connectors.base import DiskSource
from mycloud.compute.drivers.base import VolumeDisk

ISCSI, LUKS = "iscsi", "volume"
_USAGES = {
    ISCSI: libvirt.VIR_SECRET_USAGE_TYPE_ISCSI,
    LUKS: libvirt.VIR_SECRET_USAGE_TYPE_VOLUME,
}
_PREFIX = "mycloud-"


def chap_usage(source: DiskSource) -> str:
    """The usage of the password for a target."""
    return f"{_PREFIX}chap-{source.name}"


def luks_usage(volume_id: str) -> str:
    """The usage of the passphrase of a volume."""
    return f"{_PREFIX}luks-{volume_id}"


class Secrets:
    """The secrets of one libvirt.

    :param call: runs a function of a connection natively
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        # two guests may use the same volume: one must not take away what the other needs
        self._lock = concurrency.Lock()

    @contextlib.contextmanager
    def lent(self, *disks: tuple[VolumeDisk, DiskSource]) -> Iterator[None]:
        """While the block runs, libvirt knows the secrets of these disks."""
        needed: list[tuple[str, str, bytes]] = []
        for disk, source in disks:
            if source.chap is not None:
                needed.append((ISCSI, chap_usage(source), source.chap.password.encode()))
            if disk.secret is not None:
                needed.append((LUKS, luks_usage(disk.volume_id), disk.secret))
        if not needed:
            yield
            return
        with self._lock:
            try:
                for kind, usage, value in needed:
                    self._call(_tell, kind, usage, value)
                yield
            finally:
                for kind, usage, _ in needed:
                    self._call(_forget, kind, usage)

    def forget_all(self) -> None:
        """Forget what a process that was killed has left."""
        self._call(_forget_all)


def _tell(conn: Any, kind: str, usage: str, value: bytes) -> None:
    _forget(conn, kind, usage)
    root = ET.Element("secret", ephemeral="yes", private="yes")
    element = ET.SubElement(root, "usage", type=kind)
    ET.SubElement(element, "target" if kind == ISCSI else "volume").text = usage
    conn.secretDefineXML(ET.tostring(root, encoding="unicode")).setValue(value)


def _forget(conn: Any, kind: str, usage: str) -> None:
    with _none_is_fine():
        conn.secretLookupByUsage(_USAGES[kind], usage).undefine()


def _forget_all(conn: Any) -> None:
    for secret in conn.listAllSecrets():
        if secret.usageID().startswith(_PREFIX):
            with _none_is_fine():
                secret.undefine()


@contextlib.contextmanager
def _none_is_fine() -> Iterator[None]:
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SECRET:
            raise
