"""The JSON schemas of images and members: what bodies are checked against, and what
GET /schemas shows."""

from typing import Any

from mycloud.common import states
from mycloud.image import attributes, inspection

#: The version of the API in the paths that images carry.
ROOT = "/v2"
CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
_UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_MAX_INTEGER = (1 << 31) - 1

Schema = dict[str, Any]


def _text(description: str, length: int = 255) -> Schema:
    return {"type": "string", "maxLength": length, "description": description}


def _choice(description: str, *values: str) -> Schema:
    return {"type": ["null", "string"], "enum": [None, *values], "description": description}


def _number(description: str) -> Schema:
    return {
        "type": "integer", "minimum": 0, "maximum": _MAX_INTEGER, "description": description
    }


#: What a client may set. Formats are ours; the published form leaves them out.
WRITABLE: Schema = {
    "name": {
        "type": ["null", "string"],
        "maxLength": 255,
        "format": "printable",
        "description": "Descriptive name for the image",
    },
    "visibility": {
        "type": "string",
        "enum": [*states.Visibility],
        "description": "Scope of image accessibility",
    },
    "protected": {
        "type": "boolean", "description": "If true, the image can't be deleted."
    },
    "os_hidden": {
        "type": "boolean", "description": "If true, the image is left out of plain lists."
    },
    "owner": {
        "type": ["null", "string"],
        "maxLength": 64,
        "format": "printable",
        "description": "Project that owns the image",
    },
    "disk_format": _choice("Format of the disk", *inspection.DISK_FORMATS),
    "container_format": _choice("Format of the container", *CONTAINER_FORMATS),
    "min_disk": _number("GiB of disk space that a server needs to boot the image"),
    "min_ram": _number("MiB of memory that a server needs to boot the image"),
    "tags": {
        "type": "array",
        "maxItems": 4096,
        "items": {"type": "string", "minLength": 1, "maxLength": 255, "format": "printable"},
        "description": "Texts that mark the image",
    },
}
#: Properties whose values are checked; any others are texts.
KNOWN_PROPERTIES: Schema = {
    "kernel_id": {
        "type": ["null", "string"],
        "pattern": _UUID,
        "description": "Image that is the kernel of this one",
        "is_base": False,
    },
    "ramdisk_id": {
        "type": ["null", "string"],
        "pattern": _UUID,
        "description": "Image that is the initial ramdisk of this one",
        "is_base": False,
    },
    "instance_uuid": {**_text("Server that the image was made of"), "is_base": False},
    "architecture": {**_text("Architecture of the processor"), "is_base": False},
    "os_distro": {**_text("Name of the operating system's distribution"), "is_base": False},
    "os_version": {**_text("Version of the operating system"), "is_base": False},
}
_ID = {"type": "string", "pattern": _UUID, "description": "Identifier of the image"}
PROPERTY = {"type": ["null", "string"], "maxLength": 65535}

#: The body of POST /images. What only the service sets is let through here, so that the answer
#: to it is 403 and not that a text was expected.
CREATE: Schema = {
    "type": "object",
    "properties": {
        **WRITABLE,
        **KNOWN_PROPERTIES,
        "id": _ID,
        **dict.fromkeys(attributes.READ_ONLY - {"id"} | attributes.RESERVED, True),
    },
    "propertyNames": {"minLength": 1, "maxLength": 255, "format": "printable"},
    "additionalProperties": PROPERTY,
}
#: One attribute or property alone, as a patch sets it.
ATTRIBUTE: Schema = {
    "type": "object",
    "properties": {**WRITABLE, **KNOWN_PROPERTIES},
    "additionalProperties": PROPERTY,
}
#: The body of PATCH /images/{id}; its operations are read by mycloud.image.patches.
PATCH: Schema = {
    "type": "array",
    "maxItems": 1024,
    "items": {"type": "object", "maxProperties": 8},
}
_MEMBER_ID = {"type": "string", "minLength": 1, "maxLength": 64, "format": "name"}
CREATE_MEMBER: Schema = {
    "type": "object",
    "properties": {"member": _MEMBER_ID},
    "required": ["member"],
    "additionalProperties": False,
}
#: openstacksdk repeats the member, whom the path names; it is passed over as glance does.
UPDATE_MEMBER: Schema = {
    "type": "object",
    "properties": {"status": {"enum": [*states.Membership]}, "member": _MEMBER_ID},
    "required": ["status"],
    "additionalProperties": False,
}


def _read_only(kinds: Any, description: str, **more: Any) -> Schema:
    return {"readOnly": True, "type": kinds, "description": description, **more}


def _published(schema: Schema) -> Schema:
    shown = {name: value for name, value in schema.items() if name != "format"}
    if "items" in shown:
        shown["items"] = _published(shown["items"])
    return shown


_NUMBER, _NULLABLE = ["null", "integer"], ["null", "string"]
_IMAGE_PROPERTIES: Schema = {
    "id": _ID,
    **{name: _published(schema) for name, schema in WRITABLE.items()},
    "status": _read_only("string", "Status of the image", enum=[*states.Image]),
    "size": _read_only(_NUMBER, "Bytes of the data"),
    "virtual_size": _read_only(_NUMBER, "Bytes of the disk in the data"),
    "checksum": _read_only(_NULLABLE, "MD5 of the data", maxLength=32),
    "os_hash_algo": _read_only(_NULLABLE, "Algorithm of os_hash_value", maxLength=64),
    "os_hash_value": _read_only(_NULLABLE, "Hash of the data in hex", maxLength=128),
    "created_at": _read_only("string", "When the image was registered"),
    "updated_at": _read_only("string", "When the image was last changed"),
    "self": _read_only("string", "Path of the image"),
    "file": _read_only("string", "Path of the data"),
    "schema": _read_only("string", "Path of this schema"),
    **KNOWN_PROPERTIES,
}
_LINKS = [
    {"rel": "self", "href": "{self}"},
    {"rel": "enclosure", "href": "{file}"},
    {"rel": "describedby", "href": "{schema}"},
]
_LIST_LINKS = [
    {"rel": "first", "href": "{first}"},
    {"rel": "next", "href": "{next}"},
    {"rel": "describedby", "href": "{schema}"},
]
_IMAGE: Schema = {
    "name": "image",
    "properties": _IMAGE_PROPERTIES,
    "additionalProperties": {"type": "string"},
    "links": _LINKS,
}
_MEMBER: Schema = {
    "name": "member",
    "properties": {
        "member_id": {"type": "string", "description": "Project that the image is shared with"},
        "image_id": _ID,
        "status": {
            "type": "string",
            "enum": [*states.Membership],
            "description": "What the project says to the image",
        },
        "created_at": {"type": "string", "description": "When the image was shared"},
        "updated_at": {"type": "string", "description": "When the status was last changed"},
        "schema": {"readOnly": True, "type": "string"},
    },
}


def _list_of(name: str, item: Schema, links: list[dict[str, str]]) -> Schema:
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": item},
            "first": {"type": "string"},
            "next": {"type": "string"},
            "schema": {"type": "string"},
        },
        "links": links,
    }


#: What GET /schemas/{name} shows.
SCHEMAS: dict[str, Schema] = {
    "image": _IMAGE,
    "images": _list_of("images", _IMAGE, _LIST_LINKS),
    "member": _MEMBER,
    "members": _list_of("members", _MEMBER, _LIST_LINKS[2:]),
}
