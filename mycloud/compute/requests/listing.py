"""Which servers a caller asked for: from the query of GET /servers to a page."""

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

from oslo_utils import strutils, timeutils

from mycloud.common import exceptions, patterns, policy, states
from mycloud.common.context import RequestContext
from mycloud.db import engine, server_list, servers
from mycloud.db.server_list import Wanted

#: The columns that a view selects; see mycloud.db.server_list.
columns = server_list.columns

_ALL_PROJECTS = "compute:servers:all_projects"

#: What the API calls a column in a filter or a sort key, if it calls it otherwise.
SORT_KEYS = {
    "auto_disk_config": "disk_config",
    "display_description": "description",
    "display_name": "name",
    "image_ref": "image_id",
    "instance_type_id": "flavor_id",
    "uuid": "id",
    **{
        name: name
        for name in (
            "access_ip_v4", "access_ip_v6", "availability_zone", "config_drive", "created_at",
            "host", "hostname", "key_name", "launch_index", "launched_at", "locked_by", "node",
            "power_state", "progress", "project_id", "task_state", "terminated_at",
            "updated_at", "user_id", "vm_state",
        )
    },
}
_OPERATORS_SORT_KEYS = frozenset({"host", "node"})


def project_of(context: RequestContext) -> str | None:
    """The project whose servers a caller may reach; None: those of every project."""
    if policy.allowed(context, _ALL_PROJECTS):
        return None
    return context.project_id or ""


def get(context: RequestContext, server_id: str) -> Mapping[str, Any]:
    """A live server that the caller may reach.

    :raises ServerNotFound: also for another project's server
    """
    with engine.reader() as conn:
        return servers.get(conn, server_id, project_id=project_of(context))


def show(context: RequestContext, server_id: str, chosen: tuple[Any, ...]) -> Any:
    """The chosen columns of a live server that the caller may reach.

    :raises ServerNotFound: also for another project's server
    """
    with engine.reader() as conn:
        return server_list.get(conn, chosen, server_id, project_id=project_of(context))


def page(context: RequestContext, chosen: tuple[Any, ...], wanted: Wanted) -> list[Any]:
    """:raises UnknownMarker:"""
    with engine.reader() as conn:
        return server_list.page(conn, chosen, wanted)


def wanted(
    context: RequestContext, query: Mapping[str, Any], *, tags: bool, limit: int
) -> Wanted:
    """The page that a query asks for.

    ``query``: one text a key; lists for status, vm_state, sort_key and sort_dir. ``tags``: the
    tag filters are known in this microversion. Filters that are not for the caller are ignored,
    as compute's API has it.

    :raises BadField: names the filter that makes no sense
    :raises Forbidden: for lists that only operators may ask for
    """
    found = Wanted(limit=limit, marker=query.get("marker"))
    operator = policy.allowed(context, "compute:servers:filter_all")
    _scope(context, query, found, operator=operator)
    _common_filters(query, found, operator=operator)
    if tags:
        found.tags = _tags(query, "tags")
        found.tags_any = _tags(query, "tags-any")
        found.not_tags = _tags(query, "not-tags")
        found.not_tags_any = _tags(query, "not-tags-any")
    if operator:
        _operators_filters(query, found)
    found.sort = _sort(context, query)
    return found


def flag(text: str, field: str) -> bool:
    """:raises BadField: for what is neither a yes nor a no"""
    try:
        value: bool = strutils.bool_from_string(text, strict=True)
    except ValueError as error:
        raise exceptions.BadField(field=field, reason=f"Value: {text[:50]!r}. It must be true "
                                  "or false.") from error
    return value


def moment(text: str, field: str) -> datetime.datetime:
    """A time in UTC.

    :raises BadField: for what is no time of ISO 8601
    """
    try:
        parsed = timeutils.parse_isotime(text)
        return timeutils.normalize_time(parsed)
    except (ValueError, OverflowError) as error:
        raise exceptions.BadField(
            field=field, reason=f"Value: {text[:50]!r}. It must be a time as in "
            "2026-01-31T12:00:00Z."
        ) from error


# -- whose -------------------------------------------------------------------------------------


def _scope(
    context: RequestContext, query: Mapping[str, Any], found: Wanted, *, operator: bool
) -> None:
    asked = query.get("all_tenants")
    # a bare ?all_tenants means yes
    everyone = asked is not None and (asked == "" or flag(asked, "all_tenants"))
    if everyone:
        if not policy.allowed(context, "compute:servers:list_all"):
            raise exceptions.Forbidden(action="compute:servers:list_all")
        found.project_id = query.get("project_id") or query.get("tenant_id")
    else:
        # without all_tenants a project filter says nothing, as in compute's API
        found.project_id = context.project_id or ""
    changed = query.get("changes-since")
    if changed is not None:
        found.changed_since = moment(changed, "changes-since")
        # what is gone has changed too
        found.deleted = None
    if operator and "deleted" in query:
        found.deleted = flag(query["deleted"] or "true", "deleted")


# -- filters for everybody ---------------------------------------------------------------------


