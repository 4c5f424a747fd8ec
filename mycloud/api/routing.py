"""Rows of routes, and the router that runs them.

A row says everything: verb, path, handler, policy, schemas, microversions, status. One without
a policy, or one that takes a body without a schema, does not load.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import routes
import webob
import webob.dec

from mycloud.api import faults, schema, wsgi
from mycloud.api.versions import NONE, Version, VersionRange
from mycloud.common import exceptions, policy

Handler = Callable[[wsgi.Request], Any]
Schema = dict[str, Any]
#: One schema, or (first microversion, schema) pairs in rising order.
Schemas = Schema | Sequence[tuple[str, Schema]]

#: Any query at all; for routes that ignore theirs.
ANY_QUERY: Schema = {"type": "object", "additionalProperties": True}
NO_QUERY = ANY_QUERY

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
#: Bytes of a JSON body, which is in memory whole; of a pipeline whose data may be larger.
_MAX_BODY = 1 << 20


@dataclass(frozen=True)
class Route:
    """One row.

    ``policy``: the rule's name; None only together with ``anonymous``. ``body``: schemas of the
    JSON body, or RAW where the handler reads the bytes itself, or NO_BODY. ``action``: the one
    key of the body that this row answers to (POST .../action). ``versions``: first and last
    microversion ("" = no bound). ``status``: of an answer that is no Response itself, or pairs
    like schemas.
    """

    verb: str
    path: str
    handler: Handler
    policy: str | None = None
    body: Any = None
    query: Schemas = None  # type: ignore[assignment]
    status: int | Sequence[tuple[str, int]] = 200
    versions: tuple[str, str] = ("", "")
    action: str | None = None
    anonymous: bool = False

    def __post_init__(self) -> None:
        if not self.policy and not self.anonymous:
            raise ValueError(f"{self.verb} {self.path}: a row needs a policy")
        if self.verb in _WITH_BODY and self.body is None:
            raise ValueError(f"{self.verb} {self.path}: a row that takes a body needs a schema")
        if self.query is None:
            raise ValueError(f"{self.verb} {self.path}: a row needs a query schema")

    def covers(self, version: Version) -> bool:
        first, last = self.versions
        return (not first or version >= Version.parse(first)) and (
            not last or version <= Version.parse(last)
        )


class Raw:
    """The handler reads the bytes of the body itself; ``media_types`` are the ones it takes."""

    def __init__(self, *media_types: str):
        self.media_types = media_types


#: The body is not looked at.
NO_BODY = Raw()


def of_version(choice: Any, version: Version) -> Any:
    """The entry of (first version, entry) pairs that is in force; a plain entry always is, and
    the first one below all versions, as where there are none."""
    if not isinstance(choice, (list, tuple)):
        return choice
    found = choice[0][1]
    for first, entry in choice:
        if version >= Version.parse(first):
            found = entry
    return found


class Router:
    """A WSGI application of rows, for one service."""

    def __init__(self, style: str, rows: Iterable[Route], versions: VersionRange = NONE):
        self.style = style
        self.versions = versions
        self.rows = list(rows)
        self._mapper = routes.Mapper(register=False, controller_scan=None, always_scan=False)
        self._mapper.minimization = False
        self._by_path: dict[str, list[Route]] = {}
        for row in self.rows:
            self._by_path.setdefault(row.path, []).append(row)
        for path in self._by_path:
            self._mapper.connect(None, path, row_path=path, requirements=_gaps(path))
        self._mapper.create_regs([])

    @webob.dec.wsgify(RequestClass=wsgi.Request)
    def __call__(self, request: wsgi.Request) -> webob.Response:
        """The API's fault wrapper: one of the four doors."""
        version = self.versions.minimum
        try:
            version = self.versions.negotiate(dict(request.headers))
            request.environ["mycloud.version"] = version
            response = self._answer(request, version)
        except Exception as error:
            response = faults.response(error, self.style)
        if self.versions.spoken:
            response.headers.update(self.versions.answer_headers(version))
            if wsgi.REQUEST_ID_KEY in request.environ:
                # beside x-openstack-request-id: what compute's clients knew before 2.46
                response.headers["X-Compute-Request-Id"] = request.environ[wsgi.REQUEST_ID_KEY]
        response.headers.update(request.out_headers)
        return response

    def _answer(self, request: wsgi.Request, version: Version) -> webob.Response:
        group = self._match(request)
        candidates = [row for row in group if row.covers(version)]
        verb = "GET" if request.method == "HEAD" else request.method
        if not candidates:
            raise exceptions.NotFound("The resource could not be found.")
        chosen = [row for row in candidates if row.verb == request.method] or [
            row for row in candidates if row.verb == verb
        ]
        if not chosen:
            allowed = ", ".join(sorted({row.verb for row in candidates}))
            raise exceptions.MethodNotAllowed(method=request.method, allowed=allowed)
        row = _checked(request, chosen, version)
        result = row.handler(request)
        if isinstance(result, webob.Response):
            return result
        status = of_version(row.status, version)
        if result is None:
            return wsgi.empty_response(status)
        return wsgi.json_response(result, status)

    def _match(self, request: wsgi.Request) -> list[Route]:
        try:
            path = request.path_info
        except UnicodeDecodeError as error:
            raise exceptions.NotFound("The resource could not be found.") from error
        if self.style == "identity" and len(path) > 1:
            # only there a slash at the end is nothing; elsewhere it is an id that is missing
            path = path.rstrip("/")
        match = self._mapper.match(path or "/", request.environ)
        if match is None:
            raise exceptions.NotFound("The resource could not be found.")
        group = self._by_path[match.pop("row_path")]
        match.pop("controller", None)
        match.pop("action", None)
        request.environ["mycloud.args"] = args = {
            name: unquote(value) for name, value in match.items()
        }
        if any(not value.isprintable() or len(value) > 255 for value in args.values()):
            raise exceptions.NotFound("The resource could not be found.")
        return group


