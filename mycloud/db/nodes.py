"""Machines that have joined, and the tokens that let them. Of secrets only digests are kept."""

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db.models import node_tokens as tokens
from mycloud.db.models import nodes, servers, services

Row = Mapping[str, Any]


def insert_token(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(sa.insert(tokens).values(**row))


def every_token(conn: Connection) -> list[Row]:
    """The newest first."""
    query = sa.select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id)
    return list(conn.execute(query).mappings())


def token(conn: Connection, token_id: str) -> Row:
    """:raises NodeTokenNotFound:"""
    query = sa.select(tokens).where(tokens.c.id == token_id)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise exceptions.NodeTokenNotFound(token_id=token_id)
    return row


def delete_token(conn: Connection, token_id: str) -> bool:
    """False if there is none."""
    return bool(conn.execute(sa.delete(tokens).where(tokens.c.id == token_id)).rowcount)


def drop_tokens_before(conn: Connection, expired: datetime.datetime) -> None:
    """Forget the tokens that had expired by then."""
    conn.execute(sa.delete(tokens).where(tokens.c.expires_at < expired))


def use_token(conn: Connection, token_id: str, values: dict[str, Any]) -> bool:
    """Let a machine use the token; False if it was used, is withdrawn, or has expired by
    ``values["used_at"]``."""
    statement = sa.update(tokens).where(
        tokens.c.id == token_id,
        tokens.c.used_at.is_(None),
        tokens.c.expires_at > values["used_at"],
    )
    return bool(conn.execute(statement.values(**values)).rowcount)


def get(conn: Connection, name: str) -> Row | None:
    """A machine that has joined, perhaps one that has left again."""
    return conn.execute(sa.select(nodes).where(nodes.c.name == name)).mappings().first()


def every(conn: Connection) -> list[Row]:
    return list(conn.execute(sa.select(nodes).order_by(nodes.c.name)).mappings())


def put(conn: Connection, name: str, values: dict[str, Any], *, before: Row | None) -> bool:
    """Record a machine that joins; False if another one has the name since ``before`` was read.

    :raises DBDuplicateEntry: both were the first of the name
    """
    if before is None:
        conn.execute(sa.insert(nodes).values(name=name, **values))
        return True
    statement = sa.update(nodes).where(
        nodes.c.name == name, nodes.c.token_id == before["token_id"]
    )
    return bool(conn.execute(statement.values(**values)).rowcount)


def update(conn: Connection, name: str, changes: dict[str, Any]) -> None:
    conn.execute(sa.update(nodes).where(nodes.c.name == name).values(**changes))


def bears_services(conn: Connection, name: str) -> bool:
    """Whether services report from a host of that name, or from a backend on it."""
    query = sa.select(services.c.id).where(
        sa.or_(
            services.c.host == name,
            services.c.host.startswith(f"{name}@", autoescape=True),
        )
    )
    return conn.execute(query.limit(1)).first() is not None


def server_count(conn: Connection, name: str) -> int:
    """How many servers are on the host."""
    query = sa.select(sa.func.count()).select_from(servers).where(
        servers.c.host == name, servers.c.deleted_at.is_(None)
    )
    return int(conn.execute(query).scalar_one())


def delete(conn: Connection, name: str) -> None:
    conn.execute(sa.delete(nodes).where(nodes.c.name == name))
