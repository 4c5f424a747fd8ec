"""The list of all role assignments."""

from collections.abc import Mapping
from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common
from mycloud.api.routing import Route
from mycloud.common import exceptions
from mycloud.db.identity.rows import Row
from mycloud.identity import role_assignments
from mycloud.identity.role_assignments import Assignment, Names, Wanted

_SCOPES = {"scope.project.id": "project", "scope.domain.id": "domain", "scope.system": "system"}
_INHERITED = "scope.OS-INHERIT:inherited_to"
_FLAGS = ("effective", "include_names", "include_subtree")
_QUERY = common.list_query(
    "user.id", "group.id", "role.id", *_SCOPES, _INHERITED, *_FLAGS
)


def _flag(request: wsgi.Request, name: str) -> bool:
    return name in request.query and common.as_flag(request.query[name])


def _wanted(request: wsgi.Request) -> Wanted:
    query = request.query
    scopes = [name for name in _SCOPES if query.get(name)]
    if len(scopes) > 1 or (query.get("user.id") and query.get("group.id")):
        raise exceptions.BadField(
            field="the query", reason="name one scope, and either a user or a group"
        )
    effective = _flag(request, "effective")
    if effective and query.get("group.id"):
        raise exceptions.BadField(
            field="group.id", reason="effective assignments are of users, not of groups"
        )
    target_type = _SCOPES[scopes[0]] if scopes else ""
    return Wanted(
        user_id=query.get("user.id", ""),
        group_id=query.get("group.id", ""),
        role_id=query.get("role.id", ""),
        target_type=target_type,
        target_id=query[scopes[0]] if scopes and target_type != "system" else "",
        inherited=True if query.get(_INHERITED) == "projects" else None,
        effective=effective,
        subtree=_flag(request, "include_subtree"),
    )


def index(request: wsgi.Request) -> Any:
    found = role_assignments.listed(_wanted(request))
    names = role_assignments.names(found) if _flag(request, "include_names") else None
    here = common.link(request, "/role_assignments")["self"]
    if request.query_string:
        here = f"{here}?{request.query_string}"
    return {
        "role_assignments": [_view(request, one, names) for one in found],
        "links": {"self": here, "next": None, "previous": None},
    }


def _view(request: wsgi.Request, one: Assignment, names: Names | None) -> dict[str, Any]:
    scope: dict[str, Any] = {"system": {"all": True}}
    if one.target_type != "system":
        scope = {one.target_type: _target(one, names)}
    if one.inherited or one.inherited_from[1]:
        scope["OS-INHERIT:inherited_to"] = "projects"
    return {
        "role": _role(one, names),
        "scope": scope,
        one.actor_type: _actor(one, names),
        "links": _links(request, one),
    }


def _role(one: Assignment, names: Names | None) -> dict[str, Any]:
    if names is None:
        return {"id": one.role_id}
    row = names.roles[one.role_id]
    found = {"id": one.role_id, "name": row["name"]}
    if row["domain_id"]:
        found["domain"] = _domain(names, row["domain_id"])
    return found


def _domain(names: Names, domain_id: str) -> dict[str, Any]:
    row = names.domains.get(domain_id)
    return {"id": domain_id, "name": row["name"] if row else ""}


def _placed(row_id: str, rows: Mapping[str, Row], names: Names) -> dict[str, Any]:
    """Id, name and domain of a user, a group or a project."""
    row = rows.get(row_id)
    if row is None:
        return {"id": row_id}
    return {"id": row_id, "name": row["name"], "domain": _domain(names, row["domain_id"])}


def _actor(one: Assignment, names: Names | None) -> dict[str, Any]:
    if names is None:
        return {"id": one.actor_id}
    rows = names.users if one.actor_type == "user" else names.groups
    return _placed(one.actor_id, rows, names)


def _target(one: Assignment, names: Names | None) -> dict[str, Any]:
    if names is None:
        return {"id": one.target_id}
    if one.target_type == "domain":
        return _domain(names, one.target_id)
    return _placed(one.target_id, names.projects, names)


def _links(request: wsgi.Request, one: Assignment) -> dict[str, str]:
    kind, target_id = one.target_type, one.target_id
    if one.inherited_from[1]:
        kind, target_id = one.inherited_from
    place = "/system" if kind == "system" else f"/{kind}s/{target_id}"
    actor = f"groups/{one.via_group}" if one.via_group else f"{one.actor_type}s/{one.actor_id}"
    path = f"{place}/{actor}/roles/{one.prior_role or one.role_id}"
    if one.inherited or one.inherited_from[1]:
        path = f"/OS-INHERIT{path}/inherited_to_projects"
    found = {"assignment": common.link(request, path)["self"]}
    if one.via_group:
        member = f"/groups/{one.via_group}/users/{one.actor_id}"
        found["membership"] = common.link(request, member)["self"]
    if one.prior_role:
        prior = f"/roles/{one.prior_role}/implies/{one.role_id}"
        found["prior_role"] = common.link(request, prior)["self"]
    return found


ROWS = [
    Route(
        "GET", "/role_assignments", index, "identity:role_assignments:list", query=_QUERY
    ),
]
