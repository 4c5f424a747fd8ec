"""All role assignments, as they were made or as they work out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db import engine, models
from mycloud.db.identity import access
from mycloud.db.identity.rows import Row
from mycloud.identity import subjects


@dataclass(frozen=True)
class Wanted:
    """Which assignments. Empty values filter nothing. ``effective``: groups become their
    members, implied roles are added, inherited ones are where they arrive."""

    user_id: str = ""
    group_id: str = ""
    role_id: str = ""
    target_type: str = ""
    target_id: str = ""
    inherited: bool | None = None
    effective: bool = False
    subtree: bool = False


@dataclass(frozen=True)
class Assignment:
    """One assignment. ``via_group``, ``prior_role`` and ``inherited_from`` tell how an effective
    one came about."""

    target_type: str
    target_id: str
    actor_type: str
    actor_id: str
    role_id: str
    inherited: bool = False
    via_group: str = ""
    prior_role: str = ""
    inherited_from: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Names:
    """The rows of what assignments refer to, by id."""

    users: dict[str, Row]
    groups: dict[str, Row]
    roles: dict[str, Row]
    projects: dict[str, Row]
    domains: dict[str, Row]


def listed(wanted: Wanted) -> list[Assignment]:
    """In a bounded number of statements."""
    with engine.reader() as conn:
        made = [_of_row(row) for row in conn.execute(_query(wanted)).mappings()]
        if not wanted.effective:
            targets = _targets(conn, wanted)
            found: Iterable[Assignment] = (
                one for one in made if targets is None or one.target_id in targets
            )
        else:
            found = _effective(conn, made, wanted)
        unique = dict.fromkeys(one for one in found if _fits(one, wanted))
    return sorted(
        unique, key=lambda one: (one.target_type, one.target_id, one.actor_id, one.role_id)
    )


def _query(wanted: Wanted) -> sa.Select[Any]:
    """What SQL can choose; with ``effective``, only what stays the same by it."""
    table = models.role_assignments
    query = sa.select(table)
    if not wanted.effective:
        if wanted.user_id or wanted.group_id:
            query = query.where(table.c.actor_id == (wanted.user_id or wanted.group_id))
        if wanted.role_id:
            query = query.where(table.c.role_id == wanted.role_id)
        if wanted.target_id and not wanted.subtree:
            query = query.where(table.c.target_id == wanted.target_id)
    elif wanted.user_id:
        groups = sa.select(models.group_members.c.group_id).where(
            models.group_members.c.user_id == wanted.user_id
        )
        query = query.where(
            sa.or_(table.c.actor_id == wanted.user_id, table.c.actor_id.in_(groups))
        )
    return query


def _of_row(row: Row) -> Assignment:
    return Assignment(
        row["target_type"],
        row["target_id"],
        row["actor_type"],
        row["actor_id"],
        row["role_id"],
        row["inherited"],
    )


def _fits(one: Assignment, wanted: Wanted) -> bool:
    group = one.actor_id if one.actor_type == "group" else ""
    user = one.actor_id if one.actor_type == "user" else ""
    inherited = one.inherited or bool(one.inherited_from[1])
    return (
        (not wanted.user_id or user == wanted.user_id)
        and (not wanted.group_id or group == wanted.group_id)
        and (not wanted.role_id or one.role_id == wanted.role_id)
        and (not wanted.target_type or one.target_type == wanted.target_type)
        and (not wanted.target_id or wanted.subtree or one.target_id == wanted.target_id)
        and (wanted.inherited is None or inherited == wanted.inherited)
    )


def _targets(conn: Connection, wanted: Wanted) -> set[str] | None:
    """The ids of a project and those under it, when they are asked for."""
    if not (wanted.subtree and wanted.target_id):
        return None
    return _below(_tree(conn), wanted.target_id)


def _tree(conn: Connection) -> list[Row]:
    table = models.projects.c
    return list(
        conn.execute(sa.select(table.id, table.domain_id, table.parent_id)).mappings()
    )


def _below(tree: list[Row], top: str) -> set[str]:
    children: dict[str, list[str]] = defaultdict(list)
    for row in tree:
        if row["parent_id"]:
            children[row["parent_id"]].append(row["id"])
    found, waiting = set(), [top]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += children[current]
    return found


def _effective(
    conn: Connection, made: list[Assignment], wanted: Wanted
) -> Iterator[Assignment]:
    members: dict[str, list[str]] = defaultdict(list)
    for group_id, user_id in conn.execute(
        sa.select(models.group_members.c.group_id, models.group_members.c.user_id)
    ):
        members[group_id].append(user_id)
    tree = _tree(conn) if wanted.subtree or any(one.inherited for one in made) else []
    targets = _below(tree, wanted.target_id) if wanted.subtree and wanted.target_id else None
    for one in made:
        for placed in _arrived(tree, one):
            if targets is not None and placed.target_id not in targets:
                continue
            for acting in _acting(members, placed):
                for role in subjects.global_roles(conn, subjects.expand(conn, [one.role_id])):
                    prior = one.role_id if role.id != one.role_id else ""
                    yield replace(acting, role_id=role.id, prior_role=prior)


def _arrived(tree: list[Row], one: Assignment) -> Iterator[Assignment]:
    """Where an assignment works: where it was made, or on all projects below if inherited."""
    if not one.inherited:
        yield one
        return
    if one.target_type == "domain":
        below = {row["id"] for row in tree if row["domain_id"] == one.target_id}
    else:
        below = _below(tree, one.target_id) - {one.target_id}
    for project_id in sorted(below):
        yield replace(
            one,
            target_type="project",
            target_id=project_id,
            inherited=False,
            inherited_from=(one.target_type, one.target_id),
        )


def _acting(members: dict[str, list[str]], one: Assignment) -> Iterator[Assignment]:
    """The users who have an assignment."""
    if one.actor_type == "user":
        yield one
        return
    for user_id in members[one.actor_id]:
        yield replace(one, actor_type="user", actor_id=user_id, via_group=one.actor_id)


def names(found: Iterable[Assignment]) -> Names:
    """The rows of all that the assignments refer to, with all domains."""
    ids: dict[str, set[str]] = defaultdict(set)
    for one in found:
        ids[one.actor_type].add(one.actor_id)
        ids[one.target_type].add(one.target_id)
    with engine.reader() as conn:

        def by_id(table: sa.Table, wanted: set[str]) -> dict[str, Row]:
            query = sa.select(table).where(table.c.id.in_(wanted))
            return {row["id"]: row for row in conn.execute(query).mappings()}

        return Names(
            users=by_id(models.users, ids["user"]),
            groups=by_id(models.groups, ids["group"]),
            roles={row["id"]: row for row in access.all_roles(conn)},
            projects=by_id(models.projects, ids["project"]),
            domains={
                row["id"]: row for row in conn.execute(sa.select(models.domains)).mappings()
            },
        )
