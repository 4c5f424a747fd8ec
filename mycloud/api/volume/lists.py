"""What all lists of block storage take: order and pages."""

from collections.abc import Container
from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.schema import INT32_MAX
from mycloud.common import exceptions

#: Schemas of the query keys.
QUERY: dict[str, Any] = {
    "limit": paging.LIMIT,
    "marker": paging.MARKER,
    "offset": {"type": "string", "format": "int32", "pattern": "^[0-9]+$", "maximum": INT32_MAX},
    "sort": {"type": "string", "maxLength": 1024},
    "sort_key": {"type": "string", "maxLength": 255},
    "sort_dir": {"enum": ["asc", "desc"]},
}
_DIRECTIONS = {"asc": True, "desc": False}
_DEFAULT = "created_at"


def query(**filters: Any) -> dict[str, Any]:
    """The query schema of a list with these filters; what it does not know is ignored."""
    return {
        "type": "object",
        "properties": {**QUERY, **filters},
        "additionalProperties": True,
    }


def order(request: wsgi.Request, allowed: Container[str]) -> list[tuple[str, bool]]:
    """What to sort by, the first one first: (key, rising). The newest come first unless told.

    :raises BadField: for a key or a direction that there is not, and for both forms at once
    """
    asked = request.query
    if "sort" not in asked:
        key = asked.get("sort_key", _DEFAULT)
        return [(_known(key, allowed, "sort_key"), asked.get("sort_dir", "desc") == "asc")]
    if "sort_key" in asked or "sort_dir" in asked:
        raise exceptions.BadField(
            field="sort", reason="it can't be given together with sort_key and sort_dir"
        )
    found: dict[str, bool] = {}
    for part in asked["sort"].split(","):
        key, _, direction = (text.strip() for text in part.partition(":"))
        if direction and direction not in _DIRECTIONS:
            raise exceptions.BadField(field="sort", reason=f"{direction[:20]} is not asc or desc")
        found.setdefault(_known(key, allowed, "sort"), direction == "asc")
    return list(found.items())


def _known(key: str, allowed: Container[str], field: str) -> str:
    if key not in allowed:
        raise exceptions.BadField(field=field, reason=f"nothing is sorted by {key[:100]!r}")
    return key


def offset(request: wsgi.Request) -> int:
    """How many elements to leave out at the beginning."""
    return int(request.query.get("offset", 0))
