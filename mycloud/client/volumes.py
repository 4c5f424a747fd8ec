"""Volumes: disks that outlive servers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mycloud.client.block_storage import BlockStorage
from mycloud.client.resource import Accepted
from mycloud.client.transport import VOLUME
from mycloud.common import states

AVAILABLE, IN_USE = states.Vol.AVAILABLE, states.Vol.IN_USE
_MOVING = frozenset({"starting", "migrating", "completing"})


@dataclass(frozen=True)
class Held:
    """That a volume is attached to a server, as the volume tells it."""

    attachment_id: str
    server_id: str
    device: str | None
    host: str | None
    attached_at: str | None


@dataclass(frozen=True)
class Volume:
    """A volume; ``size`` in GiB, times ISO 8601 in UTC. ``host`` is HOST@BACKEND#POOL, and for
    administrators only; ``document`` is the whole answer."""

    id: str
    name: str
    status: str
    size: int
    volume_type: str | None
    description: str | None
    bootable: bool
    encrypted: bool
    multiattach: bool
    read_only: bool
    snapshot_id: str | None
    source_id: str | None
    availability_zone: str | None
    host: str | None
    migration_status: str | None
    metadata: Mapping[str, str]
    image_metadata: Mapping[str, Any]
    attachments: Sequence[Held]
    project_id: str
    user_id: str
    created_at: str | None
    updated_at: str | None
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class NewVolume:
    """What a new volume is to be: empty, or a copy of one of the sources, which are ids.

    ``size`` in GiB; None: as large as the source. ``type``: name or id.
    """

    size: int | None = None
    name: str | None = None
    description: str | None = None
    type: str | None = None
    image_id: str | None = None
    snapshot_id: str | None = None
    source_id: str | None = None
    backup_id: str | None = None
    availability_zone: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, Any] = field(default_factory=dict)

    def to_body(self) -> dict[str, Any]:
        """The document that block storage takes."""
        wanted = {
            "size": self.size,
            "name": self.name,
            "description": self.description,
            "volume_type": self.type,
            "imageRef": self.image_id,
            "snapshot_id": self.snapshot_id,
            "source_volid": self.source_id,
            "backup_id": self.backup_id,
            "availability_zone": self.availability_zone,
            "metadata": dict(self.metadata) or None,
        }
        body: dict[str, Any] = {
            "volume": {name: value for name, value in wanted.items() if value is not None}
        }
        if self.hints:
            body["OS-SCH-HNT:scheduler_hints"] = dict(self.hints)
        return body


@dataclass(frozen=True)
class Manageable:
    """A disk that lies on a backend; ``size`` in GiB. ``safe``: it can be taken as a volume, and
    if not ``reason`` says why not."""

    reference: Mapping[str, Any]
    size: int
    safe: bool
    reason: str | None
    volume_id: str | None

    @property
    def source(self) -> str | None:
        """What the backend calls it; None if only ``reference`` can say."""
        return self.reference.get("source-name")


def _held(document: Mapping[str, Any]) -> Held:
    return Held(
        attachment_id=document.get("attachment_id") or "",
        server_id=document.get("server_id") or "",
        device=document.get("device"),
        host=document.get("host_name"),
        attached_at=document.get("attached_at"),
    )


def _truth(value: Any) -> bool:
    """Block storage writes some truths as texts."""
    return str(value).lower() == "true"


def build(document: Mapping[str, Any]) -> Volume:
    """The volume of an element of an answer."""
    metadata = document.get("metadata") or {}
    return Volume(
        id=document["id"],
        name=document.get("name") or "",
        status=document["status"],
        size=int(document.get("size") or 0),
        volume_type=document.get("volume_type"),
        description=document.get("description"),
        bootable=_truth(document.get("bootable")),
        encrypted=bool(document.get("encrypted")),
        multiattach=bool(document.get("multiattach")),
        read_only=_truth(metadata.get("readonly")),
        snapshot_id=document.get("snapshot_id"),
        source_id=document.get("source_volid"),
        availability_zone=document.get("availability_zone"),
        host=document.get("os-vol-host-attr:host"),
        migration_status=document.get("migration_status"),
        metadata=metadata,
        image_metadata=document.get("volume_image_metadata") or {},
        attachments=[_held(one) for one in document.get("attachments") or ()],
        project_id=document.get("os-vol-tenant-attr:tenant_id") or "",
        user_id=document.get("user_id") or "",
        created_at=document.get("created_at"),
        updated_at=document.get("updated_at"),
        document=document,
    )


class Volumes(BlockStorage[Volume]):
    """The volumes of the project; of all projects for an administrator who asks for them."""

    path, noun, key, keys = "/volumes", "volume", "volume", "volumes"
    at_rest = frozenset({AVAILABLE, IN_USE})

    def _build(self, document: Mapping[str, Any]) -> Volume:
        return build(document)

    def _candidates(self, name: str) -> Iterator[Volume]:
        return self.list(name=name)

    def _moving(self, found: Volume) -> bool:
        return found.migration_status in _MOVING

    def summary(self, *, all_projects: bool = False) -> tuple[int, int]:
        """How many there are, and their GiB in all."""
        query = {"all_tenants": "1"} if all_projects else {}
        document = self._transport.get(VOLUME, f"{self.path}/summary", query)["volume-summary"]
        return int(document["total_count"]), int(document["total_size"])

    # -- changes; each returns at once with what was accepted --------------------------------

    def create(self, new: NewVolume) -> Accepted:
        """:raises BadRequest: says which field is wrong
        :raises ApiError: 413: the quota doesn't allow it
        """
        answer = self._transport.post(VOLUME, self.path, new.to_body())
        return Accepted.of(answer.body["volume"]["id"], answer)

    def manage(self, host: str, source: str, wanted: Mapping[str, Any]) -> Accepted:
        """Take a disk of a backend as a volume; for administrators.

        :param host: HOST@BACKEND#POOL
        :param source: what the backend calls it
        :param wanted: name, description, volume_type, bootable, metadata
        """
        body = {"volume": {"host": host, "ref": {"source-name": source}, **wanted}}
        answer = self._transport.post(VOLUME, "/manageable_volumes", body)
        return Accepted.of(answer.body["volume"]["id"], answer)

    def manageable(self, host: str) -> Iterator[Manageable]:
        """The disks of that HOST@BACKEND#POOL; for administrators."""
        path, key = "/manageable_volumes/detail", "manageable-volumes"
        for document in self._transport.pages(VOLUME, path, key, {"host": host}):
            yield Manageable(
                reference=document["reference"],
                size=int(document["size"]),
                safe=bool(document["safe_to_manage"]),
                reason=document.get("reason_not_safe"),
                volume_id=document.get("cinder_id"),
            )

    def remove(self, volume_id: str, *, snapshots: bool = False) -> Accepted:
        """Delete it; with its snapshots, if told."""
        query = {"cascade": "true"} if snapshots else {}
        answer = self._transport.delete(VOLUME, self.url(volume_id), query)
        return Accepted.of(volume_id, answer)

    def extend(self, volume_id: str, size: int) -> Accepted:
        """Let it grow to ``size`` GiB."""
        return self.act(volume_id, "os-extend", {"new_size": size})

    def retype(self, volume_id: str, type: str, *, migrate: bool = False) -> Accepted:
        """Give it another type (name or id); ``migrate``: also if it must move for that."""
        policy = "on-demand" if migrate else "never"
        details = {"new_type": type, "migration_policy": policy}
        return self.act(volume_id, "os-retype", details)

    def migrate(
        self, volume_id: str, host: str, *, force_copy: bool = False, lock: bool = False
    ) -> Accepted:
        """Move it to that HOST@BACKEND#POOL; for administrators.

        :param force_copy: by copying its bytes, even where the backend could do it in a better way
        :param lock: its owner's commands do not end the move
        """
        details = {"host": host, "force_host_copy": force_copy, "lock_volume": lock}
        return self.act(volume_id, "os-migrate_volume", details)

    def revert(self, volume_id: str, snapshot_id: str) -> Accepted:
        """Make it again what it was when its newest snapshot was taken."""
        return self.act(volume_id, "revert", {"snapshot_id": snapshot_id})

    def upload(
        self, volume_id: str, name: str, *, disk_format: str = "raw", force: bool = False
    ) -> tuple[Accepted, str]:
        """Make an image of it; also the image's id. ``force``: also while it is in use."""
        details = {
            "image_name": name,
            "disk_format": disk_format,
            "container_format": "bare",
            "force": force,
        }
        answer = self._transport.post(
            VOLUME, self.url(volume_id, "action"), {"os-volume_upload_image": details}
        )
        image_id = str(answer.body["os-volume_upload_image"]["image_id"])
        return Accepted.of(volume_id, answer), image_id

    def set_bootable(self, volume_id: str, *, bootable: bool) -> None:
        self.act(volume_id, "os-set_bootable", {"bootable": bootable})

    def set_read_only(self, volume_id: str, *, read_only: bool) -> None:
        self.act(volume_id, "os-update_readonly_flag", {"readonly": read_only})

    def set_image_metadata(self, volume_id: str, items: Mapping[str, str]) -> None:
        """What servers that boot from it are told of its image; the others stay."""
        self.act(volume_id, "os-set_image_metadata", {"metadata": dict(items)})

    def unset_image_metadata(self, volume_id: str, key: str) -> None:
        self.act(volume_id, "os-unset_image_metadata", {"key": key})
