"""Fetch the bytes of a disk that lies elsewhere, or beside us, in a process of its own.

Nothing of it is in a command line, for the names of exports are secrets.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from oslo_concurrency import processutils

from mycloud.common import connection_info
from mycloud.disk.qmp import Monitor, QmpLost, QmpRefused
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports import copying
from mycloud.volume.exports.copying import CopyFailed
from mycloud.volume.exports.storage_daemon import DISK, StorageDaemon, add_disk

_TLS = "tls"


def fetch(
    directory: Path, info: Mapping[str, Any], target: Source, *, pki_dir: Path | None,
    pulse: Callable[[], None],
) -> None:
    """Copy a disk that nobody writes to onto a target that reads as zeros and is as big, or
    bigger.

    :param directory: for the process's files; made, and removed at the end
    :param info: connection_info (see mycloud.common.connection_info) of type local or nbd
    :param pulse: is called every few seconds; what it raises ends the copy
    :raises CopyFailed: says why, without paths
    """
    forget(directory)
    directory.mkdir(mode=0o700, parents=True)
    daemon = StorageDaemon(directory)
    try:
        with _told(), daemon_started(daemon) as monitor:
            _open(monitor, info, pki_dir)
        copying.copy(daemon, target, pulse=pulse)
    finally:
        forget(directory)


@contextlib.contextmanager
def daemon_started(daemon: StorageDaemon) -> Iterator[Monitor]:
    """Start the daemon; its monitor."""
    daemon.start()
    with daemon.control() as monitor:
        yield monitor


def forget(directory: Path) -> None:
    """End what an earlier process has left of a copy there, if it has.

    :raises CopyFailed: it can't be ended
    """
    if not directory.exists():
        return
    if not StorageDaemon(directory).end():
        raise CopyFailed("an earlier copy does not end; its storage hangs")
    shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except QmpRefused as error:
        raise CopyFailed(error.reason) from error
    except QmpLost as error:
        raise CopyFailed("the copying process has ended") from error
    except OSError as error:
        raise CopyFailed(error.strerror or os.strerror(error.errno or 0)) from error
    except processutils.ProcessExecutionError as error:
        raise CopyFailed(
            f"the copying process did not start (exit status {error.exit_code})"
        ) from error


def _open(monitor: Monitor, info: Mapping[str, Any], pki_dir: Path | None) -> None:
    data = info["data"]
    if info["driver_volume_type"] == connection_info.LOCAL:
        add_disk(monitor, Source(Path(data["device_path"]), data["format"]), read_only=True)
        return
    more: dict[str, Any] = {}
    if data.get("tls"):
        monitor.execute(
            "object-add", qom_type="tls-creds-x509", id=_TLS, dir=str(pki_dir),
            endpoint="client", verify_peer=True,
        )
        more["tls_creds"] = _TLS
    if data.get("socket"):
        server = {"type": "unix", "path": data["socket"]}
    else:
        server = {"type": "inet", "host": data["host"], "port": str(data["port"])}
    monitor.execute(
        "blockdev-add", driver="nbd", node_name=DISK, server=server, export=data["export"],
        read_only=True, auto_read_only=False, **more,
    )
