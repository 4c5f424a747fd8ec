"""Requests and answers as handlers see them."""

import json
from typing import Any

import webob
from oslo_serialization import jsonutils

from mycloud.api.versions import Version
from mycloud.common import context as mycontext
from mycloud.common import exceptions

CONTEXT_KEY = "mycloud.context"
#: Why a request that brought a token has no context all the same.
AUTH_ERROR_KEY = "mycloud.auth_error"
REQUEST_ID_KEY = "openstack.request_id"
OPERATION_HEADER = "X-Mycloud-Operation-Id"


class Request(webob.Request):
    """A request with what the router has found out about it.

    ``args``: the values of the path's gaps. ``json_body``: the checked body. ``query``: the
    checked query, one text a key unless the schema says array. ``version``: the microversion.
    ``out_headers``: headers that the handler adds to the answer.
    """

    @property
    def context(self) -> mycontext.RequestContext:
        """:raises NotAuthenticated: when nobody is logged in"""
        found = self.environ.get(CONTEXT_KEY)
        if found is None:
            raise self.environ.get(AUTH_ERROR_KEY) or exceptions.NotAuthenticated()
        return found

    @property
    def args(self) -> dict[str, str]:
        found: dict[str, str] = self.environ["mycloud.args"]
        return found

    @property
    def json_body(self) -> Any:
        return self.environ["mycloud.body"]

    @property
    def query(self) -> dict[str, Any]:
        found: dict[str, Any] = self.environ["mycloud.query"]
        return found

    @property
    def version(self) -> Version:
        found: Version = self.environ["mycloud.version"]
        return found

    @property
    def out_headers(self) -> dict[str, str]:
        found: dict[str, str] = self.environ.setdefault("mycloud.out_headers", {})
        return found

    @property
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key header.

        :raises BadField: when it is longer than 255 characters
        """
        key = self.headers.get("Idempotency-Key")
        if key is not None and not 0 < len(key) <= 255:
            raise exceptions.BadField(
                field="Idempotency-Key", reason="it must have 1 to 255 characters"
            )
        return key

    def note_operation(self, operation_id: str | None) -> None:
        """Tell the client which operation its request has made."""
        if operation_id:
            self.out_headers[OPERATION_HEADER] = operation_id

    @property
    def service_url(self) -> str:
        """The URL of this API without a slash at the end, e.g. http://host/compute/v2.1."""
        return self.application_url.rstrip("/")


def json_response(body: Any, status: int = 200, **headers: str) -> webob.Response:
    """An answer in JSON. Times and ids of any kind are turned into text."""
    try:
        data = json.dumps(body, separators=(",", ":")).encode()
    except TypeError:
        data = jsonutils.dump_as_bytes(body)
    response = webob.Response(status=status, content_type="application/json", body=data)
    response.charset = None
    response.headers.update(headers)
    return response


def empty_response(status: int) -> webob.Response:
    """An answer without a body."""
    response = webob.Response(status=status)
    response.content_type = None
    if status == 204:
        response.headers.pop("Content-Length", None)
    return response
