"""Whatever comes in, over every route: no answer says that the cloud itself failed, and each
refusal is in the API's own form."""

import io
import os
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import fixtures
import hypothesis
import testtools
import webob
from hypothesis import strategies

from mycloud.api import cloud, compute, discovery, identity, image, versions, volume
from mycloud.api.routing import NO_BODY, Raw, Route, of_version
from mycloud.api.versions import Version
from tests.fixtures.cloud import Cloud
from tests.fixtures.everything import SSH_KEY, Everything, Persona, filled
from tests.fixtures.nonsense import Nonsense

#: More requests a route and other ones: a nightly run sets both.
ROUNDS = int(os.environ.get("MYCLOUD_TEST_NONSENSE", "6"))
SEED = int(os.environ.get("MYCLOUD_TEST_SEED", "1"))

#: Where each API lies, its rows, and the form of its errors.
APIS = (
    ("/identity/v3", identity.rows(), "identity"),
    ("/compute/v2.1", compute.rows(), "compute"),
    ("/image/v2", image.rows(), "image"),
    ("/cloud/v1", cloud.rows(), "cloud"),
    ("/volume/v3", volume.rows(), "volume"),
    ("", discovery.ROOT, "cloud"),
    ("/identity", discovery.IDENTITY, "identity"),
    ("/compute", discovery.COMPUTE, "compute"),
    ("/image", discovery.IMAGE, "image"),
)
#: Those that are whole, not only documents about versions.
WHOLE = APIS[:5]
#: By the form of errors; other APIs have none.
VERSIONS = {
    "compute": ("2.1", "2.26", "2.53", "2.60"),
    "volume": ("3.0", "3.24", "3.52", str(versions.VOLUME.maximum)),
}
JSON = "application/json"
PATCHES = "application/openstack-images-v2.1-json-patch"

#: Bodies that no route takes, and with which media type.
BODIES = (
    (b"", JSON), (b"{", JSON), (b"nul", JSON),
    (b"\xff\xfe\x00", JSON), (b'{"a": NaN}', JSON),
    (b"[" * 100_000, JSON), (b'{"a":' * 500 + b"1" + b"}" * 500, JSON),
    (b'{"a": "\\u0000"}', JSON), (b'{"\\ud800": 1}', JSON),
    (b"9" * 10_000, JSON), (b'"text"', JSON),
    (b"null", JSON), (b"[[]]", JSON),
    (b'{"a": "' + b"x" * (2 << 20) + b'"}', JSON),
    (b"<a/>", "application/xml"), (b"a=b", "application/x-www-form-urlencoded"),
    (b"{}", "text/plain"), (b"{}", "multipart/form-data"), (b"{}", "\xe9/"),
)
IDS = (
    "x", " ", "..", "../..", "%", "\x00", "a\x00b", "\n", "-1", "0", "99999999999999999999",
    "x" * 256, "x" * 8000, "\u202e", "\U0001f600", "é" * 200, "'", '"', "*", "None", ";", "{id}",
    "00000000-0000-0000-0000-000000000000", "%2F", "²", "ffffffff" * 4,
)
QUERIES = (
    "limit=-1", "limit=abc", "limit=99999999999999999999999999", "limit=", "limit=1&limit=x",
    "marker=", "marker=nobody", "marker=%00", "marker=" + "x" * 2000, "sort_key=nothing",
    "sort_key=id;--", "sort_dir=up", "sort=id:sideways", "offset=-1", "foo=bar", "%00=1",
    "%ff=%fe", "a=%ud800", "=", "&&&", "name=%00", "name=*(", "id=in:", "changes-since=yesterday",
    "created_at=gt:never", "all_tenants=maybe", "status=%F0%9F%98%80", "start=x&end=y",
    "size_min=-1", "user_id=" + "u" * 300, "project_id=%0a",
)
WRONG_VERSIONS = (
    "compute 2.0", "compute 2.999", "compute 3.0", "compute 1.1", "compute x", "compute 2",
    "compute 2.1.1", "compute -2.1", "compute 2.\xb2", "compute 2." + "9" * 5000,
)


