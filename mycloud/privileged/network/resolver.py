"""The name servers that the host asks: the ``nameserver`` lines of resolv.conf."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from mycloud.privileged import errors

PATH = Path("/etc/resolv.conf")
_WORD = "nameserver"
#: where other programs keep a file of theirs, to which resolv.conf is then a link
_OTHERS = ("/run/", "/var/run/")


def read(path: Path = PATH) -> tuple[str, ...] | None:
    """Those that are set, first the one that is asked first; None: another program decides."""
    if _foreign(path):
        return None
    return tuple(
        words[1] for line in _lines(path) if len(words := line.split()) > 1 and words[0] == _WORD
    )


def write(servers: tuple[str, ...], path: Path = PATH) -> None:
    """Set these, in the place of the former ones; the other lines stay.

    :raises Refused: another program of this host decides on its name servers
    """
    if _foreign(path):
        raise errors.Refused(
            f"{path} belongs to another program ({os.path.realpath(path)}): tell that one the "
            "name servers, and leave them out here"
        )
    if read(path) == servers:
        return
    lines = [line for line in _lines(path) if line.split()[:1] != [_WORD]]
    text = "".join(f"{line}\n" for line in [*lines, *(f"{_WORD} {each}" for each in servers)])
    fresh = path.with_name(f"{path.name}.mycloud")
    try:
        with fresh.open("w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        fresh.chmod(0o644)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        if error.errno != errno.EBUSY:
            raise
        # a file system of its own is mounted there, as containers have it
        path.write_text(text)


def _foreign(path: Path) -> bool:
    return path.is_symlink() and os.path.realpath(path).startswith(_OTHERS)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
