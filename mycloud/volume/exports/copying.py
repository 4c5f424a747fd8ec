"""A copy of a disk as it is at one moment, while its export serves."""

from __future__ import annotations

from collections.abc import Callable

from mycloud.common import clock
from mycloud.disk import sparse
from mycloud.disk.qmp import Event, Monitor, QmpLost, QmpRefused
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.storage_daemon import DISK, StorageDaemon, add_disk, drop_disk

#: of the names of jobs, which differ: events of one that was cut off may still come
_JOBS = "copy-"
_TARGET, _WINDOW = "target", "window"
_LOOK_SECONDS = 5
#: a copy that has not moved for so long is given up
_STALLED_SECONDS = 120


class CopyFailed(Exception):
    """Says why, without paths; the export serves on."""


def copy(
    daemon: StorageDaemon, target: Source, *, pulse: Callable[[], None] | None = None
) -> None:
    """Copy what the daemon's disk holds when this begins to an existing target, sparse.

    What a writer overwrites meanwhile is copied before. One copy at a time; what one that was
    cut off has left in the daemon is removed.

    :param pulse: is called every few seconds; what it raises breaks the copy off
    :raises CopyFailed:
    """
    try:
        with daemon.jobs() as monitor:
            _clear(monitor)
            job = f"{_JOBS}{clock.new_hex_id()}"
            try:
                add_disk(monitor, target, node=_TARGET, read_only=False)
                monitor.execute(
                    "blockdev-backup", job_id=job, device=DISK, target=_fitting(monitor),
                    sync="full",
                    on_source_error="report", on_target_error="report",
                )
                _wait(monitor, job, pulse)
            finally:
                # closing it also flushes it
                _clear(monitor)
    except QmpRefused as error:
        raise CopyFailed(error.reason) from error
    except QmpLost as error:
        raise CopyFailed(f"the export's process is busy or has ended ({error})") from error
    sparse.dig(target.path)


def _clear(monitor: Monitor) -> None:
    for job in _running(monitor):
        try:
            monitor.execute("block-job-cancel", device=job, force=True)
        except QmpRefused:
            pass  # it has ended just now
        deadline = clock.monotonic() + _STALLED_SECONDS
        while job in _running(monitor):
            if clock.monotonic() > deadline:
                raise QmpLost("an earlier copy does not end")
            _ended(monitor, job, seconds=0.2)
    for node in (_WINDOW, _TARGET):
        drop_disk(monitor, node=node)


def _fitting(monitor: Monitor) -> str:
    """The node to copy to: of a target that is bigger its beginning, for QEMU copies only between
    disks of one size.

    :raises CopyFailed: it is smaller
    """
    sizes = {
        each["node-name"]: each["image"]["virtual-size"]
        for each in monitor.execute("query-named-block-nodes")
        if each["node-name"] in (DISK, _TARGET)
    }
    if sizes[_TARGET] == sizes[DISK]:
        return _TARGET
    if sizes[_TARGET] < sizes[DISK]:
        raise CopyFailed("there is less room than what is to be copied takes")
    monitor.execute(
        "blockdev-add", driver="raw", node_name=_WINDOW, file=_TARGET, size=sizes[DISK]
    )
    return _WINDOW


def _wait(monitor: Monitor, job: str, pulse: Callable[[], None] | None) -> None:
    """:raises CopyFailed: it ended otherwise than well, or does not move"""
    offset, moved = -1, clock.monotonic()
    while True:
        event = _ended(monitor, job, seconds=_LOOK_SECONDS)
        if event is not None:
            if event["event"] != "BLOCK_JOB_COMPLETED":
                raise CopyFailed("it was cancelled")
            if "error" in event["data"]:
                raise CopyFailed(event["data"]["error"])
            return
        if pulse is not None:
            pulse()
        now = _running(monitor).get(job, offset)
        if now != offset:
            offset, moved = now, clock.monotonic()
        elif clock.monotonic() - moved > _STALLED_SECONDS:
            raise CopyFailed(f"it has not moved for {_STALLED_SECONDS} s")


def _running(monitor: Monitor) -> dict[str, int]:
    """Jobs of copies, with how many bytes they have done."""
    return {
        job["id"]: job["current-progress"]
        for job in monitor.execute("query-jobs")
        if job["id"].startswith(_JOBS)
    }


def _ended(monitor: Monitor, job: str, *, seconds: float) -> Event | None:
    def is_end(event: Event) -> bool:
        return (
            event["event"] in ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED")
            and event["data"]["device"] == job
        )

    try:
        return monitor.wait_event(is_end, seconds=seconds)
    except TimeoutError:
        return None
