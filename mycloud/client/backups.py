"""Backups: copies of volumes that do not need the volume's backend any more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.block_storage import BlockStorage
from mycloud.client.resource import Accepted
from mycloud.client.transport import VOLUME
from mycloud.common import states


@dataclass(frozen=True)
class Backup:
    """A backup; ``size`` of its volume in GiB. ``fail_reason``: None if nothing went wrong."""

    id: str
    name: str
    status: str
    size: int
    volume_id: str
    snapshot_id: str | None
    description: str | None
    is_incremental: bool
    has_dependents: bool
    object_count: int
    container: str | None
    availability_zone: str | None
    fail_reason: str | None
    metadata: Mapping[str, str]
    created_at: str | None
    updated_at: str | None


@dataclass(frozen=True)
class NewBackup:
    """What a new backup is to be; ``incremental``: only what has changed since the last one;
    ``force``: also while the volume is attached."""

    volume_id: str
    name: str | None = None
    description: str | None = None
    snapshot_id: str | None = None
    container: str | None = None
    metadata: Mapping[str, str] | None = None
    incremental: bool = False
    force: bool = False

    def to_body(self) -> dict[str, Any]:
        """The document that block storage takes."""
        wanted: dict[str, Any] = {
            "volume_id": self.volume_id,
            "incremental": self.incremental,
            "force": self.force,
        }
        optional = {
            "name": self.name,
            "description": self.description,
            "snapshot_id": self.snapshot_id,
            "container": self.container,
            "metadata": self.metadata,
        }
        return {"backup": wanted | {key: value for key, value in optional.items() if value}}


def build(document: Mapping[str, Any]) -> Backup:
    """The backup of an element of an answer."""
    return Backup(
        id=document["id"],
        name=document.get("name") or "",
        status=document["status"],
        size=int(document.get("size") or 0),
        volume_id=document.get("volume_id") or "",
        snapshot_id=document.get("snapshot_id"),
        description=document.get("description"),
        is_incremental=bool(document.get("is_incremental")),
        has_dependents=bool(document.get("has_dependent_backups")),
        object_count=int(document.get("object_count") or 0),
        container=document.get("container"),
        availability_zone=document.get("availability_zone"),
        fail_reason=document.get("fail_reason"),
        metadata=document.get("metadata") or {},
        created_at=document.get("created_at"),
        updated_at=document.get("updated_at"),
    )


class Backups(BlockStorage[Backup]):
    """The backups of the project. Filters of the list: also volume_id."""

    path, noun, key, keys = "/backups", "backup", "backup", "backups"
    at_rest = frozenset({states.Backup.AVAILABLE})

    def _build(self, document: Mapping[str, Any]) -> Backup:
        return build(document)

    def _candidates(self, name: str) -> Iterator[Backup]:
        return self.list(name=name)

    def _reason(self, found: Backup) -> str:
        if found.fail_reason:
            return f"Backup {found.name or found.id} is {found.status}: {found.fail_reason}"
        return super()._reason(found)

    def create(self, new: NewBackup) -> Accepted:
        answer = self._transport.post(VOLUME, self.path, new.to_body())
        return Accepted.of(answer.body["backup"]["id"], answer)

    def export_record(self, backup_id: str) -> tuple[str, str]:
        """Its service, and its record: what a cloud without its database needs to find it again;
        for administrators."""
        found = self._transport.get(VOLUME, self.url(backup_id, "export_record"))
        record = found["backup-record"]
        return str(record["backup_service"]), str(record["backup_url"])

    def import_record(self, service: str, record: str) -> Accepted:
        """Take a backup into this project by what ``export_record`` told; for administrators."""
        body = {"backup-record": {"backup_service": service, "backup_url": record}}
        answer = self._transport.post(VOLUME, f"{self.path}/import_record", body)
        return Accepted.of(answer.body["backup"]["id"], answer)

    def restore(
        self, backup_id: str, *, volume_id: str | None = None, name: str | None = None
    ) -> tuple[Accepted, str]:
        """Write it to that volume, or to a new one with that name; also the volume's id."""
        wanted = {"volume_id": volume_id, "name": name}
        body = {"restore": {key: value for key, value in wanted.items() if value}}
        answer = self._transport.post(VOLUME, self.url(backup_id, "restore"), body)
        return Accepted.of(backup_id, answer), str(answer.body["restore"]["volume_id"])
