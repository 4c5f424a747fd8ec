"""POST /servers/{id}/action: one row an action."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.compute.servers import schemas
from mycloud.api.routing import ANY_QUERY, Handler, Route
from mycloud.api.versions import Version
from mycloud.compute.requests import console, listing, lock, power, reset, snapshot

_IMAGE_ID = Version(2, 45)


def start(request: wsgi.Request) -> None:
    server = listing.get(request.context, request.args["server_id"])
    request.note_operation(power.start(request.context, server, key=request.idempotency_key))


def stop(request: wsgi.Request) -> None:
    server = listing.get(request.context, request.args["server_id"])
    request.note_operation(power.stop(request.context, server, key=request.idempotency_key))


def reboot(request: wsgi.Request) -> None:
    server = listing.get(request.context, request.args["server_id"])
    hard = request.json_body["reboot"]["type"].upper() == "HARD"
    request.note_operation(
        power.reboot(request.context, server, hard=hard, key=request.idempotency_key)
    )


def create_image(request: wsgi.Request) -> Any:
    server = listing.get(request.context, request.args["server_id"])
    wanted = request.json_body["createImage"]
    made = snapshot.create_image(
        request.context, server, wanted["name"], wanted.get("metadata", {}),
        key=request.idempotency_key,
    )
    request.note_operation(made.operation_id)
    if request.version >= _IMAGE_ID:
        return {"image_id": made.image_id}
    request.out_headers["Location"] = f"{request.host_url}/image/v2/images/{made.image_id}"
    return None


def lock_server(request: wsgi.Request) -> None:
    request.note_operation(lock.lock(request.context, request.args["server_id"]))


def unlock_server(request: wsgi.Request) -> None:
    request.note_operation(lock.unlock(request.context, request.args["server_id"]))


def console_output(request: wsgi.Request) -> Any:
    server = listing.get(request.context, request.args["server_id"])
    length = request.json_body["os-getConsoleOutput"].get("length")
    return {"output": console.output(request.context, server, length)}


def reset_state(request: wsgi.Request) -> None:
    state = request.json_body["os-resetState"]["state"]
    request.note_operation(reset.reset(request.context, request.args["server_id"], state))


def _action(
    name: str, handler: Handler, rule: str, inner: dict[str, Any], status: int = 202
) -> Route:
    return Route(
        "POST",
        "/servers/{server_id}/action",
        handler,
        f"compute:servers:{rule}",
        body=schemas.action(name, inner),
        query=ANY_QUERY,
        status=status,
        action=name,
    )


ROWS = [
    _action("os-start", start, "start", schemas.NOTHING),
    _action("os-stop", stop, "stop", schemas.NOTHING),
    _action("reboot", reboot, "reboot", schemas.REBOOT),
    _action("createImage", create_image, "create_image", schemas.CREATE_IMAGE),
    _action("lock", lock_server, "lock", schemas.NOTHING),
    _action("unlock", unlock_server, "unlock", schemas.NOTHING),
    _action(
        "os-getConsoleOutput", console_output, "console_log", schemas.CONSOLE, status=200
    ),
    _action("os-resetState", reset_state, "reset_state", schemas.RESET_STATE),
]