def _gaps(path: str) -> dict[str, str]:
    names = [part.split("}")[0] for part in path.split("{")[1:]]
    return dict.fromkeys(names, "[^/]+")


def _checked(request: wsgi.Request, rows: list[Route], version: Version) -> Route:
    """The row that answers, once the caller may and the request is well formed."""
    body: Any = None
    row = rows[0]
    if not row.anonymous:
        # nobody learns of schemas without having logged in
        request.context  # noqa: B018
    if isinstance(row.body, Raw):
        _check_media_type(request, row.body.media_types)
    elif row.verb in _WITH_BODY or row.body is not None:
        body = _body(request)
        if row.action is not None:
            row = _by_action(rows, body)
    if row.policy:
        policy.enforce(request.context, row.policy)
    wanted = of_version(row.body, version)
    if wanted is not None and not isinstance(wanted, Raw):
        schema.check(body, wanted, where="body")
    request.environ["mycloud.body"] = body
    request.environ["mycloud.query"] = schema.parse_query(
        list(_query_items(request)), of_version(row.query, version)
    )
    return row


def _query_items(request: wsgi.Request) -> Iterable[tuple[str, str]]:
    try:
        return list(request.GET.items())
    except UnicodeDecodeError as error:
        raise exceptions.BadField(field="the query", reason="it is not UTF-8") from error


def _body(request: wsgi.Request) -> Any:
    raw = _read(request)
    if not raw:
        raise exceptions.MalformedBody(reason="it is empty")
    if request.content_type not in ("application/json", "", "application/octet-stream") and (
        not request.content_type.endswith("+json")
        and not request.content_type.endswith("-json-patch")
    ):
        raise exceptions.UnsupportedMediaType(
            given=request.content_type[:100], wanted="application/json"
        )
    return schema.parse_body(raw)


def _read(request: wsgi.Request) -> bytes:
    """The body, whether its length was announced or it comes in chunks.

    :raises TooLarge: :raises MalformedBody: when it ends early
    """
    announced = request.content_length
    if announced is None and not request.headers.get("Transfer-Encoding"):
        return b""
    if (announced or 0) > _MAX_BODY:
        raise _too_large()
    # a server's stream need not end with the request: no more is read than was announced
    wanted = _MAX_BODY + 1 if announced is None else announced
    source, blocks = request.environ["wsgi.input"], []
    while wanted > 0:
        try:
            block = source.read(wanted)
        except (OSError, ValueError) as error:
            raise exceptions.MalformedBody(reason="it can't be read to its end") from error
        if not block:
            break
        blocks.append(block)
        wanted -= len(block)
    if announced is None and wanted == 0:
        raise _too_large()
    if announced is not None and wanted > 0:
        raise exceptions.MalformedBody(reason="it is shorter than its Content-Length")
    return b"".join(blocks)


def _too_large() -> exceptions.TooLarge:
    return exceptions.TooLarge(reason=f"The body may have at most {_MAX_BODY} bytes.")


def _check_media_type(request: wsgi.Request, wanted: Sequence[str]) -> None:
    if wanted and request.content_type not in wanted:
        raise exceptions.UnsupportedMediaType(
            given=request.content_type[:100] or "none", wanted=" or ".join(wanted)
        )


def _by_action(rows: list[Route], body: Any) -> Route:
    if not isinstance(body, dict) or len(body) != 1:
        raise exceptions.BadField(
            field="body", reason="it must be an object with the action's name as its only key"
        )
    name = next(iter(body))
    for row in rows:
        if row.action == name:
            return row
    raise exceptions.BadField(field=name, reason=f"There is no such action: {name[:100]}")
