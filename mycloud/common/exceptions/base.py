"""The base of all domain errors, and the families that map to an HTTP status."""

from typing import Any


class MycloudError(Exception):
    """The base of all domain errors.

    ``status`` is the HTTP status, ``code`` a stable word for programs, ``message`` the text.
    ``final``: what failed so on one host would fail so on every other one.
    """

    final = False
    status = 500
    code = "internal_error"
    template = "An unknown error occurred."

    def __init__(self, message: str | None = None, **kwargs: Any):
        self.kwargs = kwargs
        self.message = message if message is not None else self.template % kwargs
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.kwargs)


def _rebuild(cls: type[MycloudError], message: str, kwargs: dict[str, Any]) -> MycloudError:
    return cls(message, **kwargs)


class Invalid(MycloudError):
    status, code = 400, "invalid"
    template = "The request is not valid: %(reason)s"


class NotAuthenticated(MycloudError):
    status, code = 401, "unauthorized"
    template = "The request you have made requires authentication."


class Forbidden(MycloudError):
    status, code = 403, "forbidden"
    template = "Policy doesn't allow %(action)s to be performed."


class NotFound(MycloudError):
    status, code = 404, "not_found"
    template = "%(resource)s %(id)s could not be found."


class MethodNotAllowed(MycloudError):
    status, code = 405, "method_not_allowed"
    template = "%(method)s is not allowed here; allowed: %(allowed)s."


class NotAcceptable(MycloudError):
    status, code = 406, "not_acceptable"
    template = "Version %(version)s is not supported; from %(minimum)s to %(maximum)s is."


class Conflict(MycloudError):
    status, code = 409, "conflict"
    template = "The request conflicts with the state of the resource: %(reason)s"


class Gone(MycloudError):
    status, code = 410, "gone"
    template = "The resource is no longer available."


class TooLarge(MycloudError):
    status, code = 413, "too_large"
    template = "%(reason)s"


class UnsupportedMediaType(MycloudError):
    status, code = 415, "unsupported_media_type"
    template = "Content-Type %(given)s is not supported; send %(wanted)s."


class RangeNotSatisfiable(MycloudError):
    status, code = 416, "range_not_satisfiable"
    template = "The requested range %(range)s is outside of the %(size)s bytes there are."


class NotImplementedHere(MycloudError):
    status, code = 501, "not_implemented"
    template = "%(what)s is not available on this cloud."


class Unavailable(MycloudError):
    status, code = 503, "unavailable"
    template = "%(what)s is not available at the moment; try again later."


class BadField(Invalid):
    code = "bad_field"
    template = "Invalid input for field/attribute %(field)s: %(reason)s"


class MalformedBody(Invalid):
    code = "malformed_body"
    template = "The request body is not valid JSON: %(reason)s"


class UnknownMarker(Invalid):
    code = "unknown_marker"
    template = "marker [%(marker)s] not found"


class QuotaExceeded(Forbidden):
    code = "quota_exceeded"
    template = (
        "Quota exceeded for %(resource)s: Requested %(requested)s, but already used %(used)s of "
        "%(limit)s %(resource)s. Delete what is not needed or ask for a larger quota."
    )


class IdempotencyConflict(Conflict):
    status, code = 422, "idempotency_conflict"
    template = (
        "The Idempotency-Key was used for another request (%(kind)s); use a new key for a new "
        "request."
    )
