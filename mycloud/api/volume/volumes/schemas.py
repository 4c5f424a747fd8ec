"""Bodies and queries of volumes."""

from typing import Any

from mycloud.api import schema

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
UPDATE = wrapped(
    "volume",
    {
        "name": NAME,
        "display_name": NAME,
        "description": DESCRIPTION,
        "display_description": DESCRIPTION,
        "metadata": METADATA,
    },
    [],
)
