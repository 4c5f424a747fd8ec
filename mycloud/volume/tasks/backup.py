"""Backups of volumes: made, restored, deleted.

A volume that guests write to is backed up from a snapshot that is made for it and removed
afterwards. See mycloud/volume/repository for the bytes.
"""

import contextlib
import errno
from collections.abc import Callable, Iterator
from typing import Any

from oslo_concurrency import processutils
from oslo_config import cfg

from mycloud.common import clock, concurrency, exceptions
from mycloud.common.states import Vol
from mycloud.disk import qemu_img, sparse
from mycloud.journal.runner import Plan, Step
from mycloud.objects.backup import Backup
from mycloud.objects.operation import Operation
from mycloud.objects.volume import Volume
from mycloud.volume import images
from mycloud.volume.drivers.base import GIB, Source, VolumeDriver
from mycloud.volume.exports.board import Board
from mycloud.volume.repository import loader, reading, transfer
from mycloud.volume.repository.manifest import Manifest
from mycloud.volume.tasks import snapshot as snapshots

_RAW = "raw"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
#: Seconds between two signs of life of a long transfer.
_PULSE_SECONDS = 15.0


# -- making ------------------------------------------------------------------------------------


def create(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of backup.create. ``payload["in_use"]``: guests may write to the volume."""
    found = Backup.get(context, operation.resource_id)
    if found.volume is None:
        raise exceptions.VolumeNotFound(volume_id=found.volume_id)
    repository, data = loader.load(), found.data_name
    name, kept = found.volume.backend_name, _kept(found)

    def exists() -> bool:
        return concurrency.run_native(repository.exists, data)

    def source() -> Source:
        if found.snapshot_id:
            return driver.snapshot_source(name, found.snapshot_id)
        if operation.payload.get("in_use"):
            return driver.snapshot_source(name, kept)
        return driver.source(name)

    def keep() -> None:
        snapshots.keep(driver, board, context, found.volume, kept)

    def drop() -> None:
        driver.delete_snapshot(name, kept)

    def result() -> dict[str, Any]:
        manifest = concurrency.run_native(repository.manifest, data)
        return {"object_count": len(manifest.own()) + 1}

    steps = [
        Step(
            "store",
            do=lambda: _store(driver, operation, found, source()),
            done=exists,
            undo=lambda: concurrency.run_native(repository.delete, data),
        )
    ]
    if operation.payload.get("in_use"):
        there = lambda: driver.snapshot_exists(name, kept)  # noqa: E731
        steps = [
            Step("keep", do=keep, done=lambda: there() or exists(), undo=drop),
            *steps,
            Step("drop", do=drop, done=lambda: not there()),
        ]
    return Plan(steps=steps, result=result)


def _store(driver: VolumeDriver, operation: Operation, found: Backup, source: Source) -> None:
    repository, options = loader.load(), cfg.CONF.backup
    parent = None
    if found.parent_name:
        parent = concurrency.run_native(repository.manifest, found.parent_name)
    taken = found.data_timestamp or clock.now()
    job = transfer.Job(
        backup_id=found.data_name,
        volume_id=found.volume_id,
        created_at=taken.isoformat(timespec="seconds"),
        volume=found.volume_record,
        chunk_size=options.chunk_size_kb << 10,
        compression=options.compression,
        parent=parent,
    )
    with (
        _telling(driver, "read the volume"),
        reading.opened(source, driver.settings.state_dir) as reader,
    ):
        transfer.store(repository, reader, job, pulse_of(operation))


# -- restoring ---------------------------------------------------------------------------------


def restore(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of backup.restore, to a volume that there is (``second_id``). All of the backup
    is read and checked before the volume is touched."""
    found = Backup.get(context, operation.resource_id)
    volume = Volume.get(context, str(operation.second_id))
    touched: list[str] = []

    def do() -> None:
        manifest = _manifest(found)
        with _raw_copy(driver, manifest, operation) as copy:
            touched.append(volume.id)
            driver.copy_in(volume.backend_name, copy, manifest.volume_size)

    return Plan(
        steps=[Step("restore", do=do)],
        after_failure=lambda: {} if touched else {Backup.UNTOUCHED: True},
    )


def restore_to_new(
    driver: VolumeDriver, context: Any, operation: Operation, backup_id: str
) -> Step:
    """The step of volume.create that fills the new volume, which reads as zeros until then."""

    def do() -> None:
        Volume.change(context, operation.resource_id, {"status": Vol.RESTORING})
        manifest = _manifest(Backup.get(context, backup_id))
        source = driver.source(operation.volume.backend_name)
        if source.format != _RAW:
            with _raw_copy(driver, manifest, operation) as copy:
                driver.copy_in(operation.volume.backend_name, copy, manifest.volume_size)
            return
        if manifest.volume_size > operation.volume.size_gb * GIB:
            raise exceptions.BackupDamaged(
                backup_id=backup_id, reason="it is bigger than the volume that it is of was"
            )
        with _telling(driver, "write the volume"):
            transfer.restore(loader.load(), manifest, source.path, pulse_of(operation))

    return Step("restore", do=do)


def _manifest(found: Backup) -> Manifest:
    return concurrency.run_native(loader.load().manifest, found.data_name)


@contextlib.contextmanager
def _raw_copy(
    driver: VolumeDriver, manifest: Manifest, operation: Operation
) -> Iterator[Source]:
    """The backup as a sparse file, which is removed at the end."""
    with images.temporary(driver.settings.state_dir) as path:
        with _telling(driver, "write a copy of the backup"):
            transfer.restore_to_new(loader.load(), manifest, path, pulse_of(operation))
        yield Source(path, _RAW)


# -- taking what lies there --------------------------------------------------------------------


def take(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of backup.import: the repository tells what the backup is."""
    found = Backup.get(context, operation.resource_id)
    told: dict[str, Any] = {}

    def look() -> None:
        manifest = _manifest(found)
        if manifest.volume_id != found.volume_id:
            raise exceptions.BackupDamaged(
                backup_id=found.id, reason="the record and the manifest name different volumes"
            )
        told.update(
            size_gb=-(-manifest.volume_size // GIB),
            object_count=len(manifest.own()) + 1,
            is_incremental=manifest.parent_id is not None,
            volume_record=dict(manifest.volume),
            data_timestamp=manifest.created_at,
        )

    return Plan(steps=[Step("look", do=look)], result=lambda: told)


# -- deleting ----------------------------------------------------------------------------------


def delete(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of backup.delete; nothing of it is ever undone."""
    found = Backup.get(context, operation.resource_id)
    repository, data, kept = loader.load(), found.data_name, _kept(found)
    steps = []
    # a worker that was given up may have left it
    if found.volume is not None and driver.snapshot_exists(found.volume.backend_name, kept):
        name = found.volume.backend_name
        steps.append(Step("drop", do=lambda: driver.delete_snapshot(name, kept)))
    # another record may stand for the same bytes
    if Backup.is_last_of_data(context, found.id):
        steps.append(
            Step(
                "delete",
                do=lambda: concurrency.run_native(repository.delete, data),
                done=lambda: concurrency.run_native(repository.is_empty, data),
            )
        )
    return Plan(steps=steps)


# -- parts -------------------------------------------------------------------------------------


def _kept(found: Backup) -> str:
    """The name of the snapshot from which a volume in use is backed up."""
    return f"backup-{found.id}"


def pulse_of(operation: Operation) -> Callable[[], None]:
    """What a long transfer calls, so that its operation is not taken for one that hangs."""
    last = [clock.monotonic()]

    def pulse() -> None:
        now = clock.monotonic()
        if now - last[0] > _PULSE_SECONDS:
            last[0] = now
            operation.go_on()

    return pulse


@contextlib.contextmanager
def _telling(driver: VolumeDriver, verb: str) -> Iterator[None]:
    """Say what went wrong without a path of this host."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise exceptions.BackendFull(
                backend=driver.settings.name, what="a volume from a backup", needed=1,
                free=sparse.free(driver.settings.state_dir) >> 20,
            ) from error
        reason = error.strerror or type(error).__name__
        raise exceptions.BackendFailed(
            backend=driver.settings.name, verb=verb, reason=reason
        ) from error
    except processutils.ProcessExecutionError as error:
        raise exceptions.BackendFailed(
            backend=driver.settings.name, verb=verb, reason=qemu_img.reason(error)
        ) from error
