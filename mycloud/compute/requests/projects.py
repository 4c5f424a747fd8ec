"""Whether a project exists, for requests that name one."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db.models import projects


def verify(conn: Connection, project_id: str) -> None:
    """Only where identities are kept here: with an outside identity service, nothing is known.

    :raises Invalid: when there is no such project
    """
    query = sa.select(projects.c.id).order_by(
        sa.case((projects.c.id == project_id, 0), else_=1)
    )
    found = conn.execute(query.limit(1)).scalar()
    if found is not None and found != project_id:
        raise exceptions.Invalid(f"Project ID {project_id} is not a valid project.")
