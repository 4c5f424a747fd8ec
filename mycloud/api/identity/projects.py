"""Projects. A domain can be seen as a project too, as keystone has it."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common import exceptions
from mycloud.db.identity.rows import Page, Row
from mycloud.identity import domains, project_tree, projects, records

TAG = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*$"}
TAGS = {"type": "array", "maxItems": 80, "uniqueItems": True, "items": TAG}
_PROPERTIES = {
    "name": common.name(64),
    "description": common.DESCRIPTION,
    "enabled": common.FLAG,
    "tags": TAGS,
    "options": common.OPTIONS,
}
_COLUMNS = ("name", "description", "enabled", "tags")
_NEVER = ("domain_id", "parent_id", "is_domain", "parents", "subtree")
_CREATE = common.body(
    "project",
    {
        **_PROPERTIES,
        "domain_id": common.OPTIONAL_ID,
        "parent_id": common.OPTIONAL_ID,
        "is_domain": common.FLAG,
    },
    required=["name"],
)
_UPDATE = common.body(
    "project",
    {
        **_PROPERTIES,
        "domain_id": common.OPTIONAL_ID,
        "parent_id": common.OPTIONAL_ID,
        "is_domain": common.FLAG,
    },
)
_FILTERS = ("name", "enabled", "domain_id", "parent_id")
_TAG_FILTERS = ("tags", "tags-any", "not-tags", "not-tags-any")


def view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    return {
        "options": {},
        **(row["extra"] or {}),
        "id": row["id"],
        "name": row["name"],
        "domain_id": row["domain_id"],
        "parent_id": row["parent_id"] or row["domain_id"],
        "is_domain": False,
        "description": row["description"] or "",
        "enabled": row["enabled"],
        "tags": row["tags"] or [],
        "links": common.link(request, f"/projects/{row['id']}"),
    }


def domain_view(request: wsgi.Request, row: Row) -> dict[str, Any]:
    """A domain in the form of a project."""
    found = view(request, {**row, "domain_id": None, "parent_id": None, "tags": []})
    return found | {"is_domain": True}


def index(request: wsgi.Request) -> Any:
    if common.as_flag(request.query.get("is_domain", "no")):
        rows = records.listed(records.DOMAIN, common.page(request, "name", "enabled"))
        return common.listing(request, "projects", rows, domain_view)
    wanted = common.page(request, *_FILTERS)
    filters = dict(wanted.filters)
    parent_id = filters.get("parent_id")
    if parent_id is not None and records.find(records.DOMAIN, parent_id) is not None:
        # projects at the top say that their domain is their parent
        filters["domain_id"], filters["parent_id"] = parent_id, None
    wanted = Page(filters, wanted.marker, wanted.limit)
    tags = {
        name: request.query[name].split(",") for name in _TAG_FILTERS if name in request.query
    }
    rows = project_tree.listed(wanted, tags)
    return common.listing(request, "projects", rows, view)


def show(request: wsgi.Request) -> Any:
    project_id = request.args["project_id"]
    common.own(request, "identity:projects:show", "project", {"project_id": project_id})
    domain = records.find(records.DOMAIN, project_id)
    if domain is not None:
        return {"project": domain_view(request, domain)}
    row = records.get(records.PROJECT, project_id)
    found = view(request, row)
    for name in ("parents", "subtree"):
        listing = project_tree.parents if name == "parents" else project_tree.subtree
        if f"{name}_as_list" in request.query:
            found[name] = [{"project": view(request, other)} for other in listing(row)]
        elif f"{name}_as_ids" in request.query:
            found[name] = project_tree.as_ids(row, listing(row))
    return {"project": found}


def create(request: wsgi.Request) -> Any:
    body = request.json_body["project"]
    values, extra = common.split(body, _COLUMNS, _NEVER)
    if body.get("is_domain"):
        if body.get("domain_id") or body.get("parent_id"):
            raise exceptions.BadField(
                field="is_domain", reason="a domain is in no domain and has no parent"
            )
        values.pop("tags", None)
        return {"project": domain_view(request, domains.create({**values, "extra": extra}))}
    parent_id = body.get("parent_id")
    domain_id = body.get("domain_id")
    if domain_id is None and parent_id is not None:
        domain_id = project_tree.domain_of(parent_id)
    domain_id = domain_id or common.own_domain(request)
    placed = {"domain_id": domain_id, "parent_id": parent_id, "extra": extra}
    return {"project": view(request, projects.create({**values, **placed}))}


def update(request: wsgi.Request) -> Any:
    project_id, body = request.args["project_id"], request.json_body["project"]
    values, extra = common.split(body, _COLUMNS, _NEVER)
    if records.find(records.DOMAIN, project_id) is not None:
        values.pop("tags", None)
        return {"project": domain_view(request, domains.update(project_id, values, extra))}
    row = records.get(records.PROJECT, project_id)
    for name, old in (
        ("domain_id", row["domain_id"]),
        ("parent_id", row["parent_id"] or row["domain_id"]),
        ("is_domain", False),
    ):
        if name in body and body[name] != old:
            raise exceptions.BadField(field=name, reason="it can't be changed")
    return {"project": view(request, projects.update(project_id, values, extra))}


def delete(request: wsgi.Request) -> Any:
    project_id = request.args["project_id"]
    if records.find(records.DOMAIN, project_id) is not None:
        domains.delete(project_id)
    else:
        projects.delete(project_id)


_ONE = "/projects/{project_id}"
_SHOW_QUERY = {
    "type": "object",
    "properties": {
        f"{name}_as_{form}": {"type": "string", "maxLength": 16}
        for name in ("parents", "subtree")
        for form in ("list", "ids")
    },
}
ROWS = [
    Route(
        "GET", "/projects", index, "identity:projects:list",
        query=common.list_query(*_FILTERS, "is_domain", *_TAG_FILTERS),
    ),
    Route(
        "POST", "/projects", create, "identity:projects:create",
        body=_CREATE, query=ANY_QUERY, status=201,
    ),
    Route("GET", _ONE, show, "identity:any_user", query=_SHOW_QUERY),
    Route("PATCH", _ONE, update, "identity:projects:update", body=_UPDATE, query=ANY_QUERY),
    Route("DELETE", _ONE, delete, "identity:projects:delete", query=ANY_QUERY, status=204),
]
