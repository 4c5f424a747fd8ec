"""Checks of bodies and queries against JSON schemas, with errors that name the field."""

import base64
import functools
import ipaddress
import json
import math
import re
from typing import Any

import jsonschema
from oslo_utils import timeutils, uuidutils

from mycloud.common import exceptions

#: The largest number of an INTEGER column.
INT32_MAX = 2147483647

_MAX_DEPTH = 32
_checker = jsonschema.FormatChecker(formats=())


@_checker.checks("date-time", raises=ValueError)
def _is_time(value: Any) -> bool:
    if isinstance(value, str):
        timeutils.parse_isotime(value)
    return True


@_checker.checks("name")
def _is_name(value: Any) -> bool:
    """Printable, and no space at either end."""
    return not isinstance(value, str) or (value.isprintable() and value == value.strip())


@_checker.checks("printable")
def _is_printable(value: Any) -> bool:
    return not isinstance(value, str) or value.isprintable()


@_checker.checks("int32")
def _is_int32(value: Any) -> bool:
    """A text of decimal digits, with a minus maybe, that every database takes as a number."""
    if not isinstance(value, str):
        return True
    return re.fullmatch("-?[0-9]{1,20}", value) is not None and abs(int(value)) <= INT32_MAX


@_checker.checks("uuid")
def _is_uuid(value: Any) -> bool:
    return not isinstance(value, str) or uuidutils.is_uuid_like(value)


@_checker.checks("uuid-or-empty")
def _is_uuid_or_empty(value: Any) -> bool:
    return value == "" or _is_uuid(value)


@_checker.checks("ipv4-or-empty", raises=ValueError)
def _is_ipv4(value: Any) -> bool:
    return not isinstance(value, str) or not value or bool(ipaddress.IPv4Address(value))


@_checker.checks("ipv6-or-empty", raises=ValueError)
def _is_ipv6(value: Any) -> bool:
    return not isinstance(value, str) or not value or bool(ipaddress.IPv6Address(value))


@_checker.checks("base64", raises=ValueError)
def _is_base64(value: Any) -> bool:
    if isinstance(value, str):
        # encoders may break lines
        base64.b64decode("".join(value.split()).encode("ascii"), validate=True)
    return True


@functools.cache
def _validator(key: int) -> Any:
    return jsonschema.Draft202012Validator(_SCHEMAS[key], format_checker=_checker)


_SCHEMAS: dict[int, dict[str, Any]] = {}


def _compiled(schema: dict[str, Any]) -> Any:
    # schemas are module constants: their identity is their key, and they are kept here
    _SCHEMAS.setdefault(id(schema), schema)
    return _validator(id(schema))


def check(value: Any, schema: dict[str, Any], *, where: str) -> None:
    """:raises BadField: names the field, its value and what would be right"""
    error = jsonschema.exceptions.best_match(_compiled(schema).iter_errors(value))
    if error is None:
        return
    path = [str(part) for part in error.absolute_path]
    # clients know a field by its own name; where it is deep inside, its place is told after it
    named = [part for part in path if not part.isdigit()]
    field = named[-1] if named else where
    place = f" ({'.'.join(path)})" if len(path) > 2 else ""
    given = _shown(error.instance)
    raise exceptions.BadField(
        field=field, reason=f"Value: {given}. {_explained(error)}{place}"
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _explained(error: Any) -> str:
    message = str(error.message)
    return message if len(message) <= 300 else message[:297] + "..."


def parse_body(raw: bytes) -> Any:
    """The JSON of a body.

    :raises MalformedBody: for anything that is no JSON, is too deep, or holds a character that
        no database takes
    """
    try:
        value = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise exceptions.MalformedBody(reason=str(error)[:200]) from error
    if b"\\u" in raw or b"\x00" in raw or raw.count(b"[") + raw.count(b"{") > _MAX_DEPTH:
        _check_values(value, 0)
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """Numbers that are too large would become Infinity, which no JSON column takes."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _check_values(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise exceptions.MalformedBody(reason=f"it is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, str):
        check_text(value, "the body")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name, "the body")
            _check_values(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_values(item, depth + 1)


def check_text(text: str, field: str) -> None:
    """:raises BadField: for NUL and for half of a surrogate pair"""
    if "\x00" in text or re.search("[\ud800-\udfff]", text):
        raise exceptions.BadField(
            field=field, reason="it holds a NUL character or half a surrogate pair"
        )


def parse_query(items: list[tuple[str, str]], schema: dict[str, Any]) -> dict[str, Any]:
    """The query as a dict: one text a key (the last one given), or all of them where the schema
    says array.

    :raises BadField: as the schema demands; numbers are checked as texts
    """
    properties = schema.get("properties", {})
    found: dict[str, Any] = {}
    for name, value in items:
        check_text(name, "the query")
        check_text(value, name)
        if properties.get(name, {}).get("type") == "array":
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    check(found, schema, where="the query")
    return found
