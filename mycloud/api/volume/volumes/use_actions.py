"""POST /volumes/{id}/action: the actions by which a host takes a volume and lets it go."""

from collections.abc import Callable
from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import Handler
from mycloud.api.volume.volumes import schemas
from mycloud.api.volume.volumes.actions import action
from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.volume.requests import attachments, legacy


def _plain(request: Callable[[RequestContext, str], None]) -> Handler:
    """The handler of a request that takes nothing but the volume."""

    def handler(asked: wsgi.Request) -> None:
        request(asked.context, asked.args["volume_id"])

    return handler


def attach(request: wsgi.Request) -> None:
    wanted = request.json_body["os-attach"]
    server_id, host = wanted.get("instance_uuid"), wanted.get("host_name")
    if bool(server_id) == bool(host):
        raise exceptions.BadField(
            field="os-attach",
            reason="exactly one of instance_uuid and host_name says who has the volume",
        )
    values = {
        "server_id": server_id,
        "host": host,
        "mountpoint": wanted["mountpoint"],
        "mode": wanted.get("mode") or attachments.READ_WRITE,
    }
    legacy.attach(request.context, request.args["volume_id"], values)


def detach(request: wsgi.Request) -> None:
    wanted = request.json_body["os-detach"] or {}
    legacy.detach(request.context, request.args["volume_id"], wanted.get("attachment_id"))


def force_detach(request: wsgi.Request) -> None:
    wanted = request.json_body["os-force_detach"] or {}
    legacy.detach(
        request.context, request.args["volume_id"], wanted.get("attachment_id"), force=True
    )


def initialize_connection(request: wsgi.Request) -> Any:
    connector = request.json_body["os-initialize_connection"]["connector"]
    info = legacy.initialize_connection(request.context, request.args["volume_id"], connector)
    return {"connection_info": info}


def terminate_connection(request: wsgi.Request) -> None:
    connector = request.json_body["os-terminate_connection"]["connector"]
    legacy.terminate_connection(request.context, request.args["volume_id"], connector)


ROWS = [
    action("os-reserve", _plain(legacy.reserve), "reserve", schemas.NOTHING),
    action("os-unreserve", _plain(legacy.unreserve), "reserve", schemas.NOTHING),
    action("os-begin_detaching", _plain(legacy.begin_detaching), "detach", schemas.NOTHING),
    action("os-roll_detaching", _plain(legacy.roll_detaching), "detach", schemas.NOTHING),
    action("os-attach", attach, "attach", schemas.ATTACH),
    action("os-detach", detach, "detach", schemas.DETACH),
    action("os-force_detach", force_detach, "force_detach", schemas.FORCE_DETACH),
    action(
        "os-initialize_connection", initialize_connection, "connect", schemas.INITIALIZE,
        status=200,
    ),
    action("os-terminate_connection", terminate_connection, "connect", schemas.TERMINATE),
]
