"""The root helper of a cloud on this machine: the first process up, the last one down."""

import contextlib
import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from mycloud.common import clock, concurrency
from mycloud.disk import processes
from mycloud.local.layout import Layout
from mycloud.local.service_user import Account
from mycloud.local.settings import LocalError

NAME = "mycloud-privileged"
_MODULE = "mycloud.privileged.program"
_START_SECONDS = 20
_STOP_SECONDS = 45
_LONGEST_LOG = 50 << 20
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def pid(layout: Layout) -> int | None:
    """Its pid if it listens.

    The socket tells who that is. Its directory is the services' user's, who could have put
    another one there: so it is believed only of root's process with the right command line.
    """
    try:
        folder = os.open(layout.run / "privileged", _DIRECTORY)
    except OSError:
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(2)
            # by way of the descriptor: the path of a socket may have 107 bytes
            probe.connect(f"/proc/self/fd/{folder}/socket")
            peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except OSError:
        return None
    finally:
        os.close(folder)
    found, uid, _ = struct.unpack("3i", peer)
    words = processes.command_line(found)
    return found if uid == 0 and _MODULE in words and str(layout.state) in words else None


def log(layout: Layout) -> Path:
    """Where it says what it does."""
    return layout.logs / f"{NAME}.log"


def command(layout: Layout, user: str) -> list[str]:
    """What starts it, for root."""
    return [
        sys.executable, "-I", "-m", _MODULE, "--state", str(layout.state), "--user", user,
    ]


def start(layout: Layout, account: Account) -> None:
    """Start it, and wait until it listens.

    :raises LocalError: it has ended, or does not listen in time
    """
    with _open_log(layout, account) as file:
        child = subprocess.Popen(
            command(layout, account.name),
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd="/", start_new_session=True,
        )
    until = clock.monotonic() + _START_SECONDS
    while pid(layout) != child.pid:
        if child.poll() is not None:
            raise LocalError(f"{NAME} has ended: {_last_words(layout)}")
        if clock.monotonic() > until:
            child.kill()
            raise LocalError(
                f"{NAME} does not listen after {_START_SECONDS} s; see {log(layout)}"
            )
        concurrency.sleep(0.02)


def _open_log(layout: Layout, account: Account) -> BinaryIO:
    """The folder is the services' user's: nothing there may lead root to another file.

    :raises LocalError: what is there is no log
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        folder = os.open(layout.logs, _DIRECTORY)
        try:
            file = os.fdopen(os.open(log(layout).name, flags, 0o640, dir_fd=folder), "ab")
        finally:
            os.close(folder)
    except OSError as error:
        raise LocalError(
            f"{log(layout)} can't be written ({error.strerror}); remove it"
        ) from error
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        file.close()
        raise LocalError(f"{log(layout)} is not a file of its own; remove it")
    os.fchown(file.fileno(), 0, account.gid)
    if found.st_size > _LONGEST_LOG:
        file.truncate(0)
    return file


def _last_words(layout: Layout) -> str:
    lines = log(layout).read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"see {log(layout)}"


def stop(layout: Layout) -> bool:
    """End it, once it has done what it was asked for; False if it did not run."""
    found = pid(layout)
    if found is None:
        return False
    processes.end(found, _STOP_SECONDS)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(found, os.WNOHANG)
    return True
