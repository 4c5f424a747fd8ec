"""Roles of users and groups on projects, domains and the system, inherited ones too."""

from collections.abc import Callable
from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common, roles
from mycloud.api.routing import ANY_QUERY, NO_BODY, Route
from mycloud.db.identity.access import SYSTEM
from mycloud.identity import grants
from mycloud.identity.grants import Place

#: target type -> where its paths begin
_TARGETS = {
    "project": "/projects/{target_id}",
    "domain": "/domains/{target_id}",
    "system": "/system",
}
_ACTORS = {"user": "/users/{actor_id}/roles", "group": "/groups/{actor_id}/roles"}


def _handlers(
    target_type: str, actor_type: str, inherited: bool
) -> tuple[Callable[[wsgi.Request], Any], ...]:
    """index, check, add and remove of one kind of place."""

    def place(request: wsgi.Request) -> Place:
        target_id = request.args.get("target_id", SYSTEM)
        return Place(target_type, target_id, actor_type, request.args["actor_id"], inherited)

    def index(request: wsgi.Request) -> Any:
        return common.whole(request, "roles", grants.listed(place(request)), roles.view)

    def check(request: wsgi.Request) -> Any:
        grants.check(place(request), request.args["role_id"])

    def add(request: wsgi.Request) -> Any:
        grants.add(place(request), request.args["role_id"])

    def remove(request: wsgi.Request) -> Any:
        grants.remove(place(request), request.args["role_id"])

    return index, check, add, remove


def _rows(target_type: str, actor_type: str, *, inherited: bool = False) -> list[Route]:
    index, check, add, remove = _handlers(target_type, actor_type, inherited)
    path = _TARGETS[target_type] + _ACTORS[actor_type]
    prefix, suffix = ("/OS-INHERIT", "/inherited_to_projects") if inherited else ("", "")
    every, one = f"{prefix}{path}{suffix}", f"{prefix}{path}/{{role_id}}{suffix}"
    see, change = "identity:grants:show", "identity:grants:update"
    return [
        Route("GET", every, index, see, query=common.list_query()),
        Route("GET", one, check, see, query=ANY_QUERY, status=204),
        Route("PUT", one, add, change, body=NO_BODY, query=ANY_QUERY, status=204),
        Route("DELETE", one, remove, change, query=ANY_QUERY, status=204),
    ]


ROWS = [
    row
    for target in _TARGETS
    for actor in _ACTORS
    for inherited in ((False, True) if target != "system" else (False,))
    for row in _rows(target, actor, inherited=inherited)
]
