"""The one helper of a cloud: its directories, its lock, its pid file, its socket.

The service user owns the state directory and the socket's directory, so everything there is opened
without following links, and by descriptors that nobody can exchange afterwards.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
SOCKET_IN_STATE = Path("run/privileged/socket")


class CannotStart(Exception):
    """Says why, and what to do."""


class Instance:
    """:ivar state_dir: root's own directory, by a path that stays the same whatever the owner of
        the directory above it does
    """

    def __init__(self, state: Path, uid: int, gid: int):
        """:raises CannotStart: another one runs, or a directory is not what it should be"""
        self._uid, self._gid = uid, gid
        try:
            if not state.exists():
                state.mkdir(mode=0o755, parents=True)
                os.chown(state, uid, gid)
            self._state = os.open(state, _DIRECTORY)
            self._own = self._directory(self._state, "privileged", 0)
        except OSError as error:
            raise CannotStart(
                f"{state} can't be used: {error.strerror}: {error.filename}"
            ) from None
        self.state_dir = Path(f"/proc/{os.getpid()}/fd/{self._own}")
        self._lock()

    def listen(self, backlog: int) -> socket.socket:
        """The socket, for root and the service user; a stale one makes place.

        :raises CannotStart:
        """
        try:
            run = self._directory(self._state, "run", self._uid, mode=0o755)
            home = self._directory(run, "privileged", self._uid)
            os.close(run)
            # while it is root's alone nobody can put something else in the socket's place
            os.fchown(home, 0, 0)
            with contextlib.suppress(FileNotFoundError):
                os.unlink("socket", dir_fd=home)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            os.fchmod(listener.fileno(), 0o600)
            listener.bind(f"/proc/self/fd/{home}/socket")
            listener.listen(backlog)
            os.chown("socket", self._uid, self._gid, dir_fd=home, follow_symlinks=False)
            os.fchown(home, self._uid, self._gid)
            os.close(home)
        except OSError as error:
            raise CannotStart(f"The socket can't be made: {error}") from None
        return listener

    def _directory(self, above: int, name: str, uid: int, *, mode: int = 0o700) -> int:
        """:raises CannotStart: it belongs to somebody else"""
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=above)
            os.chown(name, uid, 0 if uid == 0 else self._gid, dir_fd=above, follow_symlinks=False)
        fd = os.open(name, _DIRECTORY, dir_fd=above)
        found = os.fstat(fd)
        if found.st_uid not in {uid, 0} or uid == 0 and found.st_uid != 0:
            raise CannotStart(
                f"The directory {name} belongs to user {found.st_uid}, not to {uid}: "
                "remove it, or give it to its owner"
            )
        if mode == 0o700 and stat.S_IMODE(found.st_mode) != mode:
            os.fchmod(fd, mode)
        return fd

    def _lock(self) -> None:
        self._lock_fd = os.open(
            "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self._own
        )
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"Another root helper (pid {self._pid()}) serves this cloud: stop it first"
            ) from None
        self._write_pid(f"{os.getpid()}\n".encode())

    def _pid(self) -> str:
        try:
            return (self.state_dir / "pid").read_text().strip()
        except OSError:
            return "unknown"

    def _write_pid(self, text: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_TRUNC | os.O_CLOEXEC
        fd = os.open("pid", flags, 0o644, dir_fd=self._own)
        os.write(fd, text)
        os.close(fd)

    def close(self) -> None:
        """Nobody is here any more; the socket stays: who connects is refused at once."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink("pid", dir_fd=self._own)
        for fd in (self._lock_fd, self._own, self._state):
            os.close(fd)
