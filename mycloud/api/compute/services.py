"""Services: the programs of the cloud, and whether they get work."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.compute import legacy_ids, programs
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.common import clock, exceptions
from mycloud.compute.requests import services
from mycloud.db import engine
from mycloud.db import services as db_services
from mycloud.db.services import Row

_FORCED_DOWN = Version(2, 11)
_UUIDS = Version(2, 53)

_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "printable"}
_REASON = {**_NAME, "format": "name"}
_LIST_QUERY = {
    "type": "object",
    "properties": {name: {"type": "string", "maxLength": 255} for name in ("host", "binary")},
    "additionalProperties": True,
}


def _body(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_WHICH = ("host", "binary")
_SWITCH_BODY = _body(_WHICH, host=_NAME, binary=_NAME)
_LOG_REASON_BODY = _body(
    (*_WHICH, "disabled_reason"), host=_NAME, binary=_NAME, disabled_reason=_REASON
)
_FORCE_DOWN_BODY = _body(
    _WHICH, host=_NAME, binary=_NAME, forced_down={"enum": [True, False, "True", "False"]}
)
_UPDATE_BODY = _body(
    (),
    status={"enum": ["enabled", "disabled"]},
    disabled_reason=_REASON,
    forced_down={"type": "boolean"},
)


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    legacy = request.version < _UUIDS
    seen = row["last_seen_at"]
    shown = {
        "id": legacy_ids.number_of(row["id"]) if legacy else row["id"],
        "binary": programs.shown(row["binary"]),
        "host": row["host"],
        "zone": services.zone_of(row),
        "status": _status(row),
        "state": "up" if services.is_up(row, clock.now()) else "down",
        "updated_at": None if seen is None else seen.isoformat(timespec="microseconds"),
        "disabled_reason": row["disabled_reason"],
    }
    if request.version >= _FORCED_DOWN:
        shown["forced_down"] = row["forced_down"]
    return shown


def _status(row: Row) -> str:
    return "disabled" if row["disabled"] else "enabled"


def _find(host: str, binary: str) -> Row:
    """:raises ServiceNotFound:"""
    with engine.reader() as conn:
        found = db_services.every(conn, host=host, binary=programs.meant(binary))
    if not found:
        raise exceptions.NotFound(f"Could not find binary {binary} on host {host}.")
    return found[0]


def _id(request: wsgi.Request) -> str:
    """The id of the service that the path names, by its number before 2.53.

    :raises ServiceNotFound:
    """
    given = request.args["service_id"]
    if request.version >= _UUIDS:
        return given
    with engine.reader() as conn:
        row = legacy_ids.find(db_services.every(conn), given)
    if row is None:
        raise exceptions.ServiceNotFound(service_id=given)
    return str(row["id"])


def index(request: wsgi.Request) -> dict[str, Any]:
    host, binary = request.query.get("host"), request.query.get("binary")
    with engine.reader() as conn:
        found = db_services.every(
            conn, host=host or None, binary=programs.meant(binary) if binary else None
        )
    return {"services": [view(request, row) for row in programs.of_compute(found)]}


def _switch(request: wsgi.Request, **changes: Any) -> dict[str, Any]:
    """Change the service that the body names; returns what the early versions show of it."""
    wanted = request.json_body
    services.update(_find(wanted["host"], wanted["binary"])["id"], changes)
    return {"host": wanted["host"], "binary": wanted["binary"]}


def enable(request: wsgi.Request) -> dict[str, Any]:
    shown = _switch(request, disabled=False, disabled_reason=None)
    return {"service": {**shown, "status": "enabled"}}


def disable(request: wsgi.Request) -> dict[str, Any]:
    shown = _switch(request, disabled=True, disabled_reason=None)
    return {"service": {**shown, "status": "disabled"}}


def disable_log_reason(request: wsgi.Request) -> dict[str, Any]:
    reason = request.json_body["disabled_reason"]
    shown = _switch(request, disabled=True, disabled_reason=reason)
    return {"service": {**shown, "status": "disabled", "disabled_reason": reason}}


def force_down(request: wsgi.Request) -> dict[str, Any]:
    forced = request.json_body.get("forced_down", True) in (True, "True")
    shown = _switch(request, forced_down=forced)
    return {"service": {**shown, "forced_down": forced}}


def update(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body
    row = services.update(request.args["service_id"], _changes(wanted))
    return {"service": view(request, row)}


def _changes(wanted: dict[str, Any]) -> dict[str, Any]:
    status, reason = wanted.get("status"), wanted.get("disabled_reason")
    if status is None and "forced_down" not in wanted:
        raise exceptions.Invalid(
            "No updates were requested. Fields 'status' or 'forced_down' should be specified."
        )
    if reason is not None and status != "disabled":
        raise exceptions.Invalid(
            "'disabled_reason' may only be given together with status 'disabled'."
        )
    changes = {}
    if status is not None:
        changes = {"disabled": status == "disabled", "disabled_reason": reason}
    if "forced_down" in wanted:
        changes["forced_down"] = wanted["forced_down"]
    return changes


def delete(request: wsgi.Request) -> None:
    services.delete(_id(request))


def _switch_row(name: str, handler: Any, body: dict[str, Any], first: str = "") -> Route:
    return Route(
        "PUT",
        f"/os-services/{name}",
        handler,
        "compute:services:update",
        body=body,
        query=NO_QUERY,
        versions=(first, "2.52"),
    )


ROWS = [
    Route("GET", "/os-services", index, "compute:services:list", query=_LIST_QUERY),
    _switch_row("enable", enable, _SWITCH_BODY),
    _switch_row("disable", disable, _SWITCH_BODY),
    _switch_row("disable-log-reason", disable_log_reason, _LOG_REASON_BODY),
    _switch_row("force-down", force_down, _FORCE_DOWN_BODY, "2.11"),
    Route(
        "PUT",
        "/os-services/{service_id}",
        update,
        "compute:services:update",
        body=_UPDATE_BODY,
        query=NO_QUERY,
        versions=("2.53", ""),
    ),
    Route(
        "DELETE",
        "/os-services/{service_id}",
        delete,
        "compute:services:delete",
        query=NO_QUERY,
        status=204,
    ),
]