def _common_filters(query: Mapping[str, Any], found: Wanted, *, operator: bool) -> None:
    if query.get("name"):
        _pattern(query["name"], "name", found, "name")
    if query.get("image"):
        found.same["image_id"] = query["image"]
    if query.get("flavor"):
        found.same["flavor_id"] = query["flavor"]
    if query.get("reservation_id"):
        found.same["reservation_id"] = query["reservation_id"]
    for name in ("ip", "ip6"):
        if query.get(name):
            patterns.check(query[name], name)
            # there is no network service: no server has an address
            found.impossible = True
    statuses = [status for status in query.get("status", []) if status]
    if statuses:
        found.statuses = statuses
        _deleted_status(statuses, found, operator=operator)


def _deleted_status(statuses: list[str], found: Wanted, *, operator: bool) -> None:
    """status=deleted alone asks for what is gone; that is for operators."""
    gone = states.SERVER_STATUS[states.Vm.DELETED]
    if {status.upper() for status in statuses} == {gone}:
        if not operator:
            raise exceptions.Forbidden(action="listing deleted servers")
        found.deleted = True


def _pattern(text: str, field: str, found: Wanted, column: str) -> None:
    patterns.check(text, field)
    found.matching[column] = text


def _tags(query: Mapping[str, Any], name: str) -> list[str]:
    text = query.get(name)
    return [tag for tag in text.split(",") if tag] if text else []


# -- filters for operators ---------------------------------------------------------------------


def _texts(column: str) -> Callable[[str, str, Wanted], None]:
    def apply(text: str, field: str, found: Wanted) -> None:
        found.same[column] = text

    return apply


def _matched(column: str) -> Callable[[str, str, Wanted], None]:
    def apply(text: str, field: str, found: Wanted) -> None:
        _pattern(text, field, found, column)

    return apply


def _numbers(column: str) -> Callable[[str, str, Wanted], None]:
    def apply(text: str, field: str, found: Wanted) -> None:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise exceptions.BadField(
                field=field, reason=f"Value: {text[:50]!r}. It must be a number."
            )
        found.same[column] = int(text)

    return apply


def _flags(column: str) -> Callable[[str, str, Wanted], None]:
    def apply(text: str, field: str, found: Wanted) -> None:
        found.same[column] = flag(text, field)

    return apply


def _times(column: str) -> Callable[[str, str, Wanted], None]:
    def apply(text: str, field: str, found: Wanted) -> None:
        first = moment(text, field)
        # a time to the second means that whole second
        length = datetime.timedelta(microseconds=1 if first.microsecond else 1000000)
        if first > datetime.datetime.max - length:
            found.impossible = True
            return
        found.within[column] = (first, first + length)

    return apply


_FOR_OPERATORS: dict[str, Callable[[str, str, Wanted], None]] = {
    "access_ip_v4": _texts("access_ip_v4"),
    "access_ip_v6": _texts("access_ip_v6"),
    "availability_zone": _texts("availability_zone"),
    "config_drive": _flags("config_drive"),
    "created_at": _times("created_at"),
    "description": _matched("description"),
    "display_description": _matched("description"),
    "display_name": _matched("name"),
    "host": _texts("host"),
    "hostname": _matched("hostname"),
    "image_ref": _texts("image_id"),
    "key_name": _texts("key_name"),
    "launch_index": _numbers("launch_index"),
    "launched_at": _times("launched_at"),
    "locked_by": _texts("locked_by"),
    "node": _texts("node"),
    "power_state": _numbers("power_state"),
    "progress": _numbers("progress"),
    "task_state": _texts("task_state"),
    "terminated_at": _times("terminated_at"),
    "user_id": _texts("user_id"),
    "uuid": _texts("id"),
}


def _operators_filters(query: Mapping[str, Any], found: Wanted) -> None:
    for name, apply in _FOR_OPERATORS.items():
        if query.get(name):
            apply(query[name], name, found)
    vm_states = [text for text in query.get("vm_state", []) if text]
    if vm_states:
        found.same["vm_state"] = vm_states
    if query.get("metadata"):
        found.metadata = _metadata(query["metadata"])


def _metadata(text: str) -> dict[str, str]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise exceptions.BadField(field="metadata", reason="it is no JSON object") from error
    if not isinstance(parsed, dict) or not all(
        isinstance(value, str)
        and 0 < len(key) < 256
        and all(char.isascii() and (char.isalnum() or char in "-_:. ") for char in key)
        and "\x00" not in value and value.isprintable()
        for key, value in parsed.items()
    ):
        raise exceptions.BadField(
            field="metadata", reason="it must be a JSON object of keys and texts"
        )
    return parsed


# -- order -------------------------------------------------------------------------------------


def _sort(context: RequestContext, query: Mapping[str, Any]) -> list[tuple[str, bool]]:
    keys = query.get("sort_key", [])
    directions = query.get("sort_dir", [])
    if len(directions) > max(len(keys), 1):
        raise exceptions.BadField(
            field="sort_dir", reason="there are more directions than sort keys"
        )
    found: list[tuple[str, bool]] = []
    default = directions[0] if directions else "desc"
    for number, key in enumerate(keys or ["created_at"]):
        if key in _OPERATORS_SORT_KEYS and not policy.allowed(
            context, "compute:servers:filter_all"
        ):
            raise exceptions.Forbidden(action=f"sorting servers by {key}")
        direction = directions[number] if number < len(directions) else default
        column = SORT_KEYS.get(key)
        if column is not None and column not in [name for name, _ in found]:
            found.append((column, direction.lower() == "desc"))
    return found
