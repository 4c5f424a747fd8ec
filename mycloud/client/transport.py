"""Requests to the services of one cloud, as one identity.

Every POST carries an ``Idempotency-Key``: one uuid for a logical request, the same over all its
attempts. A mycloud does an operation with one key once, so there a POST that asks for one is sent
again when its answer was lost; others are not.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from mycloud.client import errors
from mycloud.client.auth import TokenCache
from mycloud.client.config import CloudConfig
from mycloud.client.retry import Outcome, Repeater, RetryPolicy
from mycloud.common import clock

if TYPE_CHECKING:
    from keystoneauth1.access import AccessInfo
    from keystoneauth1.session import Session
    from requests import Response

LOG = logging.getLogger(__name__)

#: The highest compute microversion that this library understands; it asks for this one.
COMPUTE_MICROVERSION = "2.60"
#: The same of block storage.
VOLUME_MICROVERSION = "3.59"
#: Catalog type of block storage.
VOLUME = "block-storage"
#: Catalog type -> the version that its paths start with, where the catalog leaves it out.
_VERSIONS = {
    "identity": "v3", "image": "v2", "mycloud": "v1", "compute": "v2.1", VOLUME: "v3",
}  # fmt: skip
#: Catalog type -> older words for it, which other clouds may have instead.
_OLDER_TYPES = {VOLUME: ("volumev3",)}
#: Services and first words of paths whose POSTs are operations: mycloud does one with a known
#: key once. Others would be done twice.
_KEYED = frozenset(
    {("compute", "servers")} | {(VOLUME, noun) for noun in ("volumes", "snapshots", "backups")}
)
_VERSION = re.compile(r"v[0-9][0-9.]*")
_SAME_WHEN_REPEATED = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass(frozen=True)
class Request:
    """What to ask. ``path`` comes after the service's version; its names are quoted already.

    ``body`` is a JSON document; ``stream`` the blocks to send instead, taken from their start at
    every attempt.
    ``download``: leave the answer's body on the wire, to be read in chunks.
    """

    service: str
    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    stream: Iterable[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    download: bool = False


class Answer:
    """A successful answer."""

    def __init__(self, raw: "Response"):
        self._raw = raw
        self.status: int = raw.status_code
        self.headers: Mapping[str, str] = raw.headers

    @property
    def body(self) -> Any:
        """The JSON document; None when there is no body.

        :raises ClientError: if the body is something else
        """
        if not self._raw.content:
            return None
        try:
            return self._raw.json()
        except ValueError as error:
            raise errors.ClientError(
                f"{self._raw.url} answered with something that is not JSON; is it a cloud's "
                "address?"
            ) from error

    @property
    def operation_id(self) -> str | None:
        return self.headers.get(errors.OPERATION_ID_HEADER)

    @property
    def request_id(self) -> str | None:
        return self.headers.get(errors.REQUEST_ID_HEADERS[0])

    def chunks(self, size: int) -> Iterator[bytes]:
        """The body in pieces of at most ``size`` bytes, for a request made with ``download``."""
        return self._raw.iter_content(size)

    def close(self) -> None:
        self._raw.close()


def segment(text: str) -> str:
    """One piece of a path, quoted: a name with a slash stays one piece.

    :raises NotFound: for what HTTP would take for another path, and so can't be an id
    """
    if text in ("", ".", ".."):
        raise errors.NotFound(errors.Refusal(404, f"'{text}' is no id", "not_found"))
    return quote(text, safe="")


class Transport:
    """Sends requests as one identity to one cloud."""

    def __init__(
        self,
        config: CloudConfig,
        session: "Session",
        *,
        tokens: TokenCache | None = None,
        repeater: Repeater | None = None,
    ):
        self.config = config
        self._session = session
        self._plugin: Any = session.auth
        self._tokens = tokens
        self._repeater = repeater or Repeater(RetryPolicy())
        self._token_restored = tokens is None

    # -- identity --------------------------------------------------------------------------

    @property
    def project_id(self) -> str:
        """The project that the token is for.

        :raises ConfigError: if it is for none
        """
        project = self.access().project_id
        if not project:
            raise self._no_project()
        return str(project)

    def _no_project(self) -> errors.ConfigError:
        return errors.ConfigError(
            f"Cloud '{self.config.name}' names no project to work in; give one with "
            "--os-project-name or OS_PROJECT_NAME"
        )

    def access(self) -> "AccessInfo":
        """The token with its roles and catalog: of an earlier run, this one's, or a new one.

        :raises Unauthorized: the cloud doesn't accept the login
        """
        if not self._token_restored and self._tokens is not None:
            self._tokens.restore(self._plugin)
            self._token_restored = True
        before = self._plugin.auth_ref
        self._log_in()
        access: AccessInfo = self._plugin.auth_ref
        if self._tokens is not None and access is not before:
            self._tokens.save(self._plugin)
        return access

    def _log_in(self) -> None:
        """Have a token that is good for a while; asks the cloud only if there is none."""
        from keystoneauth1 import exceptions

        def once() -> "Response":
            try:
                self._plugin.get_access(self._session)
            except exceptions.HttpError as error:
                if error.response is None:
                    raise errors.ClientError(str(error)) from error
                return error.response
            except exceptions.ConnectionError:
                raise
            except exceptions.ClientException as error:
                raise errors.ClientError(
                    f"Can't log in at {self.config.auth_url}: {error}"
                ) from error
            return _nothing_wrong()

        response = self._repeater.run(
            once, self.config.auth_url, repeatable=lambda: True
        ).response
        if response.status_code < 400:
            return
        error = errors.from_answer(response.status_code, response.headers, response.content)
        if isinstance(error, errors.Unauthorized):
            who = self.config.auth.get("username") or self.config.auth.get("user_id") or "it"
            error.args = (
                f"The cloud at {self.config.auth_url} does not let {who} in: {error.message} "
                "Check the user, its domain, the password and the project",
            )
        raise error

    def has_service(self, service: str) -> bool:
        """True if the catalog lists the service."""
        return any(
            self.access().service_catalog.get_urls(service_type=one)
            for one in (service, *_OLDER_TYPES.get(service, ()))
        )

    def endpoint(self, service: str) -> str:
        """The URL that the service's paths are appended to, without a slash at its end.

        :raises ConfigError: if the catalog has none for the region and interface
        """
        config = self.config
        catalog = self.access().service_catalog
        found = next(
            filter(
                None,
                (
                    catalog.get_urls(
                        service_type=one, interface=config.interface, region_name=config.region
                    )
                    for one in (service, *_OLDER_TYPES.get(service, ()))
                ),
            ),
            None,
        )
        if not found:
            # without a scope there is no catalog: say that, not what follows from it
            access: Any = self.access()
            if not (access.scoped or access.system):
                raise self._no_project()
            region = f", region {config.region}" if config.region else ""
            raise errors.ConfigError(
                f"The catalog of cloud '{config.name}' lists no {service} service "
                f"(interface {config.interface}{region})"
            )
        url = str(found[0]).rstrip("/")
        # block storage's may end with the version or, elsewhere, with the project below it
        if any(_VERSION.fullmatch(part) for part in url.split("/")[-2:]):
            return url
        return f"{url}/{_VERSIONS[service]}"

    # -- requests --------------------------------------------------------------------------

    def send(self, request: Request) -> Answer:
        """Send and return the successful answer.

        :raises ApiError: the cloud refused
        :raises CloudUnreachable: no answer within the patience of the retry policy
        :raises ConfigError: the catalog has no such service
        """
        headers = self._headers(request)
        outcome = self._attempt(request, headers)
        if outcome.response.status_code == 401:
            # expired, revoked, or of an earlier run of the cloud: log in once more
            self._session.invalidate(self._plugin)
            if self._tokens is not None:
                self._tokens.forget(self._plugin)
            outcome = self._attempt(request, headers)
        response = outcome.response
        if response.status_code < 400:
            return Answer(response)
        gone = response.status_code == 404 and request.method == "DELETE"
        if gone and outcome.maybe_done_before:
            LOG.debug("%s was deleted by an attempt whose answer was lost", request.path)
            return Answer(response)
        raise errors.from_answer(response.status_code, response.headers, response.content)

    def _attempt(self, request: Request, headers: Mapping[str, str]) -> Outcome:
        self.access()
        url = self.endpoint(request.service) + request.path
        return self._repeater.run(
            lambda: self._exchange(request, url, headers),
            url,
            repeatable=lambda: self._repeatable(request),
        )

    def _repeatable(self, request: Request) -> bool:
        if request.method == "POST":
            return (request.service, request.path.split("/")[1]) in _KEYED and self.has_service(
                "mycloud"
            )
        return request.method in _SAME_WHEN_REPEATED

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Accept": "application/json", **request.headers}
        if request.method == "POST":
            headers.setdefault("Idempotency-Key", clock.new_id())
        if request.service == "compute":
            headers["OpenStack-API-Version"] = f"compute {COMPUTE_MICROVERSION}"
            headers["X-OpenStack-Nova-API-Version"] = COMPUTE_MICROVERSION
        if request.service == VOLUME:
            headers["OpenStack-API-Version"] = f"volume {VOLUME_MICROVERSION}"
        return headers

    def _exchange(self, request: Request, url: str, headers: Mapping[str, str]) -> "Response":
        arguments: dict[str, Any] = {"headers": dict(headers)}
        if request.query:
            arguments["params"] = {k: v for k, v in request.query.items() if v is not None}
        if request.body is not None:
            arguments["json"] = request.body
        if request.stream is not None:
            arguments["data"] = request.stream
        if request.download:
            arguments["stream"] = True
        began = clock.monotonic()
        # its own log would show passwords in bodies; ours names what was asked and answered
        response: Response = self._session.request(
            url, request.method, raise_exc=False, allow_reauth=False, log=False, **arguments
        )
        LOG.debug(
            "%s %s -> %s in %.3f s (%s)",
            request.method,
            response.url,
            response.status_code,
            clock.monotonic() - began,
            response.headers.get(errors.REQUEST_ID_HEADERS[0], "no request id"),
        )
        return response

    def get(self, service: str, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The document that a GET gives."""
        return self.send(Request(service, "GET", path, query or {})).body

    def post(self, service: str, path: str, body: Any) -> Answer:
        return self.send(Request(service, "POST", path, body=body))

    def put(self, service: str, path: str, body: Any = None) -> Answer:
        return self.send(Request(service, "PUT", path, body=body))

    def patch(self, service: str, path: str, body: Any) -> Answer:
        return self.send(Request(service, "PATCH", path, body=body))

    def delete(
        self, service: str, path: str, query: Mapping[str, Any] | None = None
    ) -> Answer:
        return self.send(Request(service, "DELETE", path, query or {}))

    def pages(
        self, service: str, path: str, key: str, query: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every element under ``key``, page after page; a page is fetched when it is needed."""
        asked = {k: str(v) for k, v in (query or {}).items() if v is not None}
        while True:
            document = self.get(service, path, asked)
            yield from document[key]
            following = _next_query(document, key)
            if following is None or following == asked:
                return
            asked = following


def _next_query(document: Mapping[str, Any], key: str) -> dict[str, str] | None:
    """The query of the next page, in the forms of all the services.

    Only the query is taken from the link: behind a proxy its host may be one that this side
    can't reach.
    """
    link = document.get("next")
    # block storage says volume_type_links where the list is called volume_types
    links = document.get(
        f"{key}_links", document.get(f"{key[:-1]}_links", document.get("links"))
    )
    if isinstance(links, dict):
        link = links.get("next") or link
    elif isinstance(links, list):
        link = next((item["href"] for item in links if item.get("rel") == "next"), link)
    if not link:
        return None
    return dict(parse_qsl(urlsplit(str(link)).query, keep_blank_values=True))


def _nothing_wrong() -> "Response":
    from requests import Response

    response = Response()
    response.status_code = 200
    return response
