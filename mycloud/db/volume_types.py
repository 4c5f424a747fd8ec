"""Volume types."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.models import volume_type_access, volume_types


def named(conn: Connection, name: str) -> dict[str, str]:
    """id -> name of the type of that name, or of none."""
    query = sa.select(volume_types.c.id, volume_types.c.name).where(volume_types.c.name == name)
    return {row.id: row.name for row in conn.execute(query)}


def visible(conn: Connection, project_id: str | None) -> dict[str, str]:
    """id -> name of the types that a project may use; of all types for None."""
    query = sa.select(volume_types.c.id, volume_types.c.name).order_by(volume_types.c.name)
    if project_id is not None:
        query = query.where(_allowed(project_id))
    return {row.id: row.name for row in conn.execute(query)}


def _allowed(project_id: str) -> sa.ColumnElement[bool]:
    mine = sa.select(volume_type_access.c.volume_type_id).where(
        volume_type_access.c.project_id == project_id
    )
    return sa.or_(volume_types.c.is_public, volume_types.c.id.in_(mine))
