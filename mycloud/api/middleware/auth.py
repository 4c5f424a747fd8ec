"""The filter that knows our own tokens: no question over the network, rarely one to the
database."""

from collections.abc import Callable, Iterable
from typing import Any

from oslo_db import exception as db_exc

from mycloud.api import wsgi
from mycloud.common import context, exceptions
from mycloud.identity import access_rules, checker

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Where the identity API finds the checked token.
GRANT_KEY = "mycloud.grant"


class Auth:
    """Gives a request with a good token its context. One without gets none, and one with a bad
    token gets the reason: the router answers both, if the route needs a context at all."""

    def __init__(self, app: WsgiApp):
        self._app = app

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        text = environ.get("HTTP_X_AUTH_TOKEN")
        found = None
        if text:
            try:
                found = self._checked(text, environ)
            except exceptions.MycloudError as error:
                environ[wsgi.AUTH_ERROR_KEY] = error
            except db_exc.DBError:
                environ[wsgi.AUTH_ERROR_KEY] = exceptions.DatabaseUnavailable()
        if found is None:
            # for the log, and so that nobody inherits the last request's context
            found = context.RequestContext(**_request_ids(environ))
        found.update_store()
        return self._app(environ, start_response)

    def _checked(self, text: str, environ: dict[str, Any]) -> context.RequestContext:
        grant = checker.check(text)
        credential = grant.subject.app_credential
        if credential is not None and credential.access_rules is not None:
            path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
            if not access_rules.allow(
                credential.access_rules, environ["REQUEST_METHOD"], path
            ):
                raise exceptions.Forbidden(
                    "The application credential's access rules don't allow this request."
                )
        environ[GRANT_KEY] = grant
        environ[wsgi.CONTEXT_KEY] = found = request_context(grant, text, environ)
        return found


def _request_ids(environ: dict[str, Any]) -> dict[str, Any]:
    found = {"overwrite": False}
    if wsgi.REQUEST_ID_KEY in environ:
        found["request_id"] = environ[wsgi.REQUEST_ID_KEY]
    if "openstack.global_request_id" in environ:
        found["global_request_id"] = environ["openstack.global_request_id"]
    return found


def request_context(
    grant: checker.Grant, text: str, environ: dict[str, Any]
) -> context.RequestContext:
    """The request context of a checked token."""
    subject = grant.subject
    user, scope, target = subject.user, subject.scope, subject.target
    roles = subject.role_names
    values: dict[str, Any] = {}
    if target is not None and scope.kind == "project":
        values = {
            "project_id": target.id,
            "project_name": target.name,
            "project_domain_id": target.domain_id,
            "project_domain_name": target.domain_name,
        }
    elif target is not None:
        values = {"domain_id": target.id, "domain_name": target.name}
    elif scope.kind == "system":
        values = {"system_scope": "all"}
    return context.RequestContext(
        auth_token=text,
        user_id=user.id,
        user_name=user.name,
        user_domain_id=user.domain_id,
        user_domain_name=user.domain_name,
        roles=roles,
        is_admin="admin" in roles,
        **values,
        **_request_ids(environ),
    )


def filter_factory(global_conf: Any, **local_conf: Any) -> Callable[[WsgiApp], Auth]:
    """For paste.deploy."""
    return Auth