class _Case(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        # no host: what is accepted by chance has nowhere to run
        self.cloud = self.useFixture(Cloud(hosts=0, **self.options()))
        self.things = Everything(self.cloud)
        self.failures: list[str] = []
        self.statuses: set[int] = set()

    def options(self) -> dict[str, Any]:
        """More arguments for the cloud."""
        return {}

    def send(
        self, who: Persona, verb: str, path: str, *, style: str, body: bytes = b"",
        **headers: str,
    ) -> webob.Response:
        """Ask, and note what is wrong with the answer."""
        # not every path and header is one that webob would take
        environ = webob.Request.blank("/", base_url="http://cloud.test").environ
        raw, _, environ["QUERY_STRING"] = path.partition("?")
        # as a server has it: bytes, in a text of latin-1
        environ["PATH_INFO"] = unquote_to_bytes(raw).decode("latin-1")
        request = webob.Request(environ, method=verb)
        request.headers["X-Auth-Token"] = who.token
        if style == "volume" and "OpenStack_API_Version" not in headers:
            # most routes are not in the first version
            headers["OpenStack_API_Version"] = f"volume {VERSIONS[style][-1]}"
        if body or verb in ("POST", "PUT", "PATCH"):
            request.body = body
        for name, value in headers.items():
            request.headers[name.replace("_", "-")] = value
        answer = request.get_response(self.cloud.app)
        self.statuses.add(answer.status_int)
        fault = wrong_with(answer, style, verb)
        if fault:
            self.failures.append(
                f"{fault}: {who.name} {verb} {path[:160]} {headers} {body[:100]!r} -> "
                f"{answer.status} {answer.body[:160]!r}"
            )
        return answer

    def prove(self, *statuses: int) -> None:
        """Nothing was wrong; and all of these answers came, or the test proves nothing."""
        if self.failures:
            told = "\n".join(self.failures[:30])
            self.fail(f"{len(self.failures)} failures:\n{told}\n{self.log.output[-4000:]}")
        self.assertEqual(set(), set(statuses) - self.statuses)


def wrong_with(answer: webob.Response, style: str, verb: str) -> str | None:
    """What is wrong with an answer; None if it is as it should be."""
    if answer.status_int >= 500:
        return "a fault of the cloud"
    if answer.status_int < 400 or verb == "HEAD":
        return None
    if answer.content_type != JSON:
        return "an error that is not JSON"
    if len(answer.json) != 1:
        return "an error in another form"
    (error,) = answer.json.values()
    code = {"cloud": "status"}.get(style, "code")
    named = str(error.get(code, "")).startswith(str(answer.status_int))
    if not named or not error.get("message"):
        return "an error in another form"
    return None


def rows() -> Iterator[tuple[str, Route, str]]:
    """Base, row and form of errors; those that take away come last."""
    found = [(base, row, style) for base, rows_, style in APIS for row in rows_]
    return iter(sorted(found, key=lambda one: one[1].verb == "DELETE"))


def takes_json(row: Route) -> bool:
    return row.body is not None and not isinstance(row.body, Raw)


class BadInputTest(_Case):
    """What hypothesis makes of our own schemas."""

    def check(self, who: Persona, base: str, row: Route, style: str) -> None:
        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=ROUNDS, database=None, deadline=None,
            # what is wrong is collected, not raised: there is nothing to shrink
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(strategies.randoms(use_true_random=False))
        def once(source: random.Random) -> None:
            self.generated(Nonsense(source, who.ids), who, base, row, style)

        once()

    def generated(
        self, nonsense: Nonsense, who: Persona, base: str, row: Route, style: str
    ) -> None:
        path = base + nonsense.path(row.path)
        known = VERSIONS.get(style, ("1.0",))
        version = known[len(path) % len(known)]
        parsed = Version.parse(version)
        path += "?" + nonsense.query(of_version(row.query, parsed))
        headers = {"OpenStack_API_Version": f"{style} {version}"} if style in VERSIONS else {}
        body = b""
        if row.body is not None and row.body is not NO_BODY:
            raw = isinstance(row.body, Raw)
            schema = None if raw else of_version(row.body, parsed)
            if row.action:
                schema = schema or {"type": "object", "properties": {row.action: {}}}
            body = nonsense.body(schema)
            headers["Content_Type"] = media_type(row)
        self.send(who, row.verb, path, style=style, body=body, **headers)

    def test_member(self) -> None:
        for base, row, style in rows():
            self.check(self.things.owner, base, row, style)
        self.prove(200, 400, 403, 404)

    def test_admin(self) -> None:
        for base, row, style in rows():
            self.check(self.things.admin, base, row, style)
        self.prove(200, 201, 400, 404, 409)


def media_type(row: Route) -> str:
    if isinstance(row.body, Raw) and row.body.media_types:
        return str(row.body.media_types[0])
    if row.verb == "PATCH" and "/images/" in row.path:
        return PATCHES
    return JSON


class _Broken:
    """The stream of a client that has gone."""

    def read(self, size: int = -1) -> bytes:
        raise OSError("the connection ended")


class WalkTest(_Case):
    """Chosen nonsense, one place at a time, in requests that are right otherwise."""

    def test_bodies(self) -> None:
        for base, row, style in rows():
            if not takes_json(row):
                continue
            path = base + quote(filled(row.path, self.things.admin.ids))
            for body, kind in BODIES:
                kind = kind.replace(JSON, media_type(row))
                answer = self.send(
                    self.things.admin, row.verb, path, style=style, body=body, Content_Type=kind
                )
                if answer.status_int < 400:
                    self.failures.append(f"taken: {row.verb} {path} {body[:80]!r}")
        self.prove(400, 413, 415)

    def test_chunks(self) -> None:
        """A body whose length nobody has announced."""
        keypair = b'{"keypair": {"name": "in chunks", "public_key": "%s"}}' % SSH_KEY.encode()
        for source, status in (
            (io.BytesIO(keypair), 200), (io.BytesIO(b"[" * (2 << 20)), 413),
            (io.BytesIO(b""), 400), (_Broken(), 400),
        ):
            request = webob.Request.blank(
                "/compute/v2.1/os-keypairs", method="POST", base_url="http://cloud.test",
                environ={"wsgi.input": source, "HTTP_TRANSFER_ENCODING": "chunked"},
                headers={"X-Auth-Token": self.things.owner.token}, content_type=JSON,
            )
            request.environ.pop("CONTENT_LENGTH", None)
            answer = request.get_response(self.cloud.app)
            self.assertEqual(status, answer.status_int, answer.text)
            self.assertIsNone(wrong_with(answer, "compute", "POST"))

    def test_methods(self) -> None:
        for base, rows_, style in APIS:
            verbs: dict[str, set[str]] = {}
            for row in rows_:
                verbs.setdefault(filled(row.path, self.things.admin.ids), set()).add(row.verb)
            for path, known in verbs.items():
                if not path.strip("/"):
                    continue
                for verb in {"GET", "POST", "PUT", "PATCH", "DELETE", "BREW", "TRACE"} - known:
                    self.send(self.things.owner, verb, base + quote(path), style=style)
        self.prove(405)
        self.assertEqual(set(), {200, 201, 202, 204} & self.statuses)

    def test_microversions(self) -> None:
        for base, row, style in rows():
            if style not in VERSIONS or base == f"/{style}":
                continue
            path = base + quote(filled(row.path, self.things.owner.ids))
            for version in WRONG_VERSIONS:
                if style == "volume":
                    version = version.replace("compute 3", "volume 4").replace(
                        "compute 2", "volume 3").replace("compute", "volume").replace(
                        "volume 3.0", "volume 2.9")
                answer = self.send(
                    self.things.owner, row.verb, path, style=style,
                    OpenStack_API_Version=version,
                )
                if answer.status_int not in (400, 406):
                    self.failures.append(f"taken: {row.verb} {path} {version}")
        self.prove(400, 406)

    def test_ids(self) -> None:
        for base, row, style in rows():
            for gap in {part for part in row.path.split("/") if part.startswith("{")}:
                whole = filled(row.path.replace(gap, "GAP"), self.things.owner.ids)
                for value in IDS:
                    path = base + quote(whole).replace("GAP", quote(value, safe=""))
                    self.send(
                        self.things.owner, row.verb, path, style=style,
                        body=b"{}" if takes_json(row) else b"", Content_Type=media_type(row),
                    )
        self.prove(404)

    def test_queries(self) -> None:
        for who in (self.things.owner, self.things.admin):
            for base, row, style in rows():
                if row.verb != "GET":
                    continue
                path = base + quote(filled(row.path, who.ids))
                for query in QUERIES:
                    self.send(who, "GET", f"{path}?{query}", style=style)
        self.prove(200, 400, 404)

    def test_paths_that_lead_nowhere(self) -> None:
        for base, _, style in WHOLE:
            for path in ("/nothing", "//", "/%00", "/..", "/" + "x" * 9000, "/servers//", "/\xff"):
                self.send(self.things.owner, "GET", base + path, style=style)
        for path in ("/nothing", "/compute/v9", "/identity/v2.0/tokens", "/%00", "//"):
            style = path.split("/")[1]
            self.send(
                self.things.owner, "GET", path,
                style=style if style in ("compute", "identity") else "cloud",
            )
        self.prove(404)

    def test_tokens(self) -> None:
        for token in ("", "x", "\xe9", "gAAAAA" * 3000, "a b", "%00", "null"):
            nobody = Persona("nobody", token, {})
            for base, rows_, style in WHOLE:
                newest = VERSIONS.get(style, ("1.0",))[-1]
                row = [each for each in rows_ if each.covers(Version.parse(newest))][-1]
                path = base + quote(filled(row.path, self.things.owner.ids))
                answer = self.send(
                    nobody, row.verb, path, style=style,
                    OpenStack_API_Version=f"{style} {newest}",
                )
                self.assertIn(answer.status_int, (401, 403, 200))
        self.prove(401)
