"""JSON schemas of the servers' bodies and queries, by microversion."""

from typing import Any

from mycloud.api import paging
from mycloud.api.compute.servers import devices
from mycloud.api.schema import INT32_MAX
from mycloud.compute.requests import listing

NAME: dict[str, Any] = {
    "type": "string", "minLength": 1, "maxLength": 255, "format": "name",
}
DESCRIPTION: dict[str, Any] = {
    "type": ["string", "null"], "maxLength": 255, "format": "printable",
}
METADATA_KEY = "^[a-zA-Z0-9_:. -]{1,255}$"
METADATA: dict[str, Any] = {
    "type": "object",
    "patternProperties": {METADATA_KEY: {"type": "string", "maxLength": 255}},
    "propertyNames": {"format": "printable"},
    "additionalProperties": False,
}
TAG: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 60,
    "pattern": "^[^,/]+$",
    "format": "printable",
}
TAGS: dict[str, Any] = {"type": "array", "items": TAG, "maxItems": 50}

_IPV4: dict[str, Any] = {"type": ["string", "null"], "maxLength": 64, "format": "ipv4-or-empty"}
_IPV6: dict[str, Any] = {"type": ["string", "null"], "maxLength": 64, "format": "ipv6-or-empty"}
_DISK_CONFIG: dict[str, Any] = {"type": "string", "enum": ["AUTO", "MANUAL"]}
_COUNT: dict[str, Any] = {
    "type": ["integer", "string"],
    "pattern": "^[1-9][0-9]{0,5}$",
    "minimum": 1,
    "maximum": 999999,
}
_NAME_OR_ID: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}

# -- create ------------------------------------------------------------------------------------

_PERSONALITY: dict[str, Any] = {
    "type": "array",
    "maxItems": 1000,
    "items": {
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "maxLength": 1024},
            "contents": {"type": "string", "maxLength": 1048576, "format": "base64"},
        },
        "required": ["path", "contents"],
        "additionalProperties": False,
    },
}
_NETWORK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "uuid": {"type": "string", "maxLength": 255, "format": "uuid"},
        "port": {"type": ["string", "null"], "maxLength": 255, "format": "uuid"},
        "fixed_ip": {"type": "string", "maxLength": 64},
    },
    "additionalProperties": False,
}


def _ids(field: str) -> dict[str, Any]:
    one = {"type": "string", "maxLength": 255, "format": "uuid"}
    return {"anyOf": [one, {"type": "array", "items": one, "maxItems": 256}]}


_HINTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "group": {"type": "string", "maxLength": 255, "format": "uuid"},
        "different_host": _ids("different_host"),
        "same_host": _ids("same_host"),
        "query": {"type": ["string", "object", "array"], "maxLength": 4096, "maxItems": 64},
        "target_cell": {"type": "string", "minLength": 1, "maxLength": 255},
        "different_cell": {
            "type": ["string", "array"],
            "maxLength": 255,
            "items": {"type": "string", "maxLength": 255},
            "maxItems": 64,
        },
        "build_near_host_ip": {"type": "string", "maxLength": 64},
        "cidr": {"type": "string", "maxLength": 64},
    },
    "maxProperties": 64,
    # filters of one's own have hints of their own
    "additionalProperties": True,
}

_CREATE_PROPERTIES: dict[str, Any] = {
    "name": NAME,
    "flavorRef": {
        "type": ["string", "integer"], "minLength": 1, "maxLength": 255,
        "minimum": 0, "maximum": INT32_MAX,
    },
    "imageRef": {"type": "string", "maxLength": 255, "format": "uuid-or-empty"},
    "adminPass": {"type": "string", "maxLength": 255, "format": "printable"},
    "metadata": METADATA,
    "networks": {"type": "array", "items": _NETWORK, "maxItems": 64},
    "OS-DCF:diskConfig": _DISK_CONFIG,
    "accessIPv4": _IPV4,
    "accessIPv6": _IPV6,
    "personality": _PERSONALITY,
    "availability_zone": {
        "type": "string", "minLength": 1, "maxLength": 255, "format": "name",
    },
    "block_device_mapping": {"type": "array", "items": devices.OLD, "maxItems": 255},
    "block_device_mapping_v2": {"type": "array", "items": devices.NEW, "maxItems": 255},
    "config_drive": {
        "anyOf": [devices.BOOL, {"type": "string", "maxLength": 0}, {"type": "null"}]
    },
    "key_name": _NAME_OR_ID,
    "min_count": _COUNT,
    "max_count": _COUNT,
    "return_reservation_id": devices.BOOL,
    "security_groups": {
        "type": "array",
        "maxItems": 256,
        "items": {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 255}},
            "additionalProperties": True,
        },
    },
    "user_data": {"type": ["string", "null"], "maxLength": 65535, "format": "base64"},
}


def _with(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**properties, **more}


def _without(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: schema for name, schema in properties.items() if name not in names}


def _create(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "server": {
                "type": "object",
                "properties": properties,
                "required": ["name", "flavorRef", *required],
                "additionalProperties": False,
            },
            "os:scheduler_hints": _HINTS,
            "OS-SCH-HNT:scheduler_hints": _HINTS,
        },
        "required": ["server"],
        "additionalProperties": False,
    }


