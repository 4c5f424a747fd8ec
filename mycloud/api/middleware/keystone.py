"""The filter behind keystonemiddleware's authtoken: for a cloud with an outside keystone.

authtoken asks the keystone whether the token is good and takes away what a client itself has
written into the headers; this filter makes our context of what it found.
"""

from collections.abc import Callable, Iterable
from typing import Any

from mycloud.api import wsgi
from mycloud.common import context, exceptions

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_CONFIRMED = "Confirmed"


class KeystoneContext:
    """Gives a request that authtoken has confirmed its context. The others get none, and the
    router answers them; authtoken has to let them pass (``delay_auth_decision = true``)."""

    def __init__(self, app: WsgiApp):
        self._app = app

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ.get("HTTP_X_IDENTITY_STATUS") == _CONFIRMED:
            found = _context(environ)
            environ[wsgi.CONTEXT_KEY] = found
        else:
            if "HTTP_X_AUTH_TOKEN" in environ:
                environ[wsgi.AUTH_ERROR_KEY] = exceptions.TokenInvalid()
            found = context.RequestContext(
                request_id=environ.get(wsgi.REQUEST_ID_KEY), overwrite=False
            )
        found.update_store()
        return self._app(environ, start_response)


def _context(environ: dict[str, Any]) -> context.RequestContext:
    token = environ.get("keystone.token_info", {}).get("token", {})
    found: context.RequestContext = context.RequestContext.from_environ(
        environ,
        # not from its header, which older authtokens don't clean
        system_scope="all" if token.get("system", {}).get("all") else None,
        overwrite=False,
    )
    found.is_admin = "admin" in (found.roles or ())
    return found


def filter_factory(
    global_conf: Any, **local_conf: Any
) -> Callable[[WsgiApp], KeystoneContext]:
    """For paste.deploy."""
    return KeystoneContext
