"""What a place for backups promises.

Everything here may block: call it by ``concurrency.run_native``. A backup exists from the moment
its manifest is stored, which is the last thing that is stored of it. Every verb may be called
again after a crash.

Errors: RepositoryFull when there is no room, RepositoryFailed when the storage refuses.
"""

from __future__ import annotations

import abc

from mycloud.volume.repository.manifest import Manifest


class BackupRepository(abc.ABC):
    """Chunks and manifests of backups, by the ids of the backups."""

    @abc.abstractmethod
    def begin(self, backup_id: str) -> None:
        """Make the place of a backup; what an earlier try has stored stays."""

    @abc.abstractmethod
    def put_chunk(self, backup_id: str, number: int, stored: bytes) -> None:
        """Store a chunk: all of it, or nothing."""

    @abc.abstractmethod
    def get_chunk(self, backup_id: str, number: int) -> bytes | None:
        """What was stored; None if it is not there."""

    @abc.abstractmethod
    def finish(self, manifest: Manifest) -> None:
        """Let the backup exist: its chunks, and then its manifest, outlive a power cut."""

    @abc.abstractmethod
    def exists(self, backup_id: str) -> bool:
        """Whether the backup is whole, as far as its manifest tells."""

    @abc.abstractmethod
    def manifest(self, backup_id: str) -> Manifest:
        """:raises BackupNotStored: :raises BackupDamaged: the manifest is not whole"""

    @abc.abstractmethod
    def is_empty(self, backup_id: str) -> bool:
        """Whether nothing at all is stored of it, not even a part."""

    @abc.abstractmethod
    def delete(self, backup_id: str) -> None:
        """Remove it and give the room back; one that is not there is no error."""

    @abc.abstractmethod
    def names(self) -> list[str]:
        """The backups that exist."""
