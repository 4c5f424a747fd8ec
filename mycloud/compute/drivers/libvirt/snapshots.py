"""Copy the disk of a guest that runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import libvirt

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.drivers.libvirt import domain

ROOT_TARGET = "vda"
_POLL_SECONDS = 0.1
_SECONDS = 3600


def copy_live(call: Callable[..., Any], server_id: str, target: Path) -> None:
    """Mirror the root disk to a qcow2 and break off once both are alike: the copy is the disk at
    that moment, and the guest never stopped.

    :param call: runs a function of a connection natively
    :raises GuestOperationFailed: when it takes more than an hour, or ends too soon
    """
    call(_begin, server_id, target)
    try:
        deadline = clock.monotonic() + _SECONDS
        while not call(_alike, server_id):
            if clock.monotonic() > deadline:
                raise _failed(server_id, f"it is not ready after {_SECONDS} s")
            concurrency.sleep(_POLL_SECONDS)
    finally:
        call(_end, server_id)


def _begin(conn: Any, server_id: str, target: Path) -> None:
    dom = conn.lookupByName(domain.name_of(server_id))
    if dom.blockJobInfo(ROOT_TARGET):
        # of a process that was killed
        dom.blockJobAbort(ROOT_TARGET)
    # transient: the mirror does not outlive the guest's next start
    dom.blockCopy(
        ROOT_TARGET, _disk(target), {}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    )


def _alike(conn: Any, server_id: str) -> bool:
    job = conn.lookupByName(domain.name_of(server_id)).blockJobInfo(ROOT_TARGET)
    if not job:
        raise _failed(server_id, "the copy ended by itself; see the log of QEMU")
    # libvirt never says that all is copied before the mirror is ready
    return bool(job["end"] > 0 and job["cur"] == job["end"])


def _end(conn: Any, server_id: str) -> None:
    dom = conn.lookupByName(domain.name_of(server_id))
    if dom.blockJobInfo(ROOT_TARGET):
        dom.blockJobAbort(ROOT_TARGET)


def _failed(server_id: str, reason: str) -> exceptions.GuestOperationFailed:
    return exceptions.GuestOperationFailed(
        verb="copy the disk of", server_id=server_id, reason=reason
    )


def _disk(target: Path) -> str:
    disk = ET.Element("disk", type="file")
    ET.SubElement(disk, "driver", name="qemu", type="qcow2")
    ET.SubElement(disk, "source", file=str(target))
    return ET.tostring(disk, encoding="unicode")

