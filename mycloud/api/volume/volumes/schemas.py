"""Bodies and queries of volumes."""

from typing import Any

from mycloud.api import schema
from mycloud.api.volume import fields, lists
from mycloud.common.states import Visibility
from mycloud.volume.requests import attachments, reset

#: A size in GiB: a whole number, or its text.
SIZE = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": schema.INT32_MAX},
        {"type": "string", "pattern": "^[1-9][0-9]{0,9}$", "format": "int32"},
    ]
}
NAME = {"type": ["string", "null"], "maxLength": 255}
DESCRIPTION = {"type": ["string", "null"], "maxLength": 255}
METADATA = {
    "type": ["object", "null"],
    "maxProperties": 128,
    "propertyNames": {"minLength": 1, "maxLength": 255},
    "additionalProperties": {"type": "string", "maxLength": 255},
}
ID = {"type": ["string", "null"], "format": "uuid", "maxLength": 36}
_FLAG = {"enum": [True, False, None, "True", "False", "true", "false", "1", "0", 1, 0]}


def wrapped(name: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """A body with one object under a name."""
    return {
        "type": "object",
        "properties": {
            name: {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": True,
            }
        },
        "required": [name],
        "additionalProperties": True,
    }


CREATE = wrapped(
    "volume",
    {
        "name": NAME,
        "display_name": NAME,
        "description": DESCRIPTION,
        "display_description": DESCRIPTION,
        "size": {"anyOf": [*SIZE["anyOf"], {"type": "null"}]},
        "volume_type": {"type": ["string", "null"], "maxLength": 255},
        "availability_zone": {"type": ["string", "null"], "maxLength": 255},
        "metadata": METADATA,
        "snapshot_id": ID,
        "source_volid": ID,
        "imageRef": {"type": ["string", "null"], "maxLength": 255},
        "backup_id": ID,
        "multiattach": _FLAG,
        "consistencygroup_id": {"type": ["string", "null"], "maxLength": 36},
        "group_id": {"type": ["string", "null"], "maxLength": 36},
    },
    [],
)
UPDATE = fields.body(
    "volume",
    {
        "name": NAME,
        "display_name": NAME,
        "description": DESCRIPTION,
        "display_description": DESCRIPTION,
        "metadata": METADATA,
    },
)
FILTERS = lists.Filters(
    same={
        "id": "id",
        "name": "name",
        "display_name": "name",
        "description": "description",
        "display_description": "description",
        "status": "status",
        "availability_zone": "availability_zone",
        "migration_status": "migration_status",
        "volume_type_id": "volume_type_id",
        "snapshot_id": "snapshot_id",
        "source_volid": "source_volid",
        "user_id": "user_id",
        "host": "host",
    },
    like={
        "name": "name",
        "display_name": "name",
        "description": "description",
        "status": "status",
        "availability_zone": "availability_zone",
    },
    flags={"bootable": "bootable", "multiattach": "multiattach", "encrypted": "encrypted"},
    numbers={"size": "size_gb"},
    holds={"metadata": "metadata", "glance_metadata": "image_metadata"},
    admin=frozenset({"host", "migration_status"}),
    quota=True,
)
LIST_QUERY = FILTERS.schema()
DELETE_QUERY = {
    "type": "object",
    "properties": {"cascade": fields.FLAG, "force": fields.FLAG},
    "additionalProperties": True,
}
SUMMARY_QUERY = {
    "type": "object",
    "properties": {"all_tenants": fields.FLAG},
    "additionalProperties": True,
}


def action(name: str, inner: dict[str, Any]) -> dict[str, Any]:
    """The body of an action."""
    return fields.wrapped(name, inner)


#: Of an action that takes nothing: clients send null, {} or a text.
NOTHING: dict[str, Any] = {}


def of(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


EXTEND = of({"new_size": SIZE}, "new_size")
SET_BOOTABLE = of({"bootable": fields.BOOLEAN}, "bootable")
SET_READ_ONLY = of({"readonly": fields.BOOLEAN}, "readonly")
RESET = of(
    {
        "status": {"enum": [*reset.VOLUME_STATUSES, None]},
        "attach_status": {"enum": [reset.ATTACHED, reset.DETACHED, None]},
        "migration_status": {"enum": [*reset.MIGRATION_STATUSES, None]},
    }
)
IMAGE_METADATA = of({"metadata": {**METADATA, "type": "object"}}, "metadata")
IMAGE_KEY = of({"key": {"type": "string", "minLength": 1, "maxLength": 255}}, "key")
CONNECTOR = {
    "type": "object",
    "maxProperties": 64,
    "properties": {
        name: {"type": ["string", "null"], "maxLength": 255}
        for name in ("host", "ip", "initiator", "mountpoint", "mode", "os_type", "platform")
    },
    "additionalProperties": True,
}
INITIALIZE = of({"connector": {**CONNECTOR, "minProperties": 1}}, "connector")
TERMINATE = of({"connector": {**CONNECTOR, "type": ["object", "null"]}}, "connector")
ATTACH = of(
    {
        "instance_uuid": ID,
        "host_name": {"type": ["string", "null"], "maxLength": 255},
        "mountpoint": {"type": "string", "minLength": 1, "maxLength": 255},
        "mode": {"enum": [attachments.READ_WRITE, attachments.READ_ONLY, None]},
    },
    "mountpoint",
)
DETACH = {
    **of({"attachment_id": ID}),
    "type": ["object", "null"],
}
FORCE_DETACH = {
    **of({"attachment_id": ID, "connector": {**CONNECTOR, "type": ["object", "null"]}}),
    "type": ["object", "null"],
}
_MAYBE = {"enum": [*fields.BOOLEAN["enum"], None]}
UPLOAD = of(
    {
        "image_name": {"type": "string", "minLength": 1, "maxLength": 255},
        "force": _MAYBE,
        "container_format": {"enum": ["bare", None]},
        "disk_format": {"type": ["string", "null"], "maxLength": 40},
        "visibility": {"enum": [*(each.value for each in Visibility), None]},
        "protected": _MAYBE,
    },
    "image_name",
)
REIMAGE = of(
    {
        "image_id": {"type": "string", "format": "uuid", "maxLength": 36},
        "reimage_reserved": _MAYBE,
    },
    "image_id",
)
REVERT = of(
    {"snapshot_id": {"type": "string", "format": "uuid", "maxLength": 36}}, "snapshot_id"
)
COMPLETION = of({"error": fields.BOOLEAN}, "error")
