"""Transfers: a volume that waits for another project to take it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.resource import Collection
from mycloud.client.transport import VOLUME


@dataclass(frozen=True)
class Transfer:
    """A volume on offer. ``auth_key`` is what takes it: shown once, to who offers it."""

    id: str
    name: str
    volume_id: str
    created_at: str | None
    auth_key: str | None
    accepted: bool | None


class VolumeTransfers(Collection[Transfer]):
    """What the project offers."""

    service, path, noun = VOLUME, "/volume-transfers", "transfer"
    key, keys = "transfer", "transfers"

    def _build(self, document: Mapping[str, Any]) -> Transfer:
        return Transfer(
            id=document["id"],
            name=document.get("name") or "",
            volume_id=document.get("volume_id") or "",
            created_at=document.get("created_at"),
            auth_key=document.get("auth_key"),
            accepted=document.get("accepted"),
        )

    def list(self, **filters: Any) -> Iterator[Transfer]:
        """Filters: all_tenants."""
        pages = self._transport.pages(VOLUME, f"{self.path}/detail", self.keys, filters)
        for document in pages:
            yield self._build(document)

    def _candidates(self, name: str) -> Iterator[Transfer]:
        return self.list()

    def create(
        self, volume_id: str, *, name: str | None = None, snapshots: bool = True
    ) -> Transfer:
        """Offer it; ``snapshots``: those that it has go with it."""
        body: dict[str, Any] = {"volume_id": volume_id, "no_snapshots": not snapshots}
        if name is not None:
            body["name"] = name
        return self._one(self._transport.post(VOLUME, self.path, {"transfer": body}).body)

    def accept(self, transfer_id: str, auth_key: str) -> Transfer:
        """Take the volume into the project of this identity."""
        body = {"accept": {"auth_key": auth_key}}
        return self._one(self._transport.post(VOLUME, self.url(transfer_id, "accept"), body).body)
