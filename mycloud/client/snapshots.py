"""Snapshots: what a volume was at one moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.block_storage import BlockStorage
from mycloud.client.resource import Accepted
from mycloud.client.transport import VOLUME
from mycloud.common import states


@dataclass(frozen=True)
class Snapshot:
    """A snapshot; ``size`` in GiB, ``progress`` as a percentage."""

    id: str
    name: str
    status: str
    size: int
    volume_id: str
    description: str | None
    metadata: Mapping[str, str]
    progress: str | None
    project_id: str | None
    created_at: str | None
    updated_at: str | None


def build(document: Mapping[str, Any]) -> Snapshot:
    """The snapshot of an element of an answer."""
    return Snapshot(
        id=document["id"],
        name=document.get("name") or "",
        status=document["status"],
        size=int(document.get("size") or 0),
        volume_id=document.get("volume_id") or "",
        description=document.get("description"),
        metadata=document.get("metadata") or {},
        progress=document.get("os-extended-snapshot-attributes:progress"),
        project_id=document.get("os-extended-snapshot-attributes:project_id"),
        created_at=document.get("created_at"),
        updated_at=document.get("updated_at"),
    )


class Snapshots(BlockStorage[Snapshot]):
    """The snapshots of volumes. Filters of the list: also volume_id."""

    path, noun, key, keys = "/snapshots", "snapshot", "snapshot", "snapshots"
    at_rest = frozenset({states.Snap.AVAILABLE})

    def _build(self, document: Mapping[str, Any]) -> Snapshot:
        return build(document)

    def _candidates(self, name: str) -> Iterator[Snapshot]:
        return self.list(name=name)

    def create(
        self,
        volume_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
        force: bool = False,
    ) -> Accepted:
        """:param force: also while the volume is attached"""
        wanted: dict[str, Any] = {"volume_id": volume_id, "force": force}
        optional = {"name": name, "description": description, "metadata": metadata}
        wanted |= {key: value for key, value in optional.items() if value}
        answer = self._transport.post(VOLUME, self.path, {"snapshot": wanted})
        return Accepted.of(answer.body["snapshot"]["id"], answer)
