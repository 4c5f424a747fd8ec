"""What an image has of its own, and who may set it to what."""

from typing import Any

from oslo_config import cfg

from mycloud.common import exceptions, policy
from mycloud.common.states import Visibility

#: Attributes that a client may set, and the columns behind them.
COLUMNS = {
    "name": "name",
    "visibility": "visibility",
    "protected": "protected",
    "os_hidden": "hidden",
    "disk_format": "disk_format",
    "container_format": "container_format",
    "min_disk": "min_disk",
    "min_ram": "min_ram",
    "owner": "owner",
}
#: What they are when nobody sets them (the owner: the caller's project).
DEFAULTS: dict[str, Any] = {
    "name": None,
    "visibility": Visibility.SHARED,
    "protected": False,
    "hidden": False,
    "disk_format": None,
    "container_format": None,
    "min_disk": 0,
    "min_ram": 0,
}
READ_ONLY = frozenset(
    {
        "id", "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value",
        "created_at", "updated_at", "self", "file", "schema", "direct_url", "stores",
    }
)
RESERVED = frozenset({"deleted", "deleted_at", "location", "locations"})
RESERVED_PREFIX = "os_glance_"
#: Attributes that say what the data is, so they can't change once there is some.
OF_THE_DATA = frozenset({"disk_format", "container_format"})


def check_name(name: str) -> None:
    """:raises ImageAttributeFixed: for what only the service itself sets"""
    if name in READ_ONLY:
        raise exceptions.ImageAttributeFixed(name=name, reason="is read-only")
    if name in RESERVED or name.startswith(RESERVED_PREFIX):
        raise exceptions.ImageAttributeFixed(name=name, reason="is reserved")


def check_counts(properties: int, tags: int) -> None:
    """:raises TooLarge: when an image would have too many of one of them"""
    conf = cfg.CONF.image
    for what, count, limit in (
        ("properties", properties, conf.max_properties),
        ("tags", tags, conf.max_tags),
    ):
        if count > limit:
            raise exceptions.TooLarge(reason=f"An image may have at most {limit} {what}.")


def check_visibility(context: Any, visibility: str | None) -> None:
    """:raises Forbidden: when the caller may not show an image to that many"""
    if visibility == Visibility.PUBLIC:
        policy.enforce(context, "image:images:publish")
    elif visibility == Visibility.COMMUNITY:
        policy.enforce(context, "image:images:communitize")
