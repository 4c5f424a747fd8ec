"""Files of the service user, opened by root: only below a declared directory, and through no link.

The service user may change its directories at any time, so a path that was looked at proves
nothing: what counts is what was opened.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mycloud.privileged import errors

_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 0x02, 0x04, 0x08
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    _fields_ = [
        ("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64),
    ]


class Roots:
    """:param places: absolute directories; a path must lie below one of them"""

    def __init__(self, *places: Path):
        self._places = [Path(os.path.normpath(place)) for place in places]

    def open(self, path: str, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
        """A descriptor of what lies at ``path``, which is the caller's to close.

        :raises Refused: it lies elsewhere, or a link is on the way
        :raises SystemFailed: it can't be opened
        """
        place, inner = self._confine(path)
        try:
            above = os.open(place, _DIRECTORY)
        except OSError as error:
            raise _failed(path, error) from None
        try:
            return _beneath(above, inner, flags | os.O_CLOEXEC, mode)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EXDEV):
                raise errors.Refused(
                    f"{path} leads through a link: root opens none there", path=path
                ) from None
            raise _failed(path, error) from None
        finally:
            os.close(above)

    @contextlib.contextmanager
    def held(self, path: str, *, directory: bool = False) -> Iterator[str]:
        """A name of what lies at ``path`` that stays true, for what wants a path.

        :raises Refused: :raises SystemFailed: as ``open``
        """
        fd = self.open(path, os.O_PATH | (os.O_DIRECTORY if directory else 0))
        try:
            yield f"/proc/{os.getpid()}/fd/{fd}"
        finally:
            os.close(fd)

    def _confine(self, path: str) -> tuple[Path, str]:
        if path.startswith("/") and "\0" not in path and ".." not in path.split("/"):
            wanted = Path(os.path.normpath(path))
            for place in self._places:
                if wanted.is_relative_to(place):
                    return place, str(wanted.relative_to(place))
        raise errors.Refused(
            f"{path!r} does not lie below {' or '.join(map(str, self._places))}", path=path
        )


def _failed(path: str, error: OSError) -> errors.SystemFailed:
    return errors.SystemFailed(
        f"{path} can't be opened: {os.strerror(error.errno or 0)}", errno=error.errno, path=path
    )


def _beneath(above: int, inner: str, flags: int, mode: int) -> int:
    """:raises OSError: ELOOP or EXDEV for what leads elsewhere"""
    how = _How(
        flags, mode if flags & os.O_CREAT else 0,
        _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS,
    )
    fd = _libc.syscall(
        _OPENAT2, above, os.fsencode(inner), ctypes.byref(how), ctypes.sizeof(how)
    )
    if fd >= 0:
        return int(fd)
    number = ctypes.get_errno()
    if number not in (errno.ENOSYS, errno.EPERM):
        raise OSError(number, os.strerror(number))
    return _walk(above, inner, flags, mode)


def _walk(above: int, inner: str, flags: int, mode: int) -> int:
    """The same where the kernel has no openat2: one name after another."""
    *names, last = inner.split("/")
    here = os.dup(above)
    try:
        for name in names:
            below = _step(here, name, _DIRECTORY, 0)
            os.close(here)
            here = below
        return _step(here, last, flags, mode)
    finally:
        os.close(here)


def _step(here: int, name: str, flags: int, mode: int) -> int:
    """:raises OSError: ELOOP for a link"""
    with contextlib.suppress(FileNotFoundError):
        _refuse_link(os.stat(name, dir_fd=here, follow_symlinks=False))
    fd = os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=here)
    try:
        # O_PATH opens a link itself
        _refuse_link(os.fstat(fd))
    except OSError:
        os.close(fd)
        raise
    return fd


def _refuse_link(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
