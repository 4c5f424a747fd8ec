"""What the query of an image list asks for."""

import csv
import datetime
from typing import Any

from oslo_config import cfg
from oslo_utils import timeutils, uuidutils

from mycloud.common import exceptions
from mycloud.common.states import Membership, Visibility
from mycloud.db.image_list import COMPARISONS, SORT_KEYS, Wanted

_ALL = "all"
_BIGGEST = (1 << 63) - 1
_MAX_INTEGER = (1 << 31) - 1
#: filter -> column, for texts
_TEXTS = {
    "owner": "owner",
    "checksum": "checksum",
    "os_hash_algo": "hash_algo",
    "os_hash_value": "hash_value",
}
#: filters that take "in:a,b" as well
_LISTS = ("id", "name", "status", "disk_format", "container_format")
_INTEGERS = {
    "size": _BIGGEST,
    "virtual_size": _BIGGEST,
    "min_disk": _MAX_INTEGER,
    "min_ram": _MAX_INTEGER,
}
_FLAGS = {"protected": "protected", "os_hidden": "hidden"}
_TIMES = ("created_at", "updated_at")
_PAGING = ("limit", "marker", "sort", "sort_key", "sort_dir")
_DIRECTIONS = {"asc": True, "desc": False}

_text = {"type": "string", "maxLength": 65535}
_texts = {"type": "array", "items": {"type": "string", "maxLength": 255}, "maxItems": 128}
QUERY = {
    "type": "object",
    "properties": {
        "limit": {"type": "string", "pattern": "^[0-9]{1,9}$"},
        "marker": {"type": "string", "maxLength": 255},
        "tag": _texts,
        "sort_key": _texts,
        "sort_dir": _texts,
        "visibility": {"enum": [*Visibility, _ALL]},
        "member_status": {"enum": [*Membership, _ALL]},
    },
    # what is no attribute is a property
    "propertyNames": {"maxLength": 255},
    "additionalProperties": _text,
}


def limit(query: dict[str, Any]) -> int:
    """Images a page."""
    longest: int = cfg.CONF.api.max_limit
    return min(int(query.get("limit", longest)), longest)


def wanted(query: dict[str, Any]) -> Wanted:
    """The meaning of a checked query.

    :raises BadField: for a value that its key can't have
    """
    found = Wanted(
        order=_order(query),
        marker=query.get("marker"),
        tags=query.get("tag", []),
        visibility=query.get("visibility"),
        member_status=query.get("member_status", Membership.ACCEPTED),
        sizes=(_size(query, "size_min"), _size(query, "size_max")),
    )
    if found.member_status == _ALL:
        found.member_status = None
    found.equal["hidden"] = [False]
    for name, value in query.items():
        if name in _LISTS:
            found.equal[name] = _values(name, value)
        elif name in _TEXTS:
            found.equal[_TEXTS[name]] = [value]
        elif name in _INTEGERS:
            found.equal[name] = [_integer(name, value, _INTEGERS[name])]
        elif name in _FLAGS:
            found.equal[_FLAGS[name]] = [_flag(name, value)]
        elif name in _TIMES:
            found.times.append((name, *_moment(name, value)))
        elif name not in QUERY["properties"] and name not in (*_PAGING, "size_min", "size_max"):
            found.properties[name] = value
    if "id" in found.equal:
        # an id that is none finds nothing, whatever the database makes of odd text
        found.equal["id"] = [each for each in found.equal["id"] if uuidutils.is_uuid_like(each)]
    return found


def _order(query: dict[str, Any]) -> list[tuple[str, bool]]:
    if "sort" in query:
        if "sort_key" in query or "sort_dir" in query:
            raise _bad("sort", "it can't be combined with sort_key or sort_dir")
        parts = [each.partition(":") for each in query["sort"].split(",")]
        pairs = [(key.strip(), direction.strip() or "desc") for key, _, direction in parts]
    else:
        keys = query.get("sort_key", ["created_at"])
        directions = query.get("sort_dir", ["desc"])
        if len(directions) == 1:
            directions = directions * len(keys)
        if len(directions) != len(keys):
            raise _bad("sort_dir", "there must be one, or one for each sort_key")
        pairs = list(zip(keys, directions, strict=True))
    if len(pairs) > len(SORT_KEYS):
        raise _bad("sort", "there are too many sort keys")
    for key, direction in pairs:
        if key not in SORT_KEYS:
            raise _bad("sort_key", f"it must be one of {', '.join(sorted(SORT_KEYS))}")
        if direction not in _DIRECTIONS:
            raise _bad("sort_dir", "it must be asc or desc")
    return [(key, _DIRECTIONS[direction]) for key, direction in pairs]


def _values(name: str, value: str) -> list[str]:
    """The alternatives of ``a``, ``eq:a`` and ``in:a,"b,c"``."""
    comparison, colon, rest = value.partition(":")
    if colon and comparison == "in":
        try:
            rows = list(csv.reader([rest], strict=True))
        except csv.Error as error:
            raise _bad(name, f"the list after in: can't be read: {error}") from error
        values = rows[0] if rows else []
        if not values:
            raise _bad(name, "there is no value after in:")
        return values
    if colon and comparison in COMPARISONS:
        if comparison != "eq":
            raise _bad(name, f"the operator {comparison} is not for texts; use in: or eq:")
        value = rest
    if len(value) > 1 and value[0] == value[-1] == '"':
        return [value[1:-1]]
    return [value]


def _moment(name: str, value: str) -> tuple[str, datetime.datetime]:
    comparison, colon, rest = value.partition(":")
    if not colon or comparison not in COMPARISONS:
        comparison, rest = "eq", value
    try:
        moment = timeutils.normalize_time(timeutils.parse_isotime(rest))
    except (ValueError, OverflowError) as error:
        raise _bad(
            name, "it must be a time, for example gte:2026-01-31T12:00:00Z"
        ) from error
    if moment.year > 9000:
        raise _bad(name, "it is too far in the future")
    return comparison, moment.replace(microsecond=0)


def _integer(name: str, value: str, biggest: int) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 19 or int(value) > biggest:
        raise _bad(name, f"it must be a number from 0 to {biggest}")
    return int(value)


def _size(query: dict[str, Any], name: str) -> int | None:
    return _integer(name, query[name], _BIGGEST) if name in query else None


def _flag(name: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise _bad(name, "it must be true or false")
    return value.lower() == "true"


def _bad(field: str, reason: str) -> exceptions.BadField:
    return exceptions.BadField(field=field, reason=reason)
