"""Attachments: which volume is given to which server, as block storage keeps it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.resource import Collection
from mycloud.client.transport import VOLUME


@dataclass(frozen=True)
class Attachment:
    """``mode`` is rw or ro; ``connection`` is how the host reaches the volume, for those who may
    see it."""

    id: str
    volume_id: str
    server_id: str | None
    status: str
    mode: str | None
    attached_at: str | None
    detached_at: str | None
    connection: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.id


class VolumeAttachments(Collection[Attachment]):
    """Filters of the list: volume_id, instance_id, status, all_tenants."""

    service, path, noun = VOLUME, "/attachments", "attachment"
    key, keys = "attachment", "attachments"

    def _build(self, document: Mapping[str, Any]) -> Attachment:
        return Attachment(
            id=document["id"],
            volume_id=document.get("volume_id") or "",
            server_id=document.get("instance"),
            status=document.get("status") or "",
            mode=document.get("attach_mode"),
            attached_at=document.get("attached_at") or None,
            detached_at=document.get("detached_at") or None,
            connection=document.get("connection_info") or {},
        )

    def list(self, **filters: Any) -> Iterator[Attachment]:
        pages = self._transport.pages(VOLUME, f"{self.path}/detail", self.keys, filters)
        for document in pages:
            yield self._build(document)

    def _candidates(self, name: str) -> Iterator[Attachment]:
        # they have no names
        return iter(())
