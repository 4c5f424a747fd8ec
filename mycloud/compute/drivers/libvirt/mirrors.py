"""Copy a disk of a guest that runs: a mirror is filled, kept alike, and at last either broken off,
which leaves a copy of that moment, or becomes the disk itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import libvirt

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.drivers.libvirt import domain

ROOT_TARGET = "vda"
_POLL_SECONDS = 0.1
#: it fails when it has not come on for so long
_PATIENCE_SECONDS = 600
#: nobody else lets a guest go on that was frozen
_THAW_TRIES = 3

Call = Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class Mirror:
    """One disk's mirror.

    :ivar call: runs a function of a connection natively
    :ivar target: of the disk that is copied
    """

    call: Call
    server_id: str
    target: str

    def break_off(self) -> bool:
        """Wait until all is copied, and let the copy be that of this moment.

        True if the guest's agent had its file systems frozen at that moment.

        :raises GuestOperationFailed: it does not come on, or ends too soon
        """
        try:
            self.wait_alike()
            with frozen(self.call, self.server_id) as quiesced:
                self.end()
        except BaseException:
            self.end()
            raise
        return quiesced

    def begin(self, root: ET.Element, *, existing: bool) -> None:
        """Start to fill the disk that the element describes.

        :param existing: it is there and has the size; else a file is made
        """
        self.call(_begin, self, ET.tostring(root, encoding="unicode"), existing)

    def wait_alike(self) -> None:
        """Wait until all is copied; from then on every write goes to both.

        :raises GuestOperationFailed: it does not come on, or ends too soon
        """
        last, since = -1, clock.monotonic()
        while True:
            done, end = self.call(_progress, self)
            if end > 0 and done == end:
                # libvirt never says that all is copied before the mirror is ready
                return
            now = clock.monotonic()
            if done != last:
                last, since = done, now
            elif now - since > _PATIENCE_SECONDS:
                raise self.failed(f"it has not come on for {_PATIENCE_SECONDS} s")
            concurrency.sleep(_POLL_SECONDS)

    def end(self, *, pivot: bool = False) -> None:
        """Break it off, if there is one; or let the guest use the mirror from now on."""
        self.call(_end, self, pivot)

    def failed(self, reason: str) -> exceptions.GuestOperationFailed:
        """The error of a copy."""
        return exceptions.GuestOperationFailed(
            verb="copy the disk of", server_id=self.server_id, reason=reason
        )


@contextlib.contextmanager
def frozen(call: Call, server_id: str) -> Iterator[bool]:
    """Ask the guest's agent to hold the file systems still meanwhile; True if it does."""
    held = call(_freeze, server_id)
    try:
        yield held
    finally:
        if held:
            call(_thaw, server_id)


def _begin(conn: Any, mirror: Mirror, xml: str, existing: bool) -> None:
    # transient: the mirror does not outlive the guest's next start
    flags = libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    if existing:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT
    _domain(conn, mirror).blockCopy(mirror.target, xml, {}, flags)


def _progress(conn: Any, mirror: Mirror) -> tuple[int, int]:
    job = _domain(conn, mirror).blockJobInfo(mirror.target)
    if not job:
        raise mirror.failed("the copy ended by itself; see the log of QEMU")
    return job["cur"], job["end"]


def _end(conn: Any, mirror: Mirror, pivot: bool) -> None:
    try:
        dom = _domain(conn, mirror)
        if dom.isActive() and dom.blockJobInfo(mirror.target):
            dom.blockJobAbort(
                mirror.target, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT if pivot else 0
            )
    except libvirt.libvirtError as error:
        # the guest is off, and the mirror with it
        if pivot or error.get_error_code() not in (
            libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID
        ):
            raise


def _freeze(conn: Any, server_id: str) -> bool:
    dom = conn.lookupByName(domain.name_of(server_id))
    try:
        dom.fsFreeze()
    except libvirt.libvirtError as error:
        # no agent, or one that can't; only of one that does not answer nobody knows what it did
        if error.get_error_code() == libvirt.VIR_ERR_AGENT_UNRESPONSIVE:
            with contextlib.suppress(libvirt.libvirtError):
                dom.fsThaw()
        return False
    return True


def _thaw(conn: Any, server_id: str) -> None:
    dom = conn.lookupByName(domain.name_of(server_id))
    for tries_left in reversed(range(_THAW_TRIES)):
        try:
            dom.fsThaw()
            return
        except libvirt.libvirtError:
            if not dom.isActive():
                return
            if not tries_left:
                raise


def _domain(conn: Any, mirror: Mirror) -> Any:
    return conn.lookupByName(domain.name_of(mirror.server_id))
