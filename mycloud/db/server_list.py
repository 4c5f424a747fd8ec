"""Lists of servers: filtered, sorted and paged by the database, in one statement.

A marker costs one more. What may be NULL is sorted as the smallest value, on every database.
"""

import datetime
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions, states
from mycloud.common.states import Vm
from mycloud.db.models import servers, services

_EPOCH = datetime.datetime(1970, 1, 1)

#: Columns that a view never shows, and that are large.
_HIDDEN = frozenset({"key_data", "personality", "image_properties", "scheduler_hints"})
_BRIEF = (servers.c.id, servers.c.name)
_DETAIL = tuple(
    column for column in servers.c if column.name not in _HIDDEN | {"user_data"}
)
_SERVICE = (
    services.c.disabled.label("service_disabled"),
    services.c.forced_down.label("service_forced_down"),
    services.c.last_seen_at.label("service_last_seen_at"),
)


def _nullable(column: Any, least: Any) -> Any:
    return sa.func.coalesce(column, least)


#: What a list may be sorted by.
SORT: dict[str, Any] = {
    "access_ip_v4": _nullable(servers.c.access_ip_v4, ""),
    "access_ip_v6": _nullable(servers.c.access_ip_v6, ""),
    "availability_zone": _nullable(servers.c.availability_zone, ""),
    "config_drive": sa.cast(servers.c.config_drive, sa.Integer),
    "created_at": servers.c.created_at,
    "description": _nullable(servers.c.description, ""),
    "disk_config": servers.c.disk_config,
    "flavor_id": _nullable(servers.c.flavor_id, ""),
    "host": _nullable(servers.c.host, ""),
    "hostname": servers.c.hostname,
    "id": servers.c.id,
    "image_id": _nullable(servers.c.image_id, ""),
    "key_name": _nullable(servers.c.key_name, ""),
    "launch_index": servers.c.launch_index,
    "launched_at": _nullable(servers.c.launched_at, _EPOCH),
    "locked_by": _nullable(servers.c.locked_by, ""),
    "name": servers.c.name,
    "node": _nullable(servers.c.node, ""),
    "power_state": servers.c.power_state,
    "progress": servers.c.progress,
    "project_id": servers.c.project_id,
    "task_state": _nullable(servers.c.task_state, ""),
    "terminated_at": _nullable(servers.c.terminated_at, _EPOCH),
    "updated_at": _nullable(servers.c.updated_at, servers.c.created_at),
    "user_id": servers.c.user_id,
    "vm_state": servers.c.vm_state,
}


@dataclass
class Wanted:
    """A page. ``project_id`` None: of every project. ``deleted`` None: live and deleted ones.

    ``same``: column -> value or values. ``matching``: column -> regular expression (checked by
    mycloud.common.patterns). ``within``: column -> (first moment, moment after the last).
    ``statuses``: as the API names them; one that is none of them matches nothing.
    ``sort``: (name in SORT, whether descending) pairs.
    """

    project_id: str | None = None
    deleted: bool | None = False
    same: dict[str, Any] = field(default_factory=dict)
    matching: dict[str, str] = field(default_factory=dict)
    within: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    statuses: Sequence[str] | None = None
    changed_since: datetime.datetime | None = None
    tags: Sequence[str] = ()
    tags_any: Sequence[str] = ()
    not_tags: Sequence[str] = ()
    not_tags_any: Sequence[str] = ()
    sort: Sequence[tuple[str, bool]] = ()
    marker: str | None = None
    limit: int = 1000
    impossible: bool = False


@functools.cache
def columns(*, detail: bool, user_data: bool, service: bool) -> tuple[Any, ...]:
    """What a list or a view selects: id and name, or all that a view may show."""
    if not detail:
        return _BRIEF
    found = (*_DETAIL, servers.c.user_data) if user_data else _DETAIL
    return (*found, *_SERVICE) if service else found


@functools.cache
def select(chosen: tuple[Any, ...]) -> Any:
    """The statement of these columns; the compute service of a server's host is joined if any
    of them is its."""
    query = sa.select(*chosen)
    # a comparison of columns makes an expression, so they are told by identity
    if chosen and chosen[-1] is _SERVICE[-1]:
        query = query.select_from(
            servers.outerjoin(
                services,
                sa.and_(services.c.host == servers.c.host, services.c.topic == "compute"),
            )
        )
    return query


@functools.cache
def _one(chosen: tuple[Any, ...], *, scoped: bool) -> Any:
    """The statement of one server; made once, since making it takes as long as running it."""
    query = select(chosen).where(
        servers.c.id == sa.bindparam("server_id"), servers.c.deleted_at.is_(None)
    )
    if scoped:
        query = query.where(servers.c.project_id == sa.bindparam("owner"))
    return query


def get(
    conn: Connection, chosen: tuple[Any, ...], server_id: str, *, project_id: str | None
) -> Any:
    """One live server; of that project only, if one is given.

    :raises ServerNotFound: also for another project's server
    """
    wanted = {"server_id": server_id}
    if project_id is not None:
        wanted["owner"] = project_id
    row = conn.execute(_one(chosen, scoped=project_id is not None), wanted).first()
    if row is None:
        raise exceptions.ServerNotFound(server_id=server_id)
    return row


