"""The log levels of services, read and set while they run."""

from typing import Any

from oslo_config import cfg

from mycloud.api import wsgi
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.volume import programs
from mycloud.common import exceptions, log_levels
from mycloud.volume.requests import logs, services

_ANY = ("", "*")
_BINARIES = (programs.API, programs.SCHEDULER, programs.VOLUME)
_TEXT = {"type": ["string", "null"], "maxLength": 255, "format": "printable"}
_WHICH = {
    "binary": {"enum": [None, *_ANY, *(programs.shown(name) for name in _BINARIES)]},
    "server": _TEXT,
    "prefix": _TEXT,
}
_GET_BODY = {"type": "object", "properties": _WHICH, "additionalProperties": False}
_SET_BODY = {
    **_GET_BODY,
    # of any case; the word is checked below
    "properties": {**_WHICH, "level": {"type": "string", "maxLength": 16}},
    "required": ["level"],
}
_FIRST = ("3.32", "")


def _wanted(request: wsgi.Request) -> list[tuple[str, str]]:
    """(binary, host) of the services that the body means."""
    asked = request.json_body
    binary, server = asked.get("binary") or "", asked.get("server") or ""
    found = [
        (row["binary"], row["host"])
        for row in services.listed(
            programs.SHOWN,
            host=None if server in _ANY else server,
            binary=None if binary in _ANY else programs.meant(binary),
        )
    ]
    here = cfg.CONF.host
    if binary in (*_ANY, programs.shown(programs.API)) and server in (*_ANY, here):
        # of the API, this process
        found.append((programs.API, here))
    return found


def get_log(request: wsgi.Request) -> dict[str, Any]:
    prefix = request.json_body.get("prefix") or ""
    return {
        "log_levels": [
            {
                "binary": programs.shown(binary),
                "host": host,
                "levels": logs.get(request.context, (binary, host), prefix),
            }
            for binary, host in _wanted(request)
        ]
    }


def set_log(request: wsgi.Request) -> None:
    prefix = request.json_body.get("prefix") or ""
    level = request.json_body["level"].upper()
    if level not in log_levels.LEVELS:
        raise exceptions.BadField(
            field="level", reason=f"choose among {', '.join(log_levels.LEVELS)}"
        )
    log_levels.check(prefix)
    for service in _wanted(request):
        logs.put(request.context, service, prefix, level)


ROWS = [
    Route(
        "PUT",
        "/os-services/get-log",
        get_log,
        "volume:services:log_levels",
        body=_GET_BODY,
        query=NO_QUERY,
        versions=_FIRST,
    ),
    Route(
        "PUT",
        "/os-services/set-log",
        set_log,
        "volume:services:log_levels",
        body=_SET_BODY,
        query=NO_QUERY,
        status=202,
        versions=_FIRST,
    ),
]
