"""Schemas and values that the bodies of block storage share."""

from typing import Any

from oslo_utils import strutils

from mycloud.api import wsgi
from mycloud.common import exceptions

NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
DESCRIPTION = {"type": ["string", "null"], "maxLength": 255}
BOOLEAN = {
    "enum": [
        True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t",
        False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f",
    ]
}  # fmt: skip
#: A flag in a query.
FLAG = {"type": "string", "maxLength": 16}
#: Keys and values of extra specs and QoS specs.
SPECS = {
    "type": "object",
    "patternProperties": {
        r"^[a-zA-Z0-9_:. -]{1,255}\Z": {"type": "string", "maxLength": 255, "format": "printable"}
    },
    "additionalProperties": False,
    "maxProperties": 255,
}


def body(noun: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """The schema of a body with one object under ``noun``."""
    return wrapped(
        noun,
        {
            "type": "object",
            "properties": properties,
            "required": list(required),
            "additionalProperties": False,
        },
    )


def wrapped(noun: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body with nothing but ``noun``."""
    return {
        "type": "object",
        "properties": {noun: schema},
        "required": [noun],
        "additionalProperties": False,
    }


def truth(value: Any) -> bool:
    """A value that BOOLEAN lets pass."""
    return bool(strutils.bool_from_string(value))


def flag(request: wsgi.Request, name: str, *, default: bool) -> bool:
    """A flag of the query.

    :raises BadField: when it is neither true nor false
    """
    if name not in request.query:
        return default
    text = request.query[name]
    found = strutils.bool_from_string(text, default=None)
    if found is None:
        raise exceptions.BadField(field=name, reason=f"Value: {text!r}. It is true or false.")
    return bool(found)
