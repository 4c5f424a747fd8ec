"""LUKS on a disk, by QEMU alone.

A ``qemu-storage-daemon`` opens the disk for as long as it takes. Names and secrets reach it over
its monitor, whose socket is in a directory that only this user may enter; it ends with the process
that asked.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from oslo_concurrency import processutils

from mycloud.common import clock, concurrency
from mycloud.disk.qmp import Monitor, QmpLost, QmpRefused

#: the passphrases are long and random, so guessing needs no slowing down
_ITERATION_MS = 100
_CIPHER = {
    "cipher-alg": "aes-256", "cipher-mode": "xts", "ivgen-alg": "plain64", "hash-alg": "sha256",
}
#: what a header for such keys takes of the disk: 8 sectors, and 504 for each of 8 passphrases
HEADER_BYTES = (8 + 8 * 504) * 512
#: QEMU measures how quick the processor is and fails if a clock of the kernel ticks too slowly
_NO_CLOCK = "accurate CPU usage"
_TRIES = 20
_DISK, _LUKS, _PASSPHRASE = "disk", "luks", "passphrase"
_SOCKET, _EXPORT_SOCKET = "qmp.sock", "nbd.sock"
_START_SECONDS = 15
_ANSWER_SECONDS = 60
_SECONDS = 3600
_POLL_SECONDS = 0.02
_MAGIC = b"LUKS\xba\xbe"
_NOT_LUKS = "not in LUKS format"
_DIFFERENT = 1


class NotEmpty(Exception):
    """The disk holds something that is not LUKS and not only zeros."""


class WrongPassphrase(Exception):
    """The disk is LUKS and the passphrase does not open it."""


class Failed(Exception):
    """The disk can't be opened or written to; the words hold no secret and no path."""


def ensure(
    directory: Path, node: Mapping[str, Any], objects: Iterable[Mapping[str, Any]],
    passphrase: Mapping[str, Any],
) -> None:
    """Make the disk a LUKS disk with that passphrase, if it holds nothing yet.

    :param directory: for sockets; made, and only for this user
    :param node: the disk, as arguments of ``blockdev-add``
    :param objects: what it needs, as arguments of ``object-add``
    :param passphrase: a ``secret`` object called ``passphrase``, as arguments of ``object-add``
    :raises NotEmpty: :raises WrongPassphrase: :raises Failed:
    """
    with _daemon(directory) as (place, monitor):
        try:
            for each in (*objects, passphrase):
                monitor.execute("object-add", **_words(each))
            monitor.execute("blockdev-add", **_words({**node, "node-name": _DISK}))
            if not _is_luks(monitor):
                _format(place, monitor)
        except (QmpLost, QmpRefused) as error:
            raise Failed(getattr(error, "reason", "QEMU does not answer")) from None


def payload_offset(path: Path) -> int:
    """Bytes of a LUKS disk before what the guest sees; 0 if it is no LUKS disk of version 1."""
    with path.open("rb") as file:
        header = file.read(108)
    if not header.startswith(_MAGIC) or header[6:8] != b"\0\1":
        return 0
    return int.from_bytes(header[104:108], "big") * 512


def _is_luks(monitor: Monitor) -> bool:
    try:
        monitor.execute(
            "blockdev-add", driver="luks", file=_DISK, node_name=_LUKS, key_secret=_PASSPHRASE,
            read_only=True,
        )
    except QmpRefused as error:
        if _NOT_LUKS in error.reason:
            return False
        if "password" in error.reason or "keyslot" in error.reason:
            raise WrongPassphrase from None
        raise
    monitor.execute("blockdev-del", node_name=_LUKS)
    return True


def _format(place: Path, monitor: Monitor) -> None:
    [disk] = [
        each for each in monitor.execute("query-named-block-nodes") if each["node-name"] == _DISK
    ]
    size: int = disk["image"]["virtual-size"]
    _check_empty(place, monitor, size)
    if size <= HEADER_BYTES:
        raise Failed("it is smaller than the header")
    for tries_left in reversed(range(_TRIES)):
        monitor.execute(
            "blockdev-create", job_id=_LUKS,
            options={
                "driver": "luks", "file": _DISK, "size": size - HEADER_BYTES,
                "key-secret": _PASSPHRASE, "iter-time": _ITERATION_MS, **_CIPHER,
            },
        )
        _wait(lambda: monitor.execute("query-jobs")[0]["status"] == "concluded")
        [job] = monitor.execute("query-jobs")
        monitor.execute("job-dismiss", id=_LUKS)
        if "error" not in job:
            return
        if _NO_CLOCK not in job["error"] or not tries_left:
            raise QmpRefused("blockdev-create", job["error"])


def _check_empty(place: Path, monitor: Monitor, size: int) -> None:
    """:raises NotEmpty:"""
    address = {"type": "unix", "data": {"path": _EXPORT_SOCKET}}
    monitor.execute("nbd-server-start", addr=address)
    monitor.execute(
        "block-export-add", type="nbd", id=_DISK, node_name=_DISK, name=_DISK, writable=False
    )
    try:
        processutils.execute(
            "setpriv", "--pdeathsig", "TERM",
            "timeout", "--kill-after=5", str(_SECONDS), "qemu-img", "compare", "--image-opts",
            f"driver=nbd,server.type=unix,server.path={_EXPORT_SOCKET},export={_DISK}",
            f"driver=null-co,size={size},read-zeroes=on",
            cwd=str(place), env_variables={**os.environ, "LC_ALL": "C"},
        )
    except processutils.ProcessExecutionError as error:
        if error.exit_code == _DIFFERENT:
            raise NotEmpty from None
        raise Failed("it can't be read") from None
    finally:
        monitor.execute("block-export-del", id=_DISK, mode="hard")
        _wait(lambda: not monitor.execute("query-block-exports"))


@contextlib.contextmanager
def _daemon(directory: Path) -> Iterator[tuple[Path, Monitor]]:
    """A storage daemon that ends with the block, or with us."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    place = Path(tempfile.mkdtemp(dir=directory))
    try:
        running = concurrency.spawn(
            processutils.execute,
            "setpriv", "--pdeathsig", "TERM",
            "timeout", "--kill-after=5", str(_SECONDS), "qemu-storage-daemon",
            # by its bare name: the whole path may be too long for a socket
            "--chardev", f"socket,id=control,path={_SOCKET},server=on,wait=off",
            "--monitor", "chardev=control",
            cwd=str(place), env_variables={**os.environ, "LC_ALL": "C"},
        )
        _wait(lambda: (place / _SOCKET).exists() or running.done, _START_SECONDS)
        if running.done:
            raise Failed("QEMU's storage daemon does not start")
        with Monitor(place / _SOCKET, seconds=_ANSWER_SECONDS) as monitor:
            try:
                yield place, monitor
            finally:
                with contextlib.suppress(QmpLost):
                    monitor.execute("quit")
        running.ended(_ANSWER_SECONDS)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _wait(question: Callable[[], bool], seconds: float = _SECONDS) -> None:
    deadline = clock.monotonic() + seconds
    while not question():
        if clock.monotonic() > deadline:
            raise Failed("QEMU does not come to an end")
        concurrency.sleep(_POLL_SECONDS)


def _words(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in arguments.items()}
