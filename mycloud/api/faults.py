"""Exceptions to answers, in each API's own form. Nothing else makes an error answer."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import webob
from oslo_db import exception as db_exc

from mycloud.api import wsgi
from mycloud.common import exceptions

LOG = logging.getLogger(__name__)

_NOVA_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


def nova_body(status: int, code: str, message: str) -> dict[str, Any]:
    """Compute's and block storage's form."""
    return {_NOVA_NAMES.get(status, "computeFault"): {"code": status, "message": message}}


def keystone_body(status: int, code: str, message: str) -> dict[str, Any]:
    """Identity's form."""
    return {"error": {"code": status, "title": _title(status), "message": message}}


def glance_body(status: int, code: str, message: str) -> dict[str, Any]:
    """The image API's form. Nested: python-glanceclient looks for messages one level down, and
    breaks on a text at the top."""
    return {"error": {"code": status, "title": _title(status), "message": message}}


def cloud_body(status: int, code: str, message: str) -> dict[str, Any]:
    """The form of /cloud/v1."""
    return {"error": {"status": status, "code": code, "message": message}}


Body = Callable[[int, str, str], dict[str, Any]]

BODIES: dict[str, Body] = {
    "compute": nova_body,
    "volume": nova_body,
    "identity": keystone_body,
    "image": glance_body,
    "cloud": cloud_body,
}


def response(error: Exception, style: str) -> webob.Response:
    """The answer for an error. What is not of the domain is logged and says nothing of itself."""
    if isinstance(error, db_exc.DBDeadlock):
        error = exceptions.DatabaseUnavailable()
    if not isinstance(error, exceptions.MycloudError):
        LOG.error("Unexpected error in the API", exc_info=error)
        error = exceptions.MycloudError(
            "An unexpected error happened; the administrator finds it in the log under the "
            "request id."
        )
    status = error.status
    answer = wsgi.json_response(BODIES[style](status, error.code, error.message), status)
    answer.headers["X-Mycloud-Error-Code"] = error.code
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Keystone uri="/identity"'
    if status == 405:
        answer.headers["Allow"] = str(error.kwargs.get("allowed", ""))
    if status == 416:
        answer.headers["Content-Range"] = f"bytes */{error.kwargs.get('size', '*')}"
    if status == 503:
        answer.headers["Retry-After"] = "2"
    return answer
