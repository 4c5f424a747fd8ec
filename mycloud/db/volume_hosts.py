"""What projects have on a volume host, for operators."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.models import volume_snapshots, volumes


@dataclass
class Share:
    """How many volumes and snapshots a project has, and their GiB."""

    volumes: int = 0
    volumes_gb: int = 0
    snapshots: int = 0
    snapshots_gb: int = 0


def shares(conn: Connection, host: str) -> dict[str, Share]:
    """By project id; ``host`` is a volume service's (HOST@BACKEND). Two statements."""
    found: dict[str, Share] = {}
    here = sa.and_(
        sa.or_(volumes.c.host == host, volumes.c.host.startswith(f"{host}#", autoescape=True)),
        volumes.c.deleted_at.is_(None),
    )
    for project_id, count, size in conn.execute(_sums(volumes).where(here)):
        share = found.setdefault(project_id, Share())
        share.volumes, share.volumes_gb = int(count), int(size)
    query = (
        _sums(volume_snapshots)
        .join(volumes, volumes.c.id == volume_snapshots.c.volume_id)
        .where(here, volume_snapshots.c.deleted_at.is_(None))
    )
    for project_id, count, size in conn.execute(query):
        share = found.setdefault(project_id, Share())
        share.snapshots, share.snapshots_gb = int(count), int(size)
    return dict(sorted(found.items()))


def _sums(table: sa.Table) -> sa.Select[tuple[object, ...]]:
    size = sa.func.coalesce(sa.func.sum(table.c.size_gb), 0)
    return (
        sa.select(table.c.project_id, sa.func.count(), size)
        .select_from(table)
        .group_by(table.c.project_id)
    )
