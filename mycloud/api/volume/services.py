"""Services: the programs of block storage, and whether they get work."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.api.volume import programs
from mycloud.common import clock
from mycloud.db.services import Row
from mycloud.volume.requests import services

_CLUSTER = Version(3, 7)
_BACKEND_STATE = Version(3, 49)

_HOST = {"type": "string", "minLength": 1, "maxLength": 255, "format": "printable"}
_LIST_QUERY = {
    "type": "object",
    "properties": {
        name: {"type": "string", "maxLength": 255} for name in ("host", "binary", "service")
    },
    "additionalProperties": True,
}


def _body(*required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"host": _HOST, **properties},
        "required": ["host", *required],
        "additionalProperties": False,
    }


#: ``service`` is an older word for ``binary``; one of them is needed.
_WHICH = {"binary": _HOST, "service": _HOST}
_EITHER = {"anyOf": [{"required": ["binary"]}, {"required": ["service"]}]}
_SWITCH_BODY = {**_body(**_WHICH), **_EITHER}
_LOG_REASON_BODY = {
    **_body("disabled_reason", **_WHICH, disabled_reason={**_HOST, "format": "name"}),
    **_EITHER,
}
_HOST_BODY = _body()
_FAILOVER_BODY = _body(
    backend_id={"type": ["string", "null"], "maxLength": 255},
    cluster={"type": ["string", "null"], "maxLength": 255},
)


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    seen = row["last_seen_at"] or row["created_at"]
    trouble = row["trouble"]
    shown = {
        "binary": programs.shown(row["binary"]),
        "host": row["host"],
        "zone": services.zone_of(row),
        "status": "disabled" if row["disabled"] else "enabled",
        "state": "up" if services.is_up(row, clock.now()) else "down",
        "updated_at": seen.isoformat(timespec="microseconds"),
        # one that is up and can't work tells why
        "disabled_reason": row["disabled_reason"] or trouble,
    }
    if request.version >= _CLUSTER:
        shown["cluster"] = None
    if row["binary"] == programs.VOLUME:
        shown |= {
            "replication_status": "disabled",
            "active_backend_id": None,
            "frozen": services.is_frozen(row),
        }
        if request.version >= _BACKEND_STATE:
            shown["backend_state"] = "down" if trouble else "up"
    return shown


def index(request: wsgi.Request) -> dict[str, Any]:
    query = request.query
    binary = query.get("binary") or query.get("service")
    found = services.listed(
        programs.SHOWN,
        host=query.get("host") or None,
        binary=programs.meant(binary) if binary else None,
    )
    return {"services": [view(request, row) for row in found]}


def _switch(request: wsgi.Request, *, disabled: bool) -> dict[str, Any]:
    wanted = request.json_body
    binary = wanted.get("binary") or wanted["service"]
    services.switch(
        wanted["host"],
        programs.meant(binary),
        disabled=disabled,
        reason=wanted.get("disabled_reason"),
    )
    return {
        "host": wanted["host"],
        "service": wanted.get("service", ""),
        "binary": wanted.get("binary", ""),
        "disabled": disabled,
        "status": "disabled" if disabled else "enabled",
    }


def enable(request: wsgi.Request) -> dict[str, Any]:
    return {**_switch(request, disabled=False), "disabled_reason": None}


def disable(request: wsgi.Request) -> dict[str, Any]:
    return _switch(request, disabled=True)


def disable_log_reason(request: wsgi.Request) -> dict[str, Any]:
    reason = request.json_body["disabled_reason"]
    return {**_switch(request, disabled=True), "disabled_reason": reason}


def freeze(request: wsgi.Request) -> None:
    services.freeze(request.json_body["host"])


def thaw(request: wsgi.Request) -> None:
    services.thaw(request.json_body["host"])


def failover(request: wsgi.Request) -> None:
    services.failover(request.json_body["host"])


def _change(name: str, handler: Any, body: dict[str, Any], status: int = 200) -> Route:
    return Route(
        "PUT",
        f"/os-services/{name}",
        handler,
        "volume:services:update",
        body=body,
        query=NO_QUERY,
        status=status,
    )


ROWS = [
    Route("GET", "/os-services", index, "volume:services:list", query=_LIST_QUERY),
    _change("enable", enable, _SWITCH_BODY),
    _change("disable", disable, _SWITCH_BODY),
    _change("disable-log-reason", disable_log_reason, _LOG_REASON_BODY),
    _change("freeze", freeze, _HOST_BODY),
    _change("thaw", thaw, _HOST_BODY),
    _change("failover_host", failover, _FAILOVER_BODY, 202),
]
