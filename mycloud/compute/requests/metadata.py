"""A server's metadata: read, merged, replaced, within the quota."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import listing, quotas, submit
from mycloud.db import engine, server_list, servers

Metadata = dict[str, str]


def merge(context: RequestContext, server_id: str, items: Metadata) -> Metadata:
    """Add the items, over those of the same name; returns all there are then.

    :raises ServerNotFound: :raises ServerLocked: :raises QuotaExceeded:
    """
    return _change(context, server_id, lambda before: {**before, **items})


def replace(context: RequestContext, server_id: str, items: Metadata) -> Metadata:
    """Leave nothing but the items; returns them. Errors: see merge."""
    return _change(context, server_id, lambda before: items)


def remove(context: RequestContext, server_id: str, key: str) -> None:
    """:raises ServerNotFound: :raises ServerLocked: :raises ServerMetadataNotFound:"""

    def without(before: Metadata) -> Metadata:
        if key not in before:
            raise exceptions.ServerMetadataNotFound(key=key, server_id=server_id)
        return {name: value for name, value in before.items() if name != key}

    _change(context, server_id, without)


@engine.retried
def _change(
    context: RequestContext, server_id: str, change: Callable[[Metadata], Metadata]
) -> Metadata:
    with engine.writer() as conn:
        server = server_list.hold(conn, server_id, project_id=listing.project_of(context))
        submit.check_lock(context, server)
        before: Metadata = server["metadata"]
        after = change(before)
        if len(after) > len(before):
            check_count(conn, server["project_id"], after)
        if after != before:
            values: dict[str, Any] = {"metadata": after, "updated_at": clock.now()}
            servers.update(conn, server_id, values)
        return after


def check_count(conn: Connection, project_id: str | None, items: Metadata) -> None:
    """:raises QuotaExceeded: when one server may not have that many items"""
    limit = quotas.limits(conn, project_id)["metadata_items"]
    if limit != quotas.UNLIMITED and len(items) > limit:
        raise exceptions.QuotaExceeded(
            resource="metadata_items", requested=len(items), used=0, limit=limit
        )
