"""Tokens, and what their owner can reach with them."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.identity import common, domains, projects
from mycloud.api.middleware.auth import GRANT_KEY
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common import exceptions, policy
from mycloud.identity import catalog, changes, checker, login, reach, tokens
from mycloud.identity.checker import Grant

_ID = {"type": "string", "minLength": 1, "maxLength": 64}
_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_DOMAIN = {
    "type": "object",
    "properties": {"id": _ID, "name": _NAME},
    "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
}
_SECRET = {"type": "string", "maxLength": 4096}
_BY_ID_OR_NAME = {"anyOf": [{"required": ["id"]}, {"required": ["name", "domain"]}]}
_USER = {
    "type": "object",
    "properties": {"id": _ID, "name": _NAME, "domain": _DOMAIN},
    **_BY_ID_OR_NAME,
}
_SCOPE = {
    "type": "object",
    "properties": {
        "project": {
            "type": "object",
            "properties": {"id": _ID, "name": _NAME, "domain": _DOMAIN},
            **_BY_ID_OR_NAME,
        },
        "domain": _DOMAIN,
        "system": {
            "type": "object",
            "properties": {"all": {"const": True}},
            "required": ["all"],
        },
        "unscoped": {"type": "object"},
    },
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}


LOG_IN = {
    "type": "object",
    "properties": {
        "auth": {
            "type": "object",
            "properties": {
                "identity": {
                    "type": "object",
                    "properties": {
                        "methods": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 3,
                            "items": {
                                "enum": [
                                    tokens.PASSWORD,
                                    tokens.TOKEN,
                                    tokens.APPLICATION_CREDENTIAL,
                                ]
                            },
                        },
                        tokens.PASSWORD: {
                            "type": "object",
                            "properties": {
                                "user": {
                                    "type": "object",
                                    "properties": {
                                        "id": _ID,
                                        "name": _NAME,
                                        "domain": _DOMAIN,
                                        "password": _SECRET,
                                    },
                                    "required": ["password"],
                                    **_BY_ID_OR_NAME,
                                }
                            },
                            "required": ["user"],
                        },
                        tokens.TOKEN: {
                            "type": "object",
                            "properties": {"id": {"type": "string", "maxLength": 4096}},
                            "required": ["id"],
                        },
                        tokens.APPLICATION_CREDENTIAL: {
                            "type": "object",
                            "properties": {
                                "id": _ID,
                                "name": _NAME,
                                "secret": _SECRET,
                                "user": _USER,
                            },
                            "required": ["secret"],
                            "anyOf": [
                                {"required": ["id"]},
                                {"required": ["name", "user"]},
                            ],
                        },
                    },
                    "required": ["methods"],
                },
                "scope": {"anyOf": [{"const": "unscoped"}, _SCOPE]},
            },
            "required": ["identity"],
        }
    },
    "required": ["auth"],
}

_TOKEN_QUERY = {
    "type": "object",
    "properties": {"nocatalog": {"type": "string", "maxLength": 255}},
}


def token_view(request: wsgi.Request, grant: Grant) -> dict[str, Any]:
    """The body of a token."""
    token, subject = grant.token, grant.subject
    user, target, scope = subject.user, subject.target, subject.scope
    view: dict[str, Any] = {
        "methods": list(token.methods),
        "user": {
            "id": user.id,
            "name": user.name,
            "domain": {"id": user.domain_id, "name": user.domain_name},
            "password_expires_at": common.time(subject.password_expires_at),
        },
        "audit_ids": list(token.audit_ids),
        "issued_at": common.time(token.issued_at),
        "expires_at": common.time(token.expires_at),
    }
    if scope.kind:
        view["roles"] = [{"id": role.id, "name": role.name} for role in subject.roles]
        if "nocatalog" not in request.query:
            view["catalog"] = _catalog(request, grant)
    if scope.kind == tokens.PROJECT and target is not None:
        view["is_domain"] = False
        view["project"] = {
            "id": target.id,
            "name": target.name,
            "domain": {"id": target.domain_id, "name": target.domain_name},
        }
    elif scope.kind == tokens.DOMAIN and target is not None:
        view["domain"] = {"id": target.id, "name": target.name}
    elif scope.kind == tokens.SYSTEM:
        view["system"] = {"all": True}
    if subject.app_credential is not None:
        credential = subject.app_credential
        view["application_credential"] = {
            "id": credential.id,
            "name": credential.name,
            "restricted": credential.restricted,
        }
        if credential.access_rules is not None:
            view["application_credential"]["access_rules"] = list(credential.access_rules)
    return {"token": view}


def _catalog(request: wsgi.Request, grant: Grant) -> list[dict[str, Any]]:
    subject = grant.subject
    is_project = subject.scope.kind == tokens.PROJECT
    return catalog.view(
        common.base_url(request),
        user_id=subject.user.id,
        project_id=subject.scope.id if is_project else "",
    )


def create(request: wsgi.Request) -> Any:
    grant = login.log_in(request.json_body["auth"])
    request.out_headers["X-Subject-Token"] = tokens.write(grant.token)
    request.out_headers["Vary"] = "X-Auth-Token"
    return token_view(request, grant)


def show(request: wsgi.Request) -> Any:
    grant = _subject_token(request, "identity:tokens:show")
    request.out_headers["X-Subject-Token"] = request.headers["X-Subject-Token"]
    request.out_headers["Vary"] = "X-Auth-Token"
    return token_view(request, grant)


def delete(request: wsgi.Request) -> Any:
    grant = _subject_token(request, "identity:tokens:delete")
    with changes.writer() as change:
        change.revoke(audit_id=grant.token.audit_ids[0])


def _subject_token(request: wsgi.Request, rule: str) -> Grant:
    """The token in X-Subject-Token, for its owner and who may see others'."""
    text = request.headers.get("X-Subject-Token")
    if not text:
        raise exceptions.BadField(field="X-Subject-Token", reason="the header is missing")
    try:
        grant = checker.check(text)
    except exceptions.NotAuthenticated as error:
        raise exceptions.TokenNotFound() from error
    policy.enforce(request.context, rule, {"user_id": grant.token.user_id})
    return grant


