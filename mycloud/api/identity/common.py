"""What the resources of the identity API share: times, links, pages, who may see what."""

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from oslo_config import cfg

from mycloud.api import wsgi
from mycloud.common import exceptions, policy
from mycloud.db.identity.rows import Page, Row

_API_PATH = "/identity/v3"


def time(moment: datetime.datetime | None) -> str | None:
    """A time as keystone v3 prints it."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def base_url(request: wsgi.Request) -> str:
    """The URL that all of the cloud's APIs lie under, without a slash at the end."""
    if cfg.CONF.api.public_url:
        return str(cfg.CONF.api.public_url).rstrip("/")
    here = request.application_url.rstrip("/")
    return here.removesuffix(_API_PATH) if here.endswith(_API_PATH) else request.host_url


def link(request: wsgi.Request, path: str) -> dict[str, str]:
    """The links object of one resource."""
    return {"self": f"{base_url(request)}{_API_PATH}{path}"}


def page(request: wsgi.Request, *names: str) -> Page:
    """The page that the query asks for, filtered by what it has of ``names``.

    ``enabled`` becomes a truth value: anything but 0, false, no and off is true, as in keystone.
    """
    filters: dict[str, Any] = {}
    for name in names:
        value = request.query.get(name)
        if value is None:
            continue
        filters[name] = as_flag(value) if name == "enabled" else value
    longest = cfg.CONF.api.max_limit
    limit = min(int(request.query.get("limit") or longest), longest)
    return Page(filters, request.query.get("marker"), limit or longest)


def as_flag(value: str | None) -> bool:
    """The truth of a query's value; a key without a value is true."""
    return value is not None and value.lower() not in ("0", "false", "no", "off")


def listing(
    request: wsgi.Request, key: str, rows: Iterable[Row], view: Callable[[Any, Row], Any]
) -> dict[str, Any]:
    """A page of a list with its links; ``next`` leads on when the page is full."""
    found = whole(request, key, rows, view)
    shown, limit = found[key], page(request).limit
    if shown and limit is not None and len(shown) >= limit:
        query = {**request.query, "limit": limit, "marker": shown[-1]["id"]}
        here = link(request, request.path_info)["self"]
        found["links"]["next"] = f"{here}?{urlencode(query, doseq=True)}"
    return found


def whole(
    request: wsgi.Request, key: str, rows: Iterable[Row], view: Callable[[Any, Row], Any]
) -> dict[str, Any]:
    """A list that isn't paged, with its links."""
    here = link(request, request.path_info)["self"]
    if request.query_string:
        here = f"{here}?{request.query_string}"
    return {
        key: [view(request, row) for row in rows],
        "links": {"self": here, "next": None, "previous": None},
    }


def own(request: wsgi.Request, rule: str, noun: str, target: Mapping[str, str]) -> None:
    """Let pass who may act on the target by ``rule``.

    :raises IdentityNotFound: for everybody else, as if there were no such thing; ``target``
        names it first
    """
    if not policy.allowed(request.context, rule, dict(target)):
        raise exceptions.IdentityNotFound(noun=noun, id=next(iter(target.values())))


def split(
    body: Mapping[str, Any], known: Iterable[str], reserved: Iterable[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of a body that have a column, and the ones of the user's own. ``reserved``
    names neither may have."""
    known = set(known)
    never = {"id", "links", *reserved}
    values = {name: value for name, value in body.items() if name in known}
    extra = {
        name: value
        for name, value in body.items()
        if name not in known and name not in never
    }
    return values, extra


_TEXT = {"type": "string", "maxLength": 255}


def list_query(*names: str) -> dict[str, Any]:
    """The query of a list: filters by ``names``, and a page of it. Unknown keys are ignored, as
    keystone does."""
    return {
        "type": "object",
        "properties": {
            **dict.fromkeys(names, _TEXT),
            "limit": {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"},
            "marker": _TEXT,
        },
    }


def name(longest: int = 255) -> dict[str, Any]:
    """The schema of a name: something visible."""
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"\S"}


ID = {"type": "string", "minLength": 1, "maxLength": 64}
OPTIONAL_ID = {"type": ["string", "null"], "minLength": 1, "maxLength": 64}
DESCRIPTION = {"type": ["string", "null"], "maxLength": 65535}
FLAG = {"type": "boolean"}
OPTIONS = {
    "type": "object",
    "propertyNames": {"maxLength": 64},
    "maxProperties": 32,
    "additionalProperties": True,
}


def body(
    noun: str, properties: Mapping[str, Any], required: Iterable[str] = (), *, extra: bool = True
) -> dict[str, Any]:
    """The schema of a body with one object. ``extra``: more properties may be kept with it."""
    return {
        "type": "object",
        "properties": {
            noun: {
                "type": "object",
                "properties": dict(properties),
                "required": list(required),
                "additionalProperties": extra,
                "propertyNames": {"maxLength": 255},
                "maxProperties": 64,
            }
        },
        "required": [noun],
    }


def own_domain(request: wsgi.Request) -> str:
    """The domain in which a caller who names none makes something: the token's."""
    context = request.context
    found: str = (
        context.domain_id or context.project_domain_id or cfg.CONF.identity.default_domain_id
    )
    return found


def own_user(request: wsgi.Request, rule: str) -> str:
    """The user of the path, for itself and who may see others by ``rule``.

    :raises IdentityNotFound: for everybody else
    """
    user_id = request.args["user_id"]
    own(request, rule, "user", {"user_id": user_id})
    return user_id


def same_domain(body: Mapping[str, Any], row: Row) -> None:
    """:raises BadField: when a body would move the record to another domain"""
    if "domain_id" in body and body["domain_id"] != row["domain_id"]:
        raise exceptions.BadField(field="domain_id", reason="it can't be changed")
