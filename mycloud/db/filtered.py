"""Lists of what block storage has: filtered, sorted and paged by the database.

A page takes one statement, a marker one more, the number of all that match one more. What may be
NULL is sorted as the smallest value, on every database.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db import paging

Row = Mapping[str, Any]

#: How a time may compare.
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
    "eq": operator.eq, "neq": operator.ne,
}


@dataclass(frozen=True)
class Wanted:
    """A page. ``project_id`` None: of every project.

    ``same``: column -> the values that match. ``like``: column -> a part of its text, whatever its
    case. ``holds``: JSON column -> keys with their values. ``times``: (column, name in
    COMPARISONS, moment); a time that is not there matches nothing. ``order``: (sort key, rising),
    the first one first. ``impossible``: nothing matches.
    """

    project_id: str | None = None
    same: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    like: Mapping[str, str] = field(default_factory=dict)
    holds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    times: Sequence[tuple[str, str, Any]] = ()
    order: Sequence[tuple[str, bool]] = ()
    marker: str | None = None
    offset: int = 0
    limit: int = 1000
    impossible: bool = False


@dataclass(frozen=True)
class Noun:
    """What is listed. ``select``: the statement that a view needs, of live rows. ``sort``: sort
    key -> an expression that is never NULL. ``missing``: the error of a marker that is none.
    ``owner``: the column with the project."""

    table: sa.Table
    select: Callable[[], sa.Select[Any]]
    sort: Mapping[str, Any]
    missing: Callable[[str], Exception]
    owner: str = "project_id"


def nullable(column: Any, least: Any) -> Any:
    """A column that may be NULL, as a sort key."""
    return sa.func.coalesce(column, least)


def page(conn: Connection, noun: Noun, wanted: Wanted) -> list[Row]:
    """The rows that match, in order.

    :raises NotFound: when the marker is none that the caller could list
    """
    if wanted.impossible or not wanted.limit:
        return []
    order = list(wanted.order) or [("created_at", False)]
    if all(name != "id" for name, _ in order):
        # what is equal else has an order too, or pages would overlap
        order.append(("id", order[-1][1]))
    known = _marker(conn, noun, wanted, [name for name, _ in order])
    keys = [(noun.sort[name], known.get(name), rising) for name, rising in order]
    query = noun.select().where(*_conditions(noun, wanted))
    query = paging.after(query, keys, marked=wanted.marker is not None)
    if wanted.offset:
        query = query.offset(wanted.offset)
    return list(conn.execute(query.limit(wanted.limit)).mappings())


def count(conn: Connection, noun: Noun, wanted: Wanted) -> int:
    """How many match, whatever the page."""
    if wanted.impossible:
        return 0
    table = noun.table
    query = sa.select(sa.func.count()).select_from(table).where(
        table.c.deleted_at.is_(None), *_conditions(noun, wanted)
    )
    return int(conn.execute(query).scalar_one())


def _marker(
    conn: Connection, noun: Noun, wanted: Wanted, names: list[str]
) -> dict[str, Any]:
    if wanted.marker is None:
        return {}
    table = noun.table
    query = sa.select(*(noun.sort[name] for name in names)).where(table.c.id == wanted.marker)
    if wanted.project_id is not None:
        query = query.where(table.c[noun.owner] == wanted.project_id)
    row = conn.execute(query).first()
    if row is None:
        raise noun.missing(wanted.marker)
    return dict(zip(names, row, strict=True))


def _conditions(noun: Noun, wanted: Wanted) -> list[Any]:
    table = noun.table
    found: list[Any] = []
    if wanted.project_id is not None:
        found.append(table.c[noun.owner] == wanted.project_id)
    for name, values in wanted.same.items():
        column = table.c[name]
        choices = [column.in_([value for value in values if value is not None])]
        if None in values:
            choices.append(column.is_(None))
        found.append(sa.or_(*choices))
    for name, part in wanted.like.items():
        found.append(sa.func.lower(table.c[name]).contains(part.lower(), autoescape=True))
    for name, pairs in wanted.holds.items():
        found += [_holds(table.c[name], key, value) for key, value in pairs.items()]
    for name, comparison, moment in wanted.times:
        found.append(COMPARISONS[comparison](table.c[name], moment))
    return found


def _holds(column: Any, key: str, value: str) -> Any:
    """No database but one finds keys with a quotation mark, and some refuse to look for them."""
    if not key or '"' in key or "\\" in key:
        return sa.false()
    return column[key].as_string() == value
