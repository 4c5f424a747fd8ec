"""The bytes of a volume on their way into a repository, and out of it.

Chunk by chunk, each of them off the hub. What a service that was killed had stored already is
found by its checksum and is not made again.
"""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mycloud.common import concurrency, exceptions
from mycloud.disk import qemu_img, sparse
from mycloud.volume.repository import chunk
from mycloud.volume.repository.base import BackupRepository
from mycloud.volume.repository.manifest import ChunkRef, Manifest
from mycloud.volume.repository.reading import DiskReader

#: Called again and again while the work goes on; what it raises ends it.
Pulse = Callable[[], None]
#: what is looked at as a whole when zeros stay holes
_BLOCK = 64 << 10
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclasses.dataclass(frozen=True)
class Job:
    """A backup that is to be made.

    :ivar created_at: when its data was what it is, as ISO 8601 writes it
    :ivar volume: what is kept besides the bytes
    :ivar parent: of which only what has changed since is stored; its chunks' size holds
    :ivar chunk_size: bytes
    :ivar compression: zlib or none
    """

    backup_id: str
    volume_id: str
    created_at: str
    volume: Mapping[str, Any]
    chunk_size: int
    compression: str
    parent: Manifest | None = None


def store(repository: BackupRepository, reader: DiskReader, job: Job, pulse: Pulse) -> Manifest:
    """Store a backup; it exists afterwards.

    :raises RepositoryFull: :raises RepositoryFailed: :raises OSError: the volume can't be read
    """
    concurrency.run_native(repository.begin, job.backup_id)
    size = job.parent.chunk_size if job.parent else job.chunk_size
    chunks: dict[int, ChunkRef] = {}
    at = concurrency.run_native(reader.next_data, 0)
    while at is not None:
        number = at // size
        ref = concurrency.run_native(_store_chunk, repository, reader, job, number)
        if ref is not None:
            chunks[number] = ref
        pulse()
        at = concurrency.run_native(reader.next_data, (number + 1) * size)
    manifest = Manifest(
        backup_id=job.backup_id,
        parent_id=job.parent.backup_id if job.parent else None,
        volume_id=job.volume_id,
        created_at=job.created_at,
        volume_size=reader.size,
        chunk_size=size,
        volume=job.volume,
        chunks=chunks,
    )
    concurrency.run_native(repository.finish, manifest)
    return manifest


def _store_chunk(
    repository: BackupRepository, reader: DiskReader, job: Job, number: int
) -> ChunkRef | None:
    """None: it is all zeros."""
    size = job.parent.chunk_size if job.parent else job.chunk_size
    start = number * size
    plain = reader.read(start, min(size, reader.size - start))
    if plain == bytes(len(plain)):
        return None
    digest = chunk.digest(plain)
    known = job.parent.chunks.get(number) if job.parent else None
    if known is not None and known.digest == digest:
        return known
    stored = repository.get_chunk(job.backup_id, number)
    if stored is None or not _is_whole(stored, digest):
        stored = chunk.encode(plain, digest, compression=job.compression)
        repository.put_chunk(job.backup_id, number, stored)
    return ChunkRef(digest, len(stored), job.backup_id)


def _is_whole(stored: bytes, digest: str) -> bool:
    try:
        chunk.decode(stored, digest)
    except chunk.ChunkDamaged:
        return False
    return True


def restore(
    repository: BackupRepository, manifest: Manifest, target: Path, pulse: Pulse
) -> None:
    """Write a backup to a file or a block device that reads as zeros and is as big.

    :raises BackupDamaged: a chunk is missing or not what was stored; the target is half written
    :raises DiskFull: no room for the target
    :raises OSError: the target can't be written
    """
    with target.open("r+b") as file:
        for number in sorted(manifest.chunks):
            concurrency.run_native(_write_chunk, repository, manifest, number, file.fileno())
            pulse()
        concurrency.run_native(os.fsync, file.fileno())


def restore_to_new(
    repository: BackupRepository, manifest: Manifest, target: Path, pulse: Pulse
) -> None:
    """As ``restore``, to a new sparse file.

    :raises DiskFull: also before anything is written
    """
    needed = manifest.data_bytes()
    if needed > sparse.free(target.parent):
        raise qemu_img.no_room(target, needed)
    concurrency.run_native(sparse.create, target, manifest.volume_size)
    try:
        restore(repository, manifest, target, pulse)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise qemu_img.no_room(target, needed) from error


def _write_chunk(
    repository: BackupRepository, manifest: Manifest, number: int, descriptor: int
) -> None:
    plain = memoryview(_read_chunk(repository, manifest, number))
    start, zeros = number * manifest.chunk_size, bytes(_BLOCK)
    for at in range(0, len(plain), _BLOCK):
        view, place = plain[at:at + _BLOCK], start + at
        if view == zeros[:len(view)]:
            # so it reads already
            continue
        while view:
            done = os.pwrite(descriptor, view, place)
            view, place = view[done:], place + done


def _read_chunk(repository: BackupRepository, manifest: Manifest, number: int) -> bytes:
    ref = manifest.chunks[number]
    stored = repository.get_chunk(ref.holder, number)
    where = "" if ref.holder == manifest.backup_id else f" of backup {ref.holder}, its base,"
    if stored is None:
        raise exceptions.BackupDamaged(
            backup_id=manifest.backup_id, reason=f"chunk {number}{where} is missing"
        )
    try:
        plain = chunk.decode(stored, ref.digest)
    except chunk.ChunkDamaged as error:
        raise exceptions.BackupDamaged(
            backup_id=manifest.backup_id, reason=f"chunk {number}{where} is damaged: {error}"
        ) from error
    if len(plain) != manifest.length(number):
        raise exceptions.BackupDamaged(
            backup_id=manifest.backup_id, reason=f"chunk {number}{where} has a wrong length"
        )
    return plain
