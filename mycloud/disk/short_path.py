"""A short name for a directory with sockets in it: the path to a unix socket may have 107 bytes.

A user's daemons keep their sockets under a directory that they are told, deep below the state
directory. Where that is too long they are told of a symbolic link under /tmp instead.
"""

import hashlib
import os
import stat
from pathlib import Path

from mycloud.common import exceptions

#: What a path to a unix socket may have.
SOCKET_PATH_BYTES = 107


def fits(path: str) -> bool:
    """Whether a socket can have that path."""
    return len(os.fsencode(path)) <= SOCKET_PATH_BYTES


def of(directory: Path) -> Path:
    """The link for a directory; the same for every process of this user."""
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return _home() / name


def make(directory: Path) -> Path:
    """The link, which is there now.

    :raises HypervisorUnavailable: somebody else has taken its place
    """
    home, link = _home(), of(directory)
    home.mkdir(mode=0o700, exist_ok=True)
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        # another user could lead our daemons elsewhere
        raise exceptions.HypervisorUnavailable(
            reason=f"{home} is not a directory of this user alone",
            remedy="Remove it, choose a shorter --state directory, or run as root.",
        )
    if not link.is_symlink() or os.readlink(link) != str(directory):
        fresh = home / f"{link.name}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(directory)
        fresh.replace(link)
    return link


def remove(directory: Path) -> None:
    """Remove the link, and with the last one the directory of them."""
    try:
        of(directory).unlink()
        _home().rmdir()
    except OSError:
        pass  # there was none, or others are there still


def _home() -> Path:
    return Path(f"/tmp/mycloud-{os.geteuid()}")
