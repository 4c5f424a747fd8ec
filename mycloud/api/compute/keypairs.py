"""Key pairs: public keys that are put into new servers."""

import datetime
from typing import Any

from mycloud.api import paging, wsgi
from mycloud.api.compute import legacy_ids
from mycloud.api.routing import NO_QUERY, Route
from mycloud.api.versions import Version
from mycloud.common import exceptions, policy
from mycloud.compute.requests import keypairs
from mycloud.db import engine
from mycloud.db import keypairs as db_keypairs
from mycloud.db.keypairs import Row

_TYPED = Version(2, 2)
_OTHER_USERS = Version(2, 10)
_PAGED = Version(2, 35)

_USER_ID = {"type": "string", "minLength": 1, "maxLength": 64, "format": "printable"}
_V21 = {
    "name": {"type": "string", "pattern": r"^(?! )[a-zA-Z0-9 _-]{1,255}(?<! )\Z"},
    "public_key": {"type": "string", "minLength": 1, "maxLength": 16384},
}
_V22 = {**_V21, "type": {"type": "string", "enum": ["ssh", "x509"]}}
_V210 = {**_V22, "user_id": _USER_ID}


def _body(properties: dict[str, Any]) -> dict[str, Any]:
    keypair = {
        "type": "object",
        "properties": properties,
        "required": ["name"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"keypair": keypair},
        "required": ["keypair"],
        "additionalProperties": False,
    }


_CREATE_BODY = [("2.1", _body(_V21)), ("2.2", _body(_V22)), ("2.10", _body(_V210))]


def _query(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": True}


_USER_QUERY = [("2.1", NO_QUERY), ("2.10", _query(user_id=_USER_ID))]
_LIST_QUERY = [
    *_USER_QUERY,
    ("2.35", _query(user_id=_USER_ID, limit=paging.LIMIT, marker=paging.MARKER)),
]


def brief(request: wsgi.Request, keypair: Row) -> dict[str, Any]:
    """A key pair as the list shows it."""
    shown = {name: keypair[name] for name in ("name", "public_key", "fingerprint")}
    if request.version >= _TYPED:
        shown["type"] = keypair["type"]
    return shown


def view(request: wsgi.Request, keypair: Row) -> dict[str, Any]:
    return {
        **brief(request, keypair),
        "id": legacy_ids.number_of(keypair["id"]),
        "user_id": keypair["user_id"],
        "created_at": _time(keypair["created_at"]),
        "updated_at": _time(keypair["updated_at"]),
        "deleted": False,
        "deleted_at": None,
    }


def _time(value: datetime.datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="microseconds")


def _owner(request: wsgi.Request, wanted: str | None) -> str:
    """Whose key pairs are meant: the caller's, unless an administrator names somebody."""
    mine = str(request.context.user_id)
    if request.version < _OTHER_USERS or wanted in (None, mine):
        return mine
    policy.enforce(request.context, "compute:keypairs:other_users")
    return str(wanted)


def index(request: wsgi.Request) -> dict[str, Any]:
    owner = _owner(request, request.query.get("user_id"))
    paged = request.version >= _PAGED
    marker = request.query.get("marker") if paged else None
    limit = paging.limit_of(request) if paged else None
    with engine.reader() as conn:
        page = db_keypairs.every(conn, owner, marker=marker, limit=limit)
    answer: dict[str, Any] = {
        "keypairs": [{"keypair": brief(request, keypair)} for keypair in page]
    }
    if paged and page and (more := paging.next_links(request, page, page[-1]["name"])):
        answer["keypairs_links"] = more
    return answer


def show(request: wsgi.Request) -> dict[str, Any]:
    owner = _owner(request, request.query.get("user_id"))
    with engine.reader() as conn:
        keypair = db_keypairs.get(conn, owner, request.args["name"])
    return {"keypair": view(request, keypair)}


def create(request: wsgi.Request) -> dict[str, Any]:
    wanted = request.json_body["keypair"]
    if wanted.get("type") == "x509":
        raise exceptions.BadField(
            field="type", reason="Key pairs of the type x509 are not kept here; use ssh."
        )
    owner = _owner(request, wanted.get("user_id"))
    name, public_key = wanted["name"], wanted.get("public_key")
    if public_key is not None:
        keypair = keypairs.import_key(request.context, owner, name, public_key)
        return {"keypair": {**brief(request, keypair), "user_id": owner}}
    keypair, private_key = keypairs.generate(request.context, owner, name)
    shown = {**brief(request, keypair), "user_id": owner, "private_key": private_key}
    return {"keypair": shown}


def delete(request: wsgi.Request) -> None:
    keypairs.delete(_owner(request, request.query.get("user_id")), request.args["name"])


ROWS = [
    Route("GET", "/os-keypairs", index, "compute:keypairs:list", query=_LIST_QUERY),
    Route(
        "POST",
        "/os-keypairs",
        create,
        "compute:keypairs:create",
        body=_CREATE_BODY,
        query=NO_QUERY,
        status=[("2.1", 200), ("2.2", 201)],
    ),
    Route("GET", "/os-keypairs/{name}", show, "compute:keypairs:show", query=_USER_QUERY),
    Route(
        "DELETE",
        "/os-keypairs/{name}",
        delete,
        "compute:keypairs:delete",
        query=_USER_QUERY,
        status=[("2.1", 202), ("2.2", 204)],
    ),
]
