"""Take in the data of an image, a block at a time."""

import datetime
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock, concurrency, exceptions, states
from mycloud.db import engine, images, quotas
from mycloud.image import access, inspection, store

HASH = "sha512"
_GIB = 1 << 30
#: Seconds between two signs of life of an upload.
_REPORT = 5.0


def receive(
    context: Any, image_id: str, blocks: Iterable[bytes], *, announced: int | None = None
) -> None:
    """Store an image's data and make it active. After any error the image waits for data again
    and nothing of what came is left.

    :param announced: bytes that the client says it will send; None if it does not say
    :raises ImageNotFound: also for one that the caller does not see
    :raises ImageUploadLost: when the image is deleted meanwhile
    :raises ImageNotOwned: for one that the caller only sees
    :raises StateConflict: when it has data already, or another upload is under way
    :raises BadField: when its formats are not set
    :raises ImageTooLarge, ImageQuotaExceeded, DiskFull: when there is no place for that many bytes
    :raises ImageRejected: when the bytes are not what they should be
    :raises ImageUploadBroken: when fewer bytes came than were announced
    """
    upload = _Upload.begin(context, image_id, announced)
    kept = False
    try:
        with store.Part(image_id, upload.id) as part:
            for block in upload.checked(blocks):
                # off the hub: a client that sends faster than this would let nobody else run
                concurrency.run_native(upload.take, block, part)
            values = upload.result()
            upload.report()
            part.keep()
            kept = upload.finish(values)
    finally:
        if not kept and upload.give_up():
            store.remove(image_id, upload.id)


class _Upload:
    """One upload: its checks while the bytes pass, and what they come to."""

    def __init__(self, image: images.Image, announced: int | None, limit: int):
        self.id = clock.new_id()
        self._image = image
        self._announced = announced
        self._limit = limit
        self._size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hash = hashlib.new(HASH)
        self._inspection: inspection.Inspection | None = None
        self._reported = clock.monotonic()

    @classmethod
    def begin(cls, context: Any, image_id: str, announced: int | None) -> "_Upload":
        """Everything that may refuse before the first byte is read."""
        with engine.writer() as conn:
            images.drop_silent_uploads(conn, _silent_since(), image_id)
            image = access.load_own(conn, context, image_id, lock=True)
            _check_formats(image)
            limit = cfg.CONF.image.size_limit_gb * _GIB
            if announced is not None and announced > limit:
                raise exceptions.ImageTooLarge(limit=limit)
            upload = cls(image, announced, limit)
            _check_quota(conn, image, announced or 0)
            claimed = images.move(
                conn,
                image_id,
                states.Image.SAVING,
                {"upload_id": upload.id, "upload_seen_at": clock.now()},
                status=states.Image.QUEUED,
            )
            if not claimed:
                raise exceptions.StateConflict(
                    action="upload the data of",
                    resource="image",
                    id=image_id,
                    attribute="status",
                    state=image["status"],
                )
        return upload

    def checked(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The blocks, counted and inspected."""
        if self._announced is not None:
            store.check_room(self._announced)
        self._inspection = inspection.Inspection(self._image, self._counted(blocks))
        yield from self._inspection

    def take(self, block: bytes, part: store.Part) -> None:
        """Hash and store a block that has passed.

        :raises DiskFull: when the store has no room
        """
        self._md5.update(block)
        self._hash.update(block)
        part.write(block)

    def _counted(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._size += len(block)
            if self._size > self._limit:
                raise exceptions.ImageTooLarge(limit=self._limit)
            if clock.monotonic() - self._reported > _REPORT:
                self.report()
            yield block

    def report(self) -> None:
        """Show that this upload is alive.

        :raises ImageQuotaExceeded: when others have used up the project's quota meanwhile
        :raises ImageUploadLost: when the image was deleted, or another upload has taken over
        """
        with engine.writer() as conn:
            if not images.renew_upload(conn, self._image["id"], self.id, clock.now()):
                raise self._lost()
            _check_quota(conn, self._image, self._size)
        self._reported = clock.monotonic()

    def result(self) -> dict[str, Any]:
        """What the image gets to know of its data."""
        if self._announced is not None and self._size != self._announced:
            raise exceptions.ImageUploadBroken(
                image_id=self._image["id"], received=self._size
            )
        assert self._inspection is not None
        found, virtual_size = self._inspection.verdict(self._size)
        if found is None and cfg.CONF.image.refuse_unrecognised:
            raise inspection.unrecognised(self._image)
        return {
            "size": self._size,
            "virtual_size": virtual_size,
            "content_format": found,
            "checksum": self._md5.hexdigest(),
            "hash_algo": HASH,
            "hash_value": self._hash.hexdigest(),
        }

    def finish(self, values: dict[str, Any]) -> bool:
        """Make the image active.

        :raises ImageUploadLost: when the image was deleted, or another upload has taken over
        """
        with engine.writer() as conn:
            _check_quota(conn, self._image, self._size)
            values = {**values, "updated_at": clock.now(), "upload_seen_at": None}
            moved = images.move(
                conn,
                self._image["id"],
                states.Image.ACTIVE,
                values,
                status=states.Image.SAVING,
                upload_id=self.id,
            )
            if not moved:
                raise self._lost()
        return True

    def _lost(self) -> exceptions.ImageUploadLost:
        return exceptions.ImageUploadLost(
            image_id=self._image["id"], timeout=cfg.CONF.image.upload_timeout
        )

    def give_up(self) -> bool:
        """Let the image wait for data again, if this is still its upload; whether the data is
        rubbish now. (It is not if the image did become active and only the answer was lost.)"""
        image_id = self._image["id"]
        with engine.writer() as conn:
            drop(conn, image_id, self.id)
            return images.stored(conn, [image_id]).get(image_id) != self.id


def drop(conn: Connection, image_id: str, upload_id: str) -> bool:
    """End an upload that did not succeed; whether it was still the image's."""
    return images.move(
        conn,
        image_id,
        states.Image.QUEUED,
        {"upload_id": None, "upload_seen_at": None},
        upload_id=upload_id,
    )


def _silent_since() -> datetime.datetime:
    return clock.now() - datetime.timedelta(seconds=cfg.CONF.image.upload_timeout)


def drop_silent() -> int:
    """End the uploads of all hosts that have been silent for too long; how many there were."""
    with engine.writer() as conn:
        return images.drop_silent_uploads(conn, _silent_since())


def _check_formats(image: images.Image) -> None:
    for name in ("disk_format", "container_format"):
        if image[name] is None:
            raise exceptions.BadField(
                field=name, reason="it must be set before data is uploaded"
            )


def _check_quota(conn: Connection, image: images.Image, needed: int) -> None:
    limit = cfg.CONF.image.quota_gb * _GIB
    if limit < 0 or image["owner"] is None:
        return
    quotas.lock(conn, image["owner"])
    _, used = images.used(conn, image["owner"])
    if used + needed > limit:
        raise exceptions.ImageQuotaExceeded(
            resource="bytes of image data", requested=needed, used=used, limit=limit
        )