def _tagged_devices(properties: dict[str, Any], *, networks: bool, disks: bool) -> dict[str, Any]:
    """With device tags on networks, on disks, or on both."""
    found = dict(properties)
    if networks:
        tagged = {**_NETWORK, "properties": _with(_NETWORK["properties"], tag=TAG)}
        found["networks"] = {"type": "array", "items": tagged, "maxItems": 64}
    if disks:
        tagged = {**devices.NEW, "properties": _with(devices.NEW["properties"], tag=TAG)}
        found["block_device_mapping_v2"] = {"type": "array", "items": tagged, "maxItems": 255}
    return found


def _auto(properties: dict[str, Any]) -> dict[str, Any]:
    """With networks that may also be "none" or "auto"."""
    networks = {"anyOf": [properties["networks"], {"enum": ["none", "auto"]}]}
    return _with(properties, networks=networks)


_C1 = _CREATE_PROPERTIES
_C19 = _with(_C1, description=DESCRIPTION)
_C32 = _tagged_devices(_C19, networks=True, disks=True)
_C33 = _tagged_devices(_C19, networks=True, disks=False)
_C37 = _auto(_C19)
_C42 = _auto(_C32)
_C52 = _with(_C42, tags=TAGS)
_C57 = _without(_C52, "personality")

CREATE = [
    ("2.1", _create(_C1)),
    ("2.19", _create(_C19)),
    ("2.32", _create(_C32)),
    ("2.33", _create(_C33)),
    ("2.37", _create(_C37, "networks")),
    ("2.42", _create(_C42, "networks")),
    ("2.52", _create(_C52, "networks")),
    ("2.57", _create(_C57, "networks")),
]

# -- update ------------------------------------------------------------------------------------

_UPDATE: dict[str, Any] = {
    "name": NAME,
    "OS-DCF:diskConfig": _DISK_CONFIG,
    "accessIPv4": _IPV4,
    "accessIPv6": _IPV6,
}


def _update(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "server": {
                "type": "object",
                "properties": properties,
                "additionalProperties": False,
            }
        },
        "required": ["server"],
        "additionalProperties": False,
    }


UPDATE = [
    ("2.1", _update(_UPDATE)),
    ("2.19", _update(_with(_UPDATE, description=DESCRIPTION))),
]

# -- queries -----------------------------------------------------------------------------------

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 255}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT, "maxItems": 64}

#: Keys of the sort that compute's API knows and that mean nothing here.
_IGNORED_SORT_KEYS = (
    "architecture", "cell_name", "cleaned", "default_ephemeral_device", "default_swap_device",
    "deleted", "deleted_at", "disable_terminate", "ephemeral_gb", "ephemeral_key_uuid", "id",
    "info_cache", "internal_id", "kernel_id", "key_data", "launched_on", "locked", "memory_mb",
    "metadata", "os_type", "pci_devices", "ramdisk_id", "reservation_id", "root_device_name",
    "root_gb", "security_groups", "services", "shutdown_terminate", "system_metadata", "tags",
    "user_data", "vcpus", "vm_mode",
)

LIST_QUERY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "limit": paging.LIMIT,
        "marker": _TEXT,
        "sort_key": {
            "type": "array",
            "items": {"enum": sorted({*listing.SORT_KEYS, *_IGNORED_SORT_KEYS})},
            "maxItems": 64,
        },
        "sort_dir": {
            "type": "array",
            "items": {"type": "string", "pattern": "^([aA][sS][cC]|[dD][eE][sS][cC])$"},
            "maxItems": 64,
        },
        "status": _TEXTS,
        "vm_state": _TEXTS,
        "tags": {"type": "string", "maxLength": 4096},
        "tags-any": {"type": "string", "maxLength": 4096},
        "not-tags": {"type": "string", "maxLength": 4096},
        "not-tags-any": {"type": "string", "maxLength": 4096},
        "metadata": {"type": "string", "maxLength": 4096},
    },
    # what is not known is ignored, as compute's API does up to 2.74
    "additionalProperties": {"type": "string", "maxLength": 4096},
}

# -- actions -----------------------------------------------------------------------------------


def action(name: str, inner: dict[str, Any]) -> dict[str, Any]:
    """The body of an action: its name as the only key."""
    return {
        "type": "object",
        "properties": {name: inner},
        "required": [name],
        "additionalProperties": False,
    }


#: What an action's value may be where it says nothing.
NOTHING: dict[str, Any] = {}
REBOOT: dict[str, Any] = {
    "type": "object",
    "properties": {"type": {"enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}},
    "required": ["type"],
    "additionalProperties": False,
}
CREATE_IMAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"},
        "metadata": METADATA,
    },
    "required": ["name"],
    "additionalProperties": False,
}
CONSOLE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "length": {
            "type": ["integer", "string", "null"],
            "pattern": "^(-1|[0-9]{1,9})$",
            "minimum": -1,
            "maximum": INT32_MAX,
        }
    },
    "additionalProperties": False,
}
RESET_STATE: dict[str, Any] = {
    "type": "object",
    "properties": {"state": {"enum": ["active", "error"]}},
    "required": ["state"],
    "additionalProperties": False,
}
