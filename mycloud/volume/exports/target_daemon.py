"""A ``tgtd`` of its own for one iSCSI export, and the protocol of its management socket.

``tgtadm`` would show passwords in its command line, so its requests are made here: a structure
of fixed form, then words, and an answer of an error number and text (tgt's ``tgtadm.h``, as of
1.0.85). tgtd listens to root alone, so it runs in a user namespace of its own, where the ordinary
user who runs mycloud bears root's number; it has no right there that this user has not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from pathlib import Path

from oslo_concurrency import processutils

from mycloud.common import clock, concurrency
from mycloud.disk import processes

PROGRAM = "tgtd"

# mode, op, driver, length, target, session, unit, connection, host, device type, direction of an
# account, pack, force
_REQUEST = struct.Struct("=ii64sIiQQIIIIII")
_ANSWER = struct.Struct("=II")
_DRIVER = b"iscsi"
_TARGET, _ALL = 1, -1

#: modes
TARGET, UNIT, PORTAL, ACCOUNT = 1, 2, 3, 7
#: operations
NEW, DELETE, SHOW, BIND, UPDATE = 0, 1, 2, 3, 5

_SOCKET = "ipc"
#: of a unit; one guest keeps no more requests under way for long
_THREADS = 8
_START_SECONDS = 10
_END_SECONDS = 2
# A bare name for its socket, whose path may be too long. In the foreground, where tgtd has no
# second process for its log; it writes no pid file there, but ours names it.
_START = """
umask 077
echo $$ >"$1"
exec 2>/dev/null
exec unshare --user --map-root-user tgtd -f -p "$1" -t "$2" --iscsi "portal=$3"
"""


class TargetLost(Exception):
    """tgtd can't be reached, or does not answer in time."""


class TargetRefused(Exception):
    """tgtd answered with an error, whose number this tells."""


class TargetDaemon:
    """The daemon whose files lie in a directory; any number of these may speak of the same."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pid_file = directory / "pid"

    def pid(self) -> int | None:
        """Of the process, if it runs: what bears the number now may be another export's."""
        pid = processes.running(self._pid_file, PROGRAM)
        if pid is None or str(self._pid_file) not in processes.command_line(pid):
            return None
        return pid

    def start(self, portal: str) -> bool:
        """Start it on "IP:PORT", without any target; False if the port is taken.

        :raises TargetLost: :raises processutils.ProcessExecutionError: :raises OSError:
        """
        self._pid_file.unlink(missing_ok=True)
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        processutils.execute(
            # nobody may wait for it by waiting for the end of its output
            "sh", "-c", 'exec setsid --fork "$@" </dev/null >/dev/null 2>&1', "sh",
            "sh", "-c", _START, PROGRAM, str(self._pid_file), str(_THREADS), portal,
            cwd=str(self._directory),
            env_variables={**os.environ, "PATH": path, "LC_ALL": "C", "TGT_IPC_SOCKET": _SOCKET},
        )
        deadline = clock.monotonic() + _START_SECONDS
        while True:
            # tgtd lives on without its portal
            with contextlib.suppress(TargetLost):
                return portal in self.ask(PORTAL, SHOW)
            if self._pid_file.exists() and not self.pid() and not self._starts():
                raise TargetLost(
                    "it has ended; users may need to be allowed namespaces of their own "
                    "(sysctl user.max_user_namespaces)"
                )
            if clock.monotonic() > deadline:
                raise TargetLost("it did not start")
            concurrency.sleep(0.01)

    def _starts(self) -> bool:
        """Whether the process lives that is to become it."""
        try:
            return processes.alive(int(self._pid_file.read_text()))
        except ValueError:
            return True  # it is being written

    def ask(
        self, mode: int, operation: int, words: str = "", *, unit: int = 0, seconds: float = 5
    ) -> str:
        """One request, of the only target; SHOW is of all, DELETE of one in use too. Returns the
        text of the answer. Words may be secrets: they are not logged.

        :raises TargetLost: :raises TargetRefused:
        """
        payload = words.encode() + b"\0" if words else b""
        request = _REQUEST.pack(
            mode, operation, _DRIVER, _REQUEST.size + len(payload),
            _ALL if operation == SHOW else _TARGET, 0, unit, 0, 0, 0, 0, 0,
            int(operation == DELETE),
        )
        try:
            answer = self._exchange(request + payload, seconds)
        except OSError as error:
            raise TargetLost(error.strerror or "no answer in time") from error
        if len(answer) < _ANSWER.size:
            raise TargetLost("it has closed the connection")
        error_number, _ = _ANSWER.unpack_from(answer)
        if error_number:
            raise TargetRefused(f"tgtd's error {error_number}")
        return answer[_ANSWER.size:].rstrip(b"\0").decode(errors="replace")

    def end(self) -> bool:
        """End it, whatever state it is in; False if even a kill has not ended it yet.

        It is killed, since it ends late or never when it is asked to. What it has acknowledged
        is with the kernel.
        """
        pid = self.pid()
        if pid is None:
            processes.wait_dying(self._pid_file, _END_SECONDS)
            return True
        with contextlib.suppress(TargetLost, TargetRefused):
            # whoever is connected is let go in order
            self.ask(TARGET, DELETE, seconds=_END_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return processes.wait_gone(pid, _END_SECONDS)

    def _exchange(self, request: bytes, seconds: float) -> bytes:
        # by way of the directory's descriptor: the path of a socket may have 107 bytes
        directory = os.open(self._directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(seconds)
                connection.connect(f"/proc/self/fd/{directory}/{_SOCKET}.0")
                connection.sendall(request)
                answer = b""
                while chunk := connection.recv(1 << 16):
                    answer += chunk
                return answer
        finally:
            os.close(directory)
