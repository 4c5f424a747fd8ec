"""Identity's nouns as records: found by id, listed by page, made and changed with their name
kept unique."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import engine, models
from mycloud.db.identity import rows
from mycloud.db.identity.rows import Page, Row
from mycloud.identity.changes import Change


@dataclass(frozen=True)
class Kind:
    """A noun and its table. ``unique``: the columns that no two records share."""

    noun: str
    table: sa.Table
    unique: tuple[str, ...] = ()


DOMAIN = Kind("domain", models.domains, ("name",))
PROJECT = Kind("project", models.projects, ("domain_id", "name"))
USER = Kind("user", models.users, ("domain_id", "name"))
GROUP = Kind("group", models.groups, ("domain_id", "name"))
ROLE = Kind("role", models.roles, ("domain_id", "name"))
REGION = Kind("region", models.regions, ("id",))
SERVICE = Kind("service", models.catalog_services)
ENDPOINT = Kind("endpoint", models.catalog_endpoints)
CREDENTIAL = Kind("credential", models.credentials)
APP_CREDENTIAL = Kind(
    "application credential", models.application_credentials, ("user_id", "name")
)
ACCESS_RULE = Kind("access rule", models.access_rules)


def need(conn: Connection, kind: Kind, record_id: str) -> Row:
    """:raises IdentityNotFound:"""
    row = rows.find(conn, kind.table, id=record_id)
    if row is None:
        raise exceptions.IdentityNotFound(noun=kind.noun, id=record_id)
    return row


def find(kind: Kind, record_id: str) -> Row | None:
    """The record, if there is one."""
    with engine.reader() as conn:
        return rows.find(conn, kind.table, id=record_id)


def get(kind: Kind, record_id: str) -> Row:
    """:raises IdentityNotFound:"""
    with engine.reader() as conn:
        return need(conn, kind, record_id)


def listed(kind: Kind, page: Page, *conditions: sa.ColumnElement[bool]) -> list[Row]:
    """:raises UnknownMarker:"""
    with engine.reader() as conn:
        return rows.listed(conn, kind.table, page, *conditions)


def create(change: Change, kind: Kind, values: Mapping[str, Any]) -> Row:
    """:raises NameTaken:"""
    _check_unique(change.conn, kind, values, None)
    return rows.insert(change.conn, kind.table, values)


def update(change: Change, kind: Kind, row: Row, changes: Mapping[str, Any]) -> Row:
    """Change a record as it was read in this transaction.

    :raises NameTaken:
    """
    if any(name in changes for name in kind.unique):
        _check_unique(change.conn, kind, {**row, **changes}, row["id"])
    return rows.update(change.conn, kind.table, row["id"], changes)


def _check_unique(
    conn: Connection, kind: Kind, values: Mapping[str, Any], own_id: str | None
) -> None:
    if not kind.unique:
        return
    other = rows.find(conn, kind.table, **{name: values[name] for name in kind.unique})
    if other is not None and other["id"] != own_id:
        raise exceptions.NameTaken(noun=kind.noun, name=values[kind.unique[-1]])


def merged_extra(row: Row, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The ``extra`` column after a change: a null takes a property away."""
    merged = {**(row["extra"] or {}), **extra}
    return {name: value for name, value in merged.items() if value is not None}
