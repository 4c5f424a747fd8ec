"""Mounts below the cloud's state directory, and below what else root has allowed.

Nothing on the way to a mount point may be a link. What is mounted there already is left alone: a
call that was answered before is answered again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from mycloud.privileged import allowed, current, digest, errors, mounts, run
from mycloud.privileged.arguments import AbsolutePath, Check, Size
from mycloud.privileged.expose import expose
from mycloud.privileged.roots import Roots

_MOUNT_NFS = "/usr/sbin/mount.nfs"
_SHARE = re.compile(
    r"(\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\]|[A-Za-z0-9_][A-Za-z0-9_.-]*):/[^\s,\\]*"
)
#: an option of NFS with what may follow it
_OPTIONS = re.compile(
    r"(nfs)?vers=[34](\.[0-2])?|minorversion=[0-2]|proto=(tcp6?|udp6?|rdma)|port=\d{1,5}"
    r"|sec=(sys|krb5[ip]?)|(timeo|retrans|rsize|wsize|actimeo|ac(reg|dir)m(in|ax)|nconnect)=\d{1,8}"
    r"|hard|soft|softerr|intr|ro|rw|(no)?ac|(no)?lock|(no)?atime|relatime|(no)?resvport|async|sync"
    r"|local_lock=(none|all|flock|posix)|lookupcache=(all|none|pos|positive)"
)
#: a server that is away is told at once: whoever called tries again
_ALWAYS = ("nosuid", "nodev", "retry=0")
_NFS_SECONDS = 90.0

Share = Annotated[
    str, Check("an NFS share, SERVER:/PATH", lambda value: _SHARE.fullmatch(value) is not None)
]
NfsOption = Annotated[
    str, Check("an option of NFS mounts", lambda value: _OPTIONS.fullmatch(value) is not None)
]


@expose(touches="a directory of the cloud", idempotent=True, deadline=_NFS_SECONDS + 10)
def mount_nfs(share: Share, target: AbsolutePath, options: list[NfsOption]) -> bool:
    """Mount a share, without devices and without set-uid programs; False if it is there already.

    Needs mount.nfs of the package nfs-common.
    """
    with _place(target) as place:
        if _is_there(target, share, ("nfs", "nfs4")):
            return False
        # mount.nfs would go to its target by the name, so it gets one that only root can change
        with _staged(target) as stage:
            _mount_nfs(share, str(stage), ",".join((*_ALWAYS, *options)))
            mounts.mount(str(stage), place, "", mounts.BIND)
    return True


@expose(touches="a directory of the cloud", idempotent=True)
def mount_bind(source: AbsolutePath, target: AbsolutePath, *, read_only: bool = False) -> bool:
    """Show a directory at another place too, without devices and without set-uid programs; False
    if it is there already."""
    with _place(target) as place, _roots().held(source, directory=True) as shown:
        if mounts.at(target) is not None:
            if os.path.samestat(os.stat(shown), os.stat(place)):
                return False
            raise errors.Refused(
                f"something else is mounted at {target}; unmount it, or choose another place"
            )
        flags = mounts.REMOUNT | mounts.BIND | mounts.NO_SUID | mounts.NO_DEVICES
        with _staged(target) as stage:
            mounts.mount(shown, str(stage), "", mounts.BIND)
            mounts.mount(
                "none", str(stage), "", flags | (mounts.READ_ONLY if read_only else 0)
            )
            mounts.mount(str(stage), place, "", mounts.BIND)
    return True


@expose(touches="a directory of the cloud", idempotent=True)
def mount_tmpfs(target: AbsolutePath, size: Size) -> bool:
    """An empty directory in memory for the service's user alone; False if it is there already.

    :param size: how much it may hold
    """
    with _place(target) as place:
        if _is_there(target, "mycloud", ("tmpfs",)):
            return False
        helper = current.helper()
        mounts.mount(
            "mycloud", place, "tmpfs", mounts.NO_SUID | mounts.NO_DEVICES,
            f"size={size},mode=0700,uid={helper.service_uid},gid={helper.service_gid}",
        )
    return True


@expose(touches="a directory of the cloud", idempotent=True)
def mount_remove(target: AbsolutePath) -> bool:
    """Unmount what is mounted last at a place; False if nothing is. Fails while it is used."""
    above, name = os.path.split(target)
    with _roots().held(above, directory=True) as parent:
        if mounts.at(target) is None:
            return False
        try:
            mounts.unmount(f"{parent}/{name}")
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise errors.Refused(f"{target} is in use; see open_files") from error
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return False
            raise
    return True


# -- inside -----------------------------------------------------------------


def _roots() -> Roots:
    """Where something may be mounted."""
    return Roots(current.service_dir(), *map(Path, allowed.entries(allowed.MOUNT_ROOTS)))


def _place(target: str) -> contextlib.AbstractContextManager[str]:
    """A name of a mount point that nobody can turn into another directory's."""
    return _roots().held(target, directory=True)


def _is_there(target: str, source: str, kinds: tuple[str, ...]) -> bool:
    """:raises Refused: something else is"""
    found = mounts.at(target)
    if found is None:
        return False
    if found.kind in kinds and found.source.rstrip("/") == source.rstrip("/"):
        return True
    raise errors.Refused(
        f"{found.source} ({found.kind}) is mounted at {target}; unmount it, or choose another "
        "place"
    )


@contextlib.contextmanager
def _staged(target: str) -> Iterator[Path]:
    """A directory that only root can change; what is mounted there meanwhile is unmounted."""
    name = digest.of(target)
    stage = current.state_dir() / "mounts" / name
    stage.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(stage.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # a helper that died here has left one
        _clear(stage)
        try:
            yield stage
        finally:
            _clear(stage)
    finally:
        os.close(lock)


def _clear(stage: Path) -> None:
    with contextlib.suppress(OSError):
        # until it says that nothing is mounted there
        while True:
            mounts.unmount(str(stage))


def _mount_nfs(share: str, place: str, options: str) -> None:
    try:
        run.run([_MOUNT_NFS, share, place, "-o", options], timeout=_NFS_SECONDS)
    except errors.ProgramFailed as error:
        if error.details["status"] == 127:
            raise errors.Refused(
                f"{_MOUNT_NFS} is not installed; install the package nfs-common"
            ) from None
        raise
