"""What can go wrong for a client, as types that a program can tell apart.

``ApiError`` and its children are answers of the cloud, built from its error bodies; the others
arise on this side.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mycloud.client.operations import Operation

REQUEST_ID_HEADERS = ("x-openstack-request-id", "x-compute-request-id")
OPERATION_ID_HEADER = "x-mycloud-operation-id"
ERROR_CODE_HEADER = "x-mycloud-error-code"


class ClientError(Exception):
    """The base of everything that this library raises on purpose."""


class ConfigError(ClientError):
    """clouds.yaml, the environment or an argument lacks or contradicts something."""


class CloudUnreachable(ClientError):
    """No answer from the cloud, however often it was asked."""


class AmbiguousName(ClientError):
    """More than one thing has the name; an id is needed."""

    def __init__(self, noun: str, name: str, ids: Sequence[str]):
        super().__init__(
            f"{len(ids)} {noun}s are called '{name}'; give one of their ids: {', '.join(ids)}"
        )
        self.ids = list(ids)


class WaitTimeout(ClientError):
    """What was waited for had not happened in time; it may still happen."""


class ResourceFailed(ClientError):
    """A resource that was waited for went to its error state."""


class OperationFailed(ClientError):
    """An operation ended without success; ``operation`` is its last state, with steps."""

    def __init__(self, operation: "Operation"):
        self.operation = operation
        reason = operation.reason or f"it ended as {operation.state} and no reason was recorded"
        super().__init__(f"{operation.kind} of {operation.resource_id} failed: {reason}")


@dataclass(frozen=True)
class Refusal:
    """What the cloud said when it did not do what it was asked.

    ``status`` is the HTTP status, ``code`` the stable word of mycloud (empty on other clouds).
    """

    status: int
    message: str
    code: str = ""
    request_id: str | None = None
    operation_id: str | None = None


class ApiError(ClientError):
    """The cloud answered with an error."""

    def __init__(self, refusal: Refusal):
        super().__init__(refusal.message)
        self.status = refusal.status
        self.code = refusal.code
        self.message = refusal.message
        self.request_id = refusal.request_id
        self.operation_id = refusal.operation_id


class BadRequest(ApiError):
    """400 and its relatives: the request itself is wrong."""


class Unauthorized(ApiError):
    """401: the cloud doesn't know who asks."""


class Forbidden(ApiError):
    """403: the cloud knows who asks, and that is not enough (rights or quota)."""


class NotFound(ApiError):
    """404: there is no such thing, or not for this project."""

    @classmethod
    def named(cls, noun: str, name: str) -> "NotFound":
        """The error for a name that no listing shows."""
        return cls(Refusal(404, f"No {noun} has the name or id '{name}'", "not_found"))


class Conflict(ApiError):
    """409: not in this state, or not while something else is going on."""


class TooMany(ApiError):
    """429: asked too often."""


class ServerFault(ApiError):
    """5xx: the cloud's own failure."""


class Unavailable(ServerFault):
    """503 (or 502, 504 of a proxy): not now; the retries have been used up."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    429: TooMany,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def from_answer(status: int, headers: Mapping[str, str], body: bytes | str) -> ApiError:
    """The typed error for an HTTP answer with a status of 400 or more."""
    lowered = {name.lower(): value for name, value in headers.items()}
    message, code = _read_body(body)
    code = lowered.get(ERROR_CODE_HEADER) or code
    request_id = next((lowered[h] for h in REQUEST_ID_HEADERS if lowered.get(h)), None)
    refusal = Refusal(
        status,
        message or f"The cloud answered with HTTP status {status} and said no more",
        code,
        request_id,
        lowered.get(OPERATION_ID_HEADER),
    )
    fallback = ServerFault if status >= 500 else BadRequest
    return _BY_STATUS.get(status, fallback)(refusal)


def _read_body(body: bytes | str) -> tuple[str, str]:
    """The message and the stable code in an error body of any of the services."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        document = json.loads(text)
    except ValueError:
        # what a proxy in between says, often a whole HTML page
        return ("" if text.lstrip().startswith("<") else text.strip()[:500]), ""
    return _from_document(document)


def _from_document(document: Any) -> tuple[str, str]:
    if not isinstance(document, dict):
        return "", ""
    if "message" not in document:
        inner = next((value for value in document.values() if isinstance(value, dict)), None)
        if inner is not None:
            return _from_document(inner)
        errors = document.get("errors")
        if isinstance(errors, list) and errors:
            return _from_document(
                {"message": errors[0].get("detail"), **errors[0]} if errors[0] else {}
            )
    message, code = document.get("message"), document.get("code")
    # elsewhere the code is the HTTP status, as a number or as "404 Not Found"
    stable = isinstance(code, str) and not code[:1].isdigit()
    return (message if isinstance(message, str) else ""), (str(code) if stable else "")
