"""Creating and deleting server groups."""

from typing import Any

from mycloud.common.context import RequestContext
from mycloud.compute.requests import quotas
from mycloud.db import engine, server_groups
from mycloud.db.server_groups import Row


@engine.retried
def create(context: RequestContext, name: str, policy: str, rules: dict[str, Any]) -> Row:
    """:raises QuotaExceeded:"""
    values = {
        "project_id": context.project_id,
        "user_id": context.user_id,
        "name": name,
        "policy": policy,
        "rules": rules,
    }
    with engine.writer() as conn:
        quotas.check_server_groups(conn, str(context.project_id))
        return server_groups.insert(conn, values)


@engine.retried
def delete(group_id: str, *, project_id: str | None) -> None:
    """The members stay, in no group. ``project_id``: None for an administrator.

    :raises ServerGroupNotFound:
    """
    with engine.writer() as conn:
        server_groups.get(conn, group_id, project_id=project_id)
        server_groups.delete(conn, group_id)
