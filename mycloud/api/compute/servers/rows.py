"""Routes and handlers of servers; their actions have a module of their own."""

from typing import Any
from urllib.parse import urlencode

from mycloud.api import paging, wsgi
from mycloud.api.compute.servers import asked, devices, schemas, views
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.compute.requests import create as create_request
from mycloud.compute.requests import delete as delete_request
from mycloud.compute.requests import listing
from mycloud.compute.requests import update as update_request


def _page(request: wsgi.Request, *, detail: bool) -> dict[str, Any]:
    view = views.View(request)
    limit = paging.limit_of(request)
    wanted = listing.wanted(
        request.context,
        request.query,
        tags=request.version >= views.V26,
        # one more, to know whether there is a next page
        limit=limit + 1 if limit else 0,
    )
    chosen = view.chosen() if detail else view.chosen_brief()
    found = listing.page(request.context, chosen, wanted)
    show = view.detail if detail else view.brief
    if detail:
        view.look_up([row.id for row in found[:limit]])
    answer: dict[str, Any] = {"servers": [show(row) for row in found[:limit]]}
    if len(found) > limit > 0:
        answer["servers_links"] = [{"rel": "next", "href": _next(request, found[limit - 1].id)}]
    return answer


def _next(request: wsgi.Request, marker: str) -> str:
    items = [(name, value) for name, value in request.GET.items() if name != "marker"]
    return f"{request.path_url}?{urlencode([*items, ('marker', marker)])}"


def list_brief(request: wsgi.Request) -> Any:
    return _page(request, detail=False)


def list_detail(request: wsgi.Request) -> Any:
    return _page(request, detail=True)


def show(request: wsgi.Request) -> Any:
    view = views.View(request)
    row = listing.show(request.context, request.args["server_id"], view.chosen())
    view.look_up([row.id])
    return {"server": view.detail(row)}


def create(request: wsgi.Request) -> Any:
    body = request.json_body
    spec = asked.spec(
        request.context, body, multiattach=request.version >= views.V60
    )
    created = create_request.create(request.context, spec, key=request.idempotency_key)
    first = created.servers[0]
    request.note_operation(created.operation_ids[0])
    if devices.flag(body["server"].get("return_reservation_id")):
        return {"reservation_id": created.reservation_id}
    links = views.links(request, first["id"])
    request.out_headers["Location"] = links[0]["href"]
    groups = body["server"].get("security_groups") or [{"name": "default"}]
    found = {
        "id": first["id"],
        "links": links,
        "OS-DCF:diskConfig": first["disk_config"],
        "security_groups": [{"name": group.get("name", "default")} for group in groups],
    }
    if created.admin_pass:
        found["adminPass"] = created.admin_pass
    return {"server": found}


def update(request: wsgi.Request) -> Any:
    server_id = request.args["server_id"]
    update_request.update(
        request.context, server_id, asked.changes(request.json_body["server"])
    )
    view = views.View(request)
    return {"server": view.base(listing.show(request.context, server_id, view.chosen()))}


def delete(request: wsgi.Request) -> None:
    server = listing.get(request.context, request.args["server_id"])
    request.note_operation(delete_request.delete(request.context, server))


ROWS = [
    Route("GET", "/servers", list_brief, "compute:servers:list", query=schemas.LIST_QUERY),
    Route(
        "GET", "/servers/detail", list_detail, "compute:servers:list", query=schemas.LIST_QUERY
    ),
    Route(
        "POST",
        "/servers",
        create,
        "compute:servers:create",
        body=schemas.CREATE,
        query=ANY_QUERY,
        status=202,
    ),
    Route("GET", "/servers/{server_id}", show, "compute:servers:show", query=ANY_QUERY),
    Route(
        "PUT",
        "/servers/{server_id}",
        update,
        "compute:servers:update",
        body=schemas.UPDATE,
        query=ANY_QUERY,
    ),
    Route(
        "DELETE",
        "/servers/{server_id}",
        delete,
        "compute:servers:delete",
        query=ANY_QUERY,
        status=204,
    ),
]
