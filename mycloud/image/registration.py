"""Register, change and delete images; their data is another matter (uploads.py)."""

import datetime
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, policy, states
from mycloud.db import engine, image_tickets, images, quotas
from mycloud.image import access, attributes, patches, store


def create(context: Any, wanted: dict[str, Any]) -> images.Image:
    """Register an image without data.

    :param wanted: attributes and properties as a client names them
    :raises ImageAttributeFixed: for what only the service sets
    :raises Forbidden: when the caller may not make it public, or not for that project
    :raises ImageExists: when the id is taken
    :raises ImageQuotaExceeded: when the project has as many images as it may
    """
    image = new(context, wanted)
    with engine.writer() as conn:
        insert(conn, image)
    return image


def insert(conn: Connection, image: images.Image) -> None:
    """Register a new image. Errors: as of create."""
    _check_quota(conn, image["owner"])
    images.insert(conn, image)


def new(context: Any, wanted: dict[str, Any]) -> images.Image:
    """An image as ``insert`` takes it. Errors: as of create."""
    names = set(wanted) - {"id", "tags", *attributes.COLUMNS}
    for name in sorted(names):
        attributes.check_name(name)
    tags = sorted(set(wanted.get("tags", ())))
    attributes.check_counts(len(names), len(tags))
    attributes.check_visibility(context, wanted.get("visibility"))
    owner = wanted.get("owner", context.project_id)
    if owner is None or owner != context.project_id:
        # without an owner only administrators would ever see it again
        policy.enforce(context, "image:images:create_for")
    now = clock.now()
    given = {
        column: wanted[name] for name, column in attributes.COLUMNS.items() if name in wanted
    }
    return {
        **attributes.DEFAULTS,
        **given,
        "id": wanted.get("id", "").lower() or clock.new_id(),
        "owner": owner,
        "status": states.Image.QUEUED,
        "size": None,
        "virtual_size": None,
        "checksum": None,
        "hash_algo": None,
        "hash_value": None,
        "created_at": now,
        "updated_at": now,
        "properties": {name: wanted[name] for name in names},
        "tags": tags,
    }


def _check_quota(conn: Connection, owner: str | None) -> None:
    limit = cfg.CONF.image.quota_images
    if limit < 0 or owner is None:
        return
    quotas.lock(conn, owner)
    count, _ = images.used(conn, owner)
    if count >= limit:
        raise exceptions.ImageQuotaExceeded(
            resource="images", requested=1, used=count, limit=limit
        )


def change(context: Any, image_id: str, operations: list[patches.Operation]) -> images.Image:
    """Apply the operations of a patch, all or none.

    :raises ImageNotFound: also for one that the caller does not see
    :raises ImageNotOwned: for one that the caller only sees
    :raises ImageAttributeFixed: for what can't be changed (any more)
    :raises ImagePropertyMissing: when a property is replaced or removed that is not there
    """
    with engine.writer() as conn:
        image = access.load_own(conn, context, image_id, lock=True)
        changed = patches.apply(context, image, operations)
        columns = attributes.COLUMNS.values()
        values: dict[str, Any] = {name: changed[name] for name in columns}
        values["updated_at"] = changed["updated_at"] = _later(image["updated_at"])
        images.update(conn, image_id, values)
        images.set_properties(conn, image_id, image["properties"], changed["properties"])
        images.set_tags(conn, image_id, image["tags"], changed["tags"])
    return changed


def _later(before: datetime.datetime) -> datetime.datetime:
    """Now, but after ``before`` even if the clock was set back."""
    return max(clock.now(), before)


def delete(context: Any, image_id: str) -> None:
    """Delete an image and its data, whatever state it is in.

    :raises ImageNotFound: also for one that the caller does not see
    :raises ImageNotOwned: for one that the caller only sees
    :raises ImageProtected: until somebody takes the protection away
    """
    with engine.writer() as conn:
        image = access.load_own(conn, context, image_id, lock=True)
        if image["protected"]:
            raise exceptions.ImageProtected(image_id=image_id)
        now = clock.now()
        images.move(
            conn, image_id, states.Image.DELETED, {"deleted_at": now, "updated_at": now}
        )
        images.forget_details(conn, image_id)
        image_tickets.drop_of(conn, image_id)
    # an upload under way finds out when it reports; a download ends with the file it has open
    if image["status"] != states.Image.SAVING:
        store.remove(image_id, image["upload_id"])


def set_active(context: Any, image_id: str, active: bool) -> None:
    """Deactivate an image, or make it active again; nothing happens to one that is already so.

    :raises ImageNotFound: also for one that the caller does not see
    :raises ImageNotOwned: for one that the caller only sees
    :raises StateConflict: when the image has no data
    """
    to = states.Image.ACTIVE if active else states.Image.DEACTIVATED
    before = states.Image.DEACTIVATED if active else states.Image.ACTIVE
    with engine.writer() as conn:
        image = access.load_own(conn, context, image_id, lock=True)
        if image["status"] == to:
            return
        now = clock.now()
        if not images.move(conn, image_id, to, {"updated_at": now}, status=before):
            raise exceptions.StateConflict(
                action="reactivate" if active else "deactivate",
                resource="image",
                id=image_id,
                attribute="status",
                state=image["status"],
            )


def set_tag(context: Any, image_id: str, tag: str) -> None:
    """Add a tag; an image that has it already stays as it is.

    :raises TooLarge: when the image has as many tags as it may
    """
    with engine.writer() as conn:
        image = access.load_own(conn, context, image_id, lock=True)
        tags = sorted({*image["tags"], tag})
        attributes.check_counts(0, len(tags))
        images.set_tags(conn, image_id, image["tags"], tags)


def drop_tag(context: Any, image_id: str, tag: str) -> None:
    """:raises ImageTagNotFound: when the image has no such tag"""
    with engine.writer() as conn:
        image = access.load_own(conn, context, image_id, lock=True)
        if tag not in image["tags"]:
            raise exceptions.ImageTagNotFound(image_id=image_id, tag=tag)
        images.set_tags(conn, image_id, [tag], [])
