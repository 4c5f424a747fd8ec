"""Images as the compute API shows them, up to 2.35; the image API is the place for more."""

import datetime
from typing import Any

from oslo_utils import timeutils

from mycloud.api import paging, wsgi
from mycloud.api.compute import links
from mycloud.api.routing import NO_QUERY, Route
from mycloud.common import exceptions, states
from mycloud.db import engine, image_list
from mycloud.db.image_list import Wanted
from mycloud.db.images import Image
from mycloud.image import access, registration

_TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
_LIST_QUERY = {
    "type": "object",
    "properties": {
        "limit": paging.LIMIT,
        "marker": paging.MARKER,
        "name": _TEXT,
        "status": _TEXT,
        "server": {"type": "string", "minLength": 1, "maxLength": 1024},
        "type": _TEXT,
        "changes-since": _TEXT,
        "minRam": {"type": "string", "format": "int32"},
        "minDisk": {"type": "string", "format": "int32"},
    },
    "additionalProperties": {"type": "string", "maxLength": 1024},
}

#: The properties of an image that was made of a server.
_OF_SERVER, _OF_TYPE = "instance_uuid", "image_type"
_PROPERTY = "property-"


def brief(request: wsgi.Request, image: Image) -> dict[str, Any]:
    alternate = {
        "rel": "alternate",
        "type": "application/vnd.openstack.image",
        "href": f"{request.host_url}/image/v2/images/{image['id']}",
    }
    return {
        "id": image["id"],
        "name": image["name"],
        "links": [*links.of(request, "images", image["id"]), alternate],
    }


def view(request: wsgi.Request, image: Image) -> dict[str, Any]:
    """minRam in MiB, minDisk in GiB, the size in bytes."""
    status, progress = states.IMAGE_STATUS[states.Image(image["status"])]
    shown = {
        **brief(request, image),
        "status": status,
        "progress": progress,
        "minRam": image["min_ram"],
        "minDisk": image["min_disk"],
        "created": _time(image["created_at"]),
        "updated": _time(image["updated_at"] or image["created_at"]),
        "metadata": metadata_of(image),
        "OS-EXT-IMG-SIZE:size": image["size"] or 0,
    }
    server_id = image["properties"].get(_OF_SERVER)
    if server_id:
        shown["server"] = {"id": server_id, "links": links.of(request, "servers", server_id)}
    return shown


def metadata_of(image: Image) -> dict[str, str]:
    """An image's properties, as the compute API calls them."""
    return {name: value for name, value in image["properties"].items() if value is not None}


def _time(value: datetime.datetime) -> str:
    return value.isoformat(timespec="seconds") + "Z"


def _wanted(query: dict[str, str]) -> Wanted:
    wanted = Wanted(order=[("created_at", False)], marker=query.get("marker"))
    if "name" in query:
        wanted.equal["name"] = [query["name"]]
    if "status" in query:
        wanted.equal["status"] = [
            state
            for state, (status, _) in states.IMAGE_STATUS.items()
            if status == query["status"].upper()
        ]
    for key, column in (("minRam", "min_ram"), ("minDisk", "min_disk")):
        if key in query:
            wanted.equal[column] = [int(query[key])]
    if "changes-since" in query:
        wanted.times.append(("updated_at", "gte", _moment(query["changes-since"])))
    if "server" in query:
        # an id, or the URL of a server
        wanted.properties[_OF_SERVER] = query["server"].rstrip("/").rpartition("/")[2]
    if "type" in query:
        wanted.properties[_OF_TYPE] = query["type"]
    for key, value in query.items():
        if key.startswith(_PROPERTY):
            wanted.properties[key.removeprefix(_PROPERTY)] = value
    return wanted


def _moment(text: str) -> datetime.datetime:
    try:
        moment = timeutils.normalize_time(timeutils.parse_isotime(text))
        return moment.replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise exceptions.BadField(field="changes-since", reason=str(error)) from error


def _list(request: wsgi.Request, one: Any) -> dict[str, Any]:
    wanted, limit = _wanted(request.query), paging.limit_of(request)
    with engine.reader() as conn:
        page = image_list.page(conn, access.viewer(request.context), wanted, limit)
    answer = {"images": [one(request, image) for image in page]}
    if page and (more := paging.next_links(request, page, page[-1]["id"])):
        answer["images_links"] = more
    return answer


def index(request: wsgi.Request) -> dict[str, Any]:
    return _list(request, brief)


def detail(request: wsgi.Request) -> dict[str, Any]:
    return _list(request, view)


def show(request: wsgi.Request) -> dict[str, Any]:
    with engine.reader() as conn:
        image = access.load(conn, request.context, request.args["image_id"])
    return {"image": view(request, image)}


def delete(request: wsgi.Request) -> None:
    registration.delete(request.context, request.args["image_id"])


_UNTIL = ("", "2.35")

ROWS = [
    Route(
        "GET", "/images", index, "compute:images:list", query=_LIST_QUERY, versions=_UNTIL
    ),
    Route(
        "GET",
        "/images/detail",
        detail,
        "compute:images:list",
        query=_LIST_QUERY,
        versions=_UNTIL,
    ),
    Route(
        "GET",
        "/images/{image_id}",
        show,
        "compute:images:show",
        query=NO_QUERY,
        versions=_UNTIL,
    ),
    Route(
        "DELETE",
        "/images/{image_id}",
        delete,
        "compute:images:delete",
        query=NO_QUERY,
        status=204,
        versions=_UNTIL,
    ),
]
