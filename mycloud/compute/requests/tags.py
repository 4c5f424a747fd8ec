"""A server's tags. The column holds ",a,b,", so that a filter is one comparison."""

from collections.abc import Callable

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import listing
from mycloud.db import engine, server_list, servers

MAX_TAGS = 50


def unpacked(text: str) -> list[str]:
    """The tags of a server's column."""
    return text.strip(",").split(",") if text else []


def packed(tags: list[str]) -> str:
    """The column of these tags, without doubles."""
    return f",{','.join(dict.fromkeys(tags))}," if tags else ""


def replace(context: RequestContext, server_id: str, tags: list[str]) -> list[str]:
    """Leave nothing but these tags; returns them. :raises ServerNotFound:"""
    _, after = _change(context, server_id, lambda before: tags)
    return after


def add(context: RequestContext, server_id: str, tag: str) -> bool:
    """Whether the tag is new. :raises ServerNotFound: :raises BadField: one too many"""

    def with_it(before: list[str]) -> list[str]:
        if tag in before:
            return before
        if len(before) >= MAX_TAGS:
            raise exceptions.BadField(
                field="tag", reason=f"the number of tags exceeds the limit of {MAX_TAGS}"
            )
        return [*before, tag]

    before, _ = _change(context, server_id, with_it)
    return tag not in before


def remove(context: RequestContext, server_id: str, tag: str) -> None:
    """:raises ServerNotFound: :raises ServerTagNotFound:"""

    def without(before: list[str]) -> list[str]:
        if tag not in before:
            raise exceptions.ServerTagNotFound(tag=tag, server_id=server_id)
        return [other for other in before if other != tag]

    _change(context, server_id, without)


@engine.retried
def _change(
    context: RequestContext, server_id: str, change: Callable[[list[str]], list[str]]
) -> tuple[list[str], list[str]]:
    with engine.writer() as conn:
        server = server_list.hold(conn, server_id, project_id=listing.project_of(context))
        before = unpacked(server["tags"])
        column = packed(change(before))
        if column != server["tags"]:
            servers.update(conn, server_id, {"tags": column, "updated_at": clock.now()})
        return before, unpacked(column)
