"""/v2/images: images without their data."""

import datetime
from typing import Any
from urllib.parse import urlencode

from mycloud.api import schema, wsgi
from mycloud.api.image import documents, filters
from mycloud.api.routing import ANY_QUERY, NO_BODY, Route
from mycloud.common import exceptions
from mycloud.db import engine, image_list, images
from mycloud.image import access, patches, registration

_PATCH_TYPES = (
    "application/openstack-images-v2.1-json-patch",
    "application/openstack-images-v2.0-json-patch",
)


def time_view(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def view(image: images.Image) -> dict[str, Any]:
    """An image as the API shows it."""
    path = f"{documents.ROOT}/images/{image['id']}"
    return {
        **image["properties"],
        "id": image["id"],
        "name": image["name"],
        "status": image["status"],
        "visibility": image["visibility"],
        "protected": image["protected"],
        "os_hidden": image["hidden"],
        "owner": image["owner"],
        "disk_format": image["disk_format"],
        "container_format": image["container_format"],
        "size": image["size"],
        "virtual_size": image["virtual_size"],
        "checksum": image["checksum"],
        "os_hash_algo": image["hash_algo"],
        "os_hash_value": image["hash_value"],
        "min_disk": image["min_disk"],
        "min_ram": image["min_ram"],
        "tags": image["tags"],
        "created_at": time_view(image["created_at"]),
        "updated_at": time_view(image["updated_at"]),
        "self": path,
        "file": f"{path}/file",
        "schema": f"{documents.ROOT}/schemas/image",
    }


def index(request: wsgi.Request) -> Any:
    wanted, limit = filters.wanted(request.query), filters.limit(request.query)
    with engine.reader() as conn:
        # one more than asked for tells whether there is a next page
        found = image_list.page(conn, access.viewer(request.context), wanted, limit + 1)
    shown = found[:limit]
    answer: dict[str, Any] = {
        "images": [view(image) for image in shown],
        "first": _page_path(request, None),
        "schema": f"{documents.ROOT}/schemas/images",
    }
    if shown and len(found) > limit:
        answer["next"] = _page_path(request, shown[-1]["id"])
    return answer


def _page_path(request: wsgi.Request, marker: str | None) -> str:
    query = [(name, value) for name, value in request.GET.items() if name != "marker"]
    if marker is not None:
        query.append(("marker", marker))
    return f"{documents.ROOT}/images" + (f"?{urlencode(query)}" if query else "")


def show(request: wsgi.Request) -> Any:
    with engine.reader() as conn:
        return view(access.load(conn, request.context, request.args["id"]))


def create(request: wsgi.Request) -> Any:
    image = registration.create(request.context, request.json_body)
    shown = view(image)
    return wsgi.json_response(shown, 201, Location=f"{request.service_url}/images/{image['id']}")


def update(request: wsgi.Request) -> Any:
    if request.content_type not in _PATCH_TYPES:
        raise exceptions.UnsupportedMediaType(
            given=request.content_type[:100] or "none", wanted=" or ".join(_PATCH_TYPES)
        )
    operations = patches.parse(
        request.json_body,
        keyed=request.content_type == _PATCH_TYPES[1],
        check=lambda name, value: schema.check(
            {name: value}, documents.ATTRIBUTE, where="the patch"
        ),
    )
    return view(registration.change(request.context, request.args["id"], operations))


def delete(request: wsgi.Request) -> None:
    registration.delete(request.context, request.args["id"])


def deactivate(request: wsgi.Request) -> None:
    registration.set_active(request.context, request.args["id"], False)


def reactivate(request: wsgi.Request) -> None:
    registration.set_active(request.context, request.args["id"], True)


def add_tag(request: wsgi.Request) -> None:
    registration.set_tag(request.context, request.args["id"], request.args["tag"])


def remove_tag(request: wsgi.Request) -> None:
    registration.drop_tag(request.context, request.args["id"], request.args["tag"])


ROWS = [
    Route("GET", "/images", index, "image:images:list", query=filters.QUERY),
    Route(
        "POST", "/images", create, "image:images:create",
        body=documents.CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", "/images/{id}", show, "image:images:show", query=ANY_QUERY),
    Route(
        "PATCH", "/images/{id}", update, "image:images:update",
        body=documents.PATCH, query=ANY_QUERY,
    ),
    Route("DELETE", "/images/{id}", delete, "image:images:delete", query=ANY_QUERY, status=204),
    Route(
        "POST", "/images/{id}/actions/deactivate", deactivate, "image:images:deactivate",
        body=NO_BODY, query=ANY_QUERY, status=204,
    ),
    Route(
        "POST", "/images/{id}/actions/reactivate", reactivate, "image:images:reactivate",
        body=NO_BODY, query=ANY_QUERY, status=204,
    ),
    Route(
        "PUT", "/images/{id}/tags/{tag}", add_tag, "image:tags:create",
        body=NO_BODY, query=ANY_QUERY, status=204,
    ),
    Route(
        "DELETE", "/images/{id}/tags/{tag}", remove_tag, "image:tags:delete",
        query=ANY_QUERY, status=204,
    ),
]