def own_grant(request: wsgi.Request) -> Grant:
    """The caller's own token.

    :raises NotAuthenticated: behind an outside keystone, which is to be asked instead
    """
    found: Grant | None = request.environ.get(GRANT_KEY)
    if found is None:
        raise exceptions.NotAuthenticated("The token was not issued by this cloud.")
    return found


def show_catalog(request: wsgi.Request) -> Any:
    grant = own_grant(request)
    if not grant.subject.scope.kind:
        raise exceptions.Forbidden("An unscoped token has no catalog.")
    return {
        "catalog": _catalog(request, grant),
        "links": common.link(request, "/auth/catalog") | {"next": None, "previous": None},
    }


def list_projects(request: wsgi.Request) -> Any:
    rows = reach.projects(request.context.user_id)
    return common.whole(request, "projects", rows, projects.view)


def list_domains(request: wsgi.Request) -> Any:
    rows = reach.domains_of(request.context.user_id)
    return common.whole(request, "domains", rows, domains.view)


def show_system(request: wsgi.Request) -> Any:
    found = [{"all": True}] if reach.system(request.context.user_id) else []
    return {"system": found, "links": common.link(request, "/auth/system")}


_LIST = common.list_query()

ROWS = [
    Route(
        "POST", "/auth/tokens", create,
        anonymous=True, body=LOG_IN, query=_TOKEN_QUERY, status=201,
    ),
    Route("GET", "/auth/tokens", show, "identity:tokens:show", query=_TOKEN_QUERY),
    Route(
        "DELETE", "/auth/tokens", delete, "identity:tokens:delete", query=ANY_QUERY, status=204
    ),
    Route("GET", "/auth/catalog", show_catalog, "identity:auth:catalog", query=ANY_QUERY),
    Route("GET", "/auth/projects", list_projects, "identity:auth:projects", query=_LIST),
    Route("GET", "/auth/domains", list_domains, "identity:auth:domains", query=_LIST),
    Route("GET", "/auth/system", show_system, "identity:auth:system", query=ANY_QUERY),
]