def hold(conn: Connection, server_id: str, *, project_id: str | None) -> Any:
    """Lock a live server's row, for a change of what it says now.

    :raises ServerNotFound: also for another project's server
    """
    query = sa.select(servers).where(
        servers.c.id == server_id, servers.c.deleted_at.is_(None)
    )
    if project_id is not None:
        query = query.where(servers.c.project_id == project_id)
    row = conn.execute(query.with_for_update()).mappings().first()
    if row is None:
        raise exceptions.ServerNotFound(server_id=server_id)
    return row


def page(conn: Connection, chosen: tuple[Any, ...], wanted: Wanted) -> list[Any]:
    """The servers that match, in order, at most ``limit``.

    :raises UnknownMarker: when the marker is no server that the caller could list
    """
    if wanted.impossible:
        return []
    order = _order(wanted)
    query = select(chosen).where(*_conditions(wanted))
    if wanted.marker is not None:
        query = query.where(_after(conn, wanted, order))
    query = query.order_by(
        *(expression.desc() if descending else expression for expression, descending in order)
    )
    return list(conn.execute(query.limit(wanted.limit)))


# -- order and marker --------------------------------------------------------------------------


def _order(wanted: Wanted) -> list[tuple[Any, bool]]:
    pairs = list(wanted.sort) or [("created_at", True)]
    if not any(name == "id" for name, _ in pairs):
        # what is equal else has an order too, or pages would overlap
        pairs.append(("id", pairs[-1][1]))
    return [(SORT[name], descending) for name, descending in pairs]


def _after(conn: Connection, wanted: Wanted, order: list[tuple[Any, bool]]) -> Any:
    """What comes behind the marker in that order."""
    query = sa.select(*(expression for expression, _ in order)).where(
        servers.c.id == wanted.marker
    )
    if wanted.project_id is not None:
        query = query.where(servers.c.project_id == wanted.project_id)
    found = conn.execute(query).first()
    if found is None:
        raise exceptions.UnknownMarker(marker=wanted.marker)
    choices = []
    for number, (expression, descending) in enumerate(order):
        behind = expression < found[number] if descending else expression > found[number]
        equal = [order[before][0] == found[before] for before in range(number)]
        choices.append(sa.and_(*equal, behind))
    first, descending = order[0]
    # implied by the choices; told apart so that an index is of use
    bound = first <= found[0] if descending else first >= found[0]
    return sa.and_(bound, sa.or_(*choices))


# -- filters -----------------------------------------------------------------------------------


def _conditions(wanted: Wanted) -> list[Any]:
    found: list[Any] = []
    if wanted.project_id is not None:
        found.append(servers.c.project_id == wanted.project_id)
    if wanted.deleted is not None:
        gone = servers.c.deleted_at
        found.append(gone.is_not(None) if wanted.deleted else gone.is_(None))
    for name, value in wanted.same.items():
        found.append(_same(servers.c[name], value))
    for name, pattern in wanted.matching.items():
        found.append(servers.c[name].regexp_match(pattern))
    for name, (first, behind) in wanted.within.items():
        found += [servers.c[name] >= first, servers.c[name] < behind]
    for key, value in wanted.metadata.items():
        found.append(servers.c.metadata[key].as_string() == value)
    if wanted.statuses is not None:
        found.append(sa.or_(sa.false(), *map(_status, wanted.statuses)))
    if wanted.changed_since is not None:
        found.append(SORT["updated_at"] >= wanted.changed_since)
    return found + _tag_conditions(wanted)


def _same(column: Any, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return column.in_(value)
    return column == value


def _status(status: str) -> Any:
    """The states that the API shows as that status."""
    choices = []
    for vm_state, task_state in states.vm_states_of(status):
        condition = servers.c.vm_state == vm_state
        if task_state is not None:
            condition &= servers.c.task_state == task_state
        elif vm_state == Vm.ACTIVE:
            # those that show as REBOOT and the like do not show as ACTIVE
            other = [task.value for task in states.TASK_STATUS]
            condition &= SORT["task_state"].not_in(other)
        choices.append(condition)
    return sa.or_(sa.false(), *choices)


def _tag_conditions(wanted: Wanted) -> list[Any]:
    found = [_tagged(tag) for tag in wanted.tags]
    if wanted.tags_any:
        found.append(sa.or_(*map(_tagged, wanted.tags_any)))
    if wanted.not_tags:
        found.append(sa.not_(sa.and_(*map(_tagged, wanted.not_tags))))
    found += [sa.not_(_tagged(tag)) for tag in wanted.not_tags_any]
    return found


def _tagged(tag: str) -> Any:
    """LIKE does not tell A from a on every database; replace() does."""
    return sa.func.replace(servers.c.tags, f",{tag},", "") != servers.c.tags
