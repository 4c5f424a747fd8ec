"""What all lists of block storage take: order, pages and filters."""

import ast
import dataclasses
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

from oslo_utils import timeutils

from mycloud.api import paging, wsgi
from mycloud.api.schema import INT32_MAX
from mycloud.api.versions import Version
from mycloud.api.volume import fields
from mycloud.common import exceptions, policy
from mycloud.db.filtered import COMPARISONS, Wanted

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


# -- filters -----------------------------------------------------------------------------------

_TIMES = Version(3, 60)
_QUOTA = Version(3, 65)
_LIKE = Version(3, 31)
_COUNT = Version(3, 45)
#: Schemas of the keys that every list of ours filters by.
FILTER = {"type": "string", "maxLength": 1024}


@dataclasses.dataclass(frozen=True)
class Filters:
    """What a list may be filtered by.

    ``same``: key of the query -> column; several values may be given as ``['a', 'b']``. ``like``:
    key without its ``~`` -> column. ``flags``: key -> column. ``numbers``: key -> column.
    ``holds``: key -> JSON column. ``admin``: keys of ``same`` that only administrators may use.
    """

    same: Mapping[str, str]
    like: Mapping[str, str] = dataclasses.field(default_factory=dict)
    flags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    numbers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    holds: Mapping[str, str] = dataclasses.field(default_factory=dict)
    admin: frozenset[str] = frozenset()
    #: whether there is ``consumes_quota``: everything of ours does
    quota: bool = False

    def names(self) -> list[str]:
        """The keys of the query."""
        exact = [*self.same, *self.flags, *self.numbers, *self.holds, "created_at", "updated_at"]
        quota = ["consumes_quota"] if self.quota else []
        return [*exact, *quota, *(f"{name}~" for name in self.like)]

    def schema(self) -> dict[str, Any]:
        """The query schema of the list."""
        return query(
            **dict.fromkeys(self.names(), FILTER),
            all_tenants=fields.FLAG, with_count=fields.FLAG,
        )


def wanted(
    request: wsgi.Request, filters: Filters, sort: Container[str], *, every: str
) -> Wanted:
    """What a request for a list asks for; keys that it does not know are ignored, values that
    nothing has match nothing. ``every``: the rule of those who may list all projects.

    :raises BadField: for an order, a flag or a time that means nothing
    """
    asked = request.query
    same: dict[str, Sequence[Any]] = {}
    administrator = policy.allowed(request.context, every)
    for name, column in filters.same.items():
        if name in asked and (administrator or name not in filters.admin):
            same[column] = _values(asked[name])
    for name, column in filters.flags.items():
        if name in asked:
            same[column] = [fields.flag(request, name, default=False)]
    impossible = False
    for name, column in filters.numbers.items():
        if name in asked:
            same[column] = _numbers(asked[name])
            impossible |= not same[column]
    if filters.quota and request.version >= _QUOTA:
        impossible |= not fields.flag(request, "consumes_quota", default=True)
    project_id: str | None = request.context.project_id or ""
    if administrator and fields.flag(request, "all_tenants", default=False):
        project_id = asked.get("project_id", asked.get("tenant_id"))
    return Wanted(
        project_id=project_id,
        same=same,
        like={
            column: asked[f"{name}~"]
            for name, column in filters.like.items()
            if f"{name}~" in asked and request.version >= _LIKE
        },
        holds={
            column: _pairs(name, asked[name])
            for name, column in filters.holds.items()
            if name in asked
        },
        times=_times(request),
        order=order(request, sort),
        marker=asked.get("marker"),
        offset=offset(request),
        limit=paging.limit_of(request),
        impossible=impossible,
    )


def counted(request: wsgi.Request) -> bool:
    """Whether the list is to tell how many there are in all."""
    return request.version >= _COUNT and fields.flag(request, "with_count", default=False)


def answer(
    request: wsgi.Request, noun: str, shown: list[dict[str, Any]], count: int | None
) -> dict[str, Any]:
    """The body of a list."""
    body: dict[str, Any] = {noun: shown}
    if count is not None:
        body["count"] = count
    if shown and (more := paging.next_links(request, shown, shown[-1]["id"])):
        body[f"{noun}_links"] = more
    return body


def _literal(text: str) -> Any:
    """What clients write as Python or JSON has it; None for anything else."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _values(text: str) -> list[str]:
    found = _literal(text) if text.startswith("[") else None
    if isinstance(found, list) and all(isinstance(part, str) for part in found):
        return found
    return [text]


def _numbers(text: str) -> list[int]:
    return [
        int(part)
        for part in _values(text)
        if re.fullmatch("[0-9]{1,10}", part) and int(part) <= INT32_MAX
    ]


def _pairs(name: str, text: str) -> dict[str, str]:
    found = _literal(text)
    if not isinstance(found, dict) or not all(
        isinstance(part, str) for pair in found.items() for part in pair
    ):
        raise exceptions.BadField(
            field=name, reason="it must be an object of texts: {'key': 'value'}"
        )
    return found


def _times(request: wsgi.Request) -> list[tuple[str, str, Any]]:
    """The filters ``created_at=gt:TIME,lt:TIME``; a time alone is to be equal."""
    if request.version < _TIMES:
        return []
    found = []
    for column in ("created_at", "updated_at"):
        for part in filter(None, request.query.get(column, "").split(",")):
            comparison, colon, text = part.partition(":")
            if not colon or comparison not in COMPARISONS:
                comparison, text = "eq", part
            try:
                moment = timeutils.normalize_time(timeutils.parse_isotime(text))
            except (ValueError, OverflowError) as error:
                raise exceptions.BadField(
                    field=column,
                    reason=f"{part[:60]!r} is no comparison with a time; one is gt:2026-01-31 or "
                    f"lte:2026-01-31T12:00:00 ({', '.join(COMPARISONS)})",
                ) from error
            found.append((column, comparison, moment))
    return found
