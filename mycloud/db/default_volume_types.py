"""The types of volumes that projects make without naming one."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.models import default_volume_types as defaults


def every(conn: Connection) -> dict[str, str]:
    """project id -> type id, of all projects with a default of their own."""
    query = sa.select(defaults).order_by(defaults.c.project_id)
    return {row.project_id: row.volume_type_id for row in conn.execute(query)}


def get(conn: Connection, project_id: str | None) -> str | None:
    """The type id; None for a project without a default of its own."""
    query = sa.select(defaults.c.volume_type_id).where(defaults.c.project_id == project_id)
    return conn.execute(query).scalar()


def put(conn: Connection, project_id: str, type_id: str) -> None:
    delete(conn, project_id)
    conn.execute(sa.insert(defaults).values(project_id=project_id, volume_type_id=type_id))


def delete(conn: Connection, project_id: str) -> bool:
    """Whether there was one."""
    gone = conn.execute(sa.delete(defaults).where(defaults.c.project_id == project_id))
    return bool(gone.rowcount)


def has_type(conn: Connection, type_id: str) -> bool:
    """Whether the type is some project's default."""
    query = sa.select(defaults.c.project_id).where(defaults.c.volume_type_id == type_id)
    return conn.execute(query.limit(1)).first() is not None
