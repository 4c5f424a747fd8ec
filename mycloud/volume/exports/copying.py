"""A copy of a disk as it is at one moment, while its export serves."""

from __future__ import annotations

from mycloud.common import clock
from mycloud.disk import sparse
from mycloud.disk.qmp import Event, Monitor, QmpLost, QmpRefused
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.storage_daemon import DISK, StorageDaemon, add_disk, drop_disk

_JOB = "copy"
_TARGET = "target"
_LOOK_SECONDS = 5
#: a copy that has not moved for so long is given up
_STALLED_SECONDS = 120


class CopyFailed(Exception):
    """Says why, without paths; the export serves on."""


def copy(daemon: StorageDaemon, target: Source) -> None:
    """Copy what the daemon's disk holds when this begins to an existing target, sparse.

    What a writer overwrites meanwhile is copied before. One copy at a time; what one that was
    cut off has left in the daemon is removed.

    :raises CopyFailed:
    """
    try:
        with daemon.jobs() as monitor:
            _clear(monitor)
            try:
                add_disk(monitor, target, node=_TARGET, read_only=False)
                monitor.execute(
                    "blockdev-backup", job_id=_JOB, device=DISK, target=_TARGET, sync="full",
                    on_source_error="report", on_target_error="report",
                )
                _wait(monitor)
            finally:
                # closing it also flushes it
                _clear(monitor)
    except QmpRefused as error:
        raise CopyFailed(error.reason) from error
    except QmpLost as error:
        raise CopyFailed(f"the export's process is busy or has ended ({error})") from error
    sparse.dig(target.path)


def _clear(monitor: Monitor) -> None:
    if any(job["id"] == _JOB for job in monitor.execute("query-jobs")):
        try:
            monitor.execute("block-job-cancel", device=_JOB, force=True)
        except QmpRefused:
            pass  # it has ended just now
        deadline = clock.monotonic() + _STALLED_SECONDS
        while any(job["id"] == _JOB for job in monitor.execute("query-jobs")):
            if clock.monotonic() > deadline:
                raise QmpLost("an earlier copy does not end")
            _ended(monitor, seconds=0.2)
    drop_disk(monitor, node=_TARGET)


def _wait(monitor: Monitor) -> None:
    """:raises CopyFailed: it ended otherwise than well, or does not move"""
    offset, moved = -1, clock.monotonic()
    while True:
        event = _ended(monitor, seconds=_LOOK_SECONDS)
        if event is not None:
            if event["event"] != "BLOCK_JOB_COMPLETED":
                raise CopyFailed("it was cancelled")
            if "error" in event["data"]:
                raise CopyFailed(event["data"]["error"])
            return
        jobs = {job["id"]: job for job in monitor.execute("query-jobs")}
        now = jobs.get(_JOB, {}).get("current-progress", offset)
        if now != offset:
            offset, moved = now, clock.monotonic()
        elif clock.monotonic() - moved > _STALLED_SECONDS:
            raise CopyFailed(f"it has not moved for {_STALLED_SECONDS} s")


def _ended(monitor: Monitor, *, seconds: float) -> Event | None:
    try:
        return monitor.wait_event(_is_end, seconds=seconds)
    except TimeoutError:
        return None


def _is_end(event: Event) -> bool:
    return (
        event["event"] in ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED")
        and event["data"]["device"] == _JOB
    )
