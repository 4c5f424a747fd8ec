"""Routes and handlers of volumes."""

from typing import Any

from oslo_utils import strutils

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.api.versions import Version
from mycloud.api.volume import fields, lists
from mycloud.api.volume.volumes import schemas, views
from mycloud.common import policy
from mycloud.db import volume_list
from mycloud.volume.requests import create as create_request
from mycloud.volume.requests import listing
from mycloud.volume.requests import volumes as requests

_SUMMARY_METADATA = Version(3, 36)
_FORCE = Version(3, 23)
_ALL = "volume:volumes:all_projects"


def index(request: wsgi.Request) -> Any:
    view = views.View(request)
    page = listing.volumes(_wanted(request), attached=False, counted=lists.counted(request))
    return lists.answer(request, "volumes", [view.brief(row) for row in page.rows], page.count)


def detail(request: wsgi.Request) -> Any:
    view = views.View(request)
    page = listing.volumes(_wanted(request), attached=True, counted=lists.counted(request))
    shown = [view.detail(row, page.held[row["id"]]) for row in page.rows]
    return lists.answer(request, "volumes", shown, page.count)


def _wanted(request: wsgi.Request) -> lists.Wanted:
    sort = set(volume_list.SORT)
    if not policy.allowed(request.context, "volume:volumes:show_host"):
        sort.remove("host")
    return lists.wanted(request, schemas.FILTERS, sort, every=_ALL)


def summary(request: wsgi.Request) -> Any:
    project_id = request.context.project_id
    if policy.allowed(request.context, _ALL) and fields.flag(
        request, "all_tenants", default=False
    ):
        project_id = None
    number, size, metadata = listing.summary(project_id)
    found: dict[str, Any] = {"total_count": number, "total_size": size}
    if request.version >= _SUMMARY_METADATA:
        found["metadata"] = metadata
    return {"volume-summary": found}


def show(request: wsgi.Request) -> Any:
    volume, held = listing.show(request.context, request.args["volume_id"])
    return {"volume": views.View(request).detail(volume, held)}


def create(request: wsgi.Request) -> Any:
    spec = _spec(request.json_body)
    volume, operation_id = create_request.create(
        request.context, spec, key=request.idempotency_key
    )
    request.note_operation(operation_id)
    # nothing can be attached to it yet
    return {"volume": views.View(request).changed(volume, [])}


def _changed(request: wsgi.Request, volume_id: str) -> Any:
    shown, held = listing.show(request.context, volume_id)
    return {"volume": views.View(request).changed(shown, held)}


def _spec(body: dict[str, Any]) -> create_request.VolumeSpec:
    wanted = body["volume"]
    size = wanted.get("size")
    return create_request.VolumeSpec(
        size_gb=None if size is None else int(size),
        name=wanted.get("name", wanted.get("display_name")),
        description=wanted.get("description", wanted.get("display_description")),
        volume_type=wanted.get("volume_type"),
        availability_zone=wanted.get("availability_zone"),
        metadata=wanted.get("metadata") or {},
        snapshot_id=wanted.get("snapshot_id"),
        source_volid=wanted.get("source_volid"),
        image_ref=wanted.get("imageRef"),
        backup_id=wanted.get("backup_id"),
        multiattach=strutils.bool_from_string(wanted.get("multiattach")),
        hints=body.get("OS-SCH-HNT:scheduler_hints"),
    )


def update(request: wsgi.Request) -> Any:
    wanted = request.json_body["volume"]
    requests.update(request.context, request.args["volume_id"], changes_of(wanted))
    return _changed(request, request.args["volume_id"])


def changes_of(wanted: dict[str, Any]) -> dict[str, Any]:
    """The columns that a body of PUT changes; the older names count where the newer are not
    given."""
    changes = {}
    for column, *names in (
        ("name", "name", "display_name"),
        ("description", "description", "display_description"),
    ):
        given = [wanted[name] for name in names if name in wanted]
        if given:
            changes[column] = given[0]
    if wanted.get("metadata") is not None:
        changes["metadata"] = wanted["metadata"]
    return changes


def delete(request: wsgi.Request) -> None:
    volume = requests.get(request.context, request.args["volume_id"])
    force = request.version >= _FORCE and fields.flag(request, "force", default=False)
    if force:
        policy.enforce(request.context, "volume:volumes:force_delete")
    request.note_operation(
        requests.delete(
            request.context, volume, force=force,
            cascade=fields.flag(request, "cascade", default=False), key=request.idempotency_key,
        )
    )


ROWS = [
    Route("GET", "/volumes", index, "volume:volumes:show", query=schemas.LIST_QUERY),
    Route(
        "POST", "/volumes", create, "volume:volumes:create", body=schemas.CREATE,
        query=ANY_QUERY, status=202,
    ),
    Route("GET", "/volumes/detail", detail, "volume:volumes:show", query=schemas.LIST_QUERY),
    Route(
        "GET", "/volumes/summary", summary, "volume:volumes:show", query=schemas.SUMMARY_QUERY,
        versions=("3.12", ""),
    ),
    Route("GET", "/volumes/{volume_id}", show, "volume:volumes:show", query=ANY_QUERY),
    Route(
        "PUT", "/volumes/{volume_id}", update, "volume:volumes:update", body=schemas.UPDATE,
        query=ANY_QUERY,
    ),
    Route(
        "DELETE", "/volumes/{volume_id}", delete, "volume:volumes:delete",
        query=schemas.DELETE_QUERY, status=202,
    ),
]
