"""Whatever comes in, over every route: no answer says that the cloud itself failed."""

import os
from typing import Any

import fixtures
import testtools
import webob

from mycloud.api import cloud, compute, identity, image
from mycloud.api.routing import NO_BODY, Raw, Route, of_version
from mycloud.api.versions import Version
from mycloud.identity import bootstrap
from tests.fixtures import seeds
from tests.fixtures.cloud import Cloud
from tests.fixtures.nonsense import Nonsense

PASSWORD = "a test's password"
#: More requests a route and other ones: a nightly run sets both.
ROUNDS = int(os.environ.get("MYCLOUD_TEST_NONSENSE", "12"))
SEED = int(os.environ.get("MYCLOUD_TEST_SEED", "1"))

APIS = (
    ("/identity/v3", identity, None), ("/compute/v2.1", compute, "compute"),
    ("/image/v2", image, None), ("/cloud/v1", cloud, None),
)
VERSIONS = ("2.1", "2.26", "2.53", "2.60")


class BadInputTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        # no host: what is accepted by chance has nowhere to run
        self.cloud = self.useFixture(Cloud(hosts=0, **self.options()))
        seeds.basics(self.cloud)
        self.cloud.in_role(bootstrap.run, PASSWORD)
        self.token = self.login()
        self.server = self.create()

    def options(self) -> dict[str, Any]:
        return {}

    def login(self) -> str:
        answer = self.cloud.request("POST", "/identity/v3/auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "admin", "domain": {"id": "default"}, "password": PASSWORD}}},
            "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
        }})
        self.assertEqual(201, answer.status_int, answer.body)
        token: str = answer.headers["X-Subject-Token"]
        return token

    def create(self) -> str:
        answer = self.cloud.request(
            "POST", "/compute/v2.1/servers", {"server": {
                "name": "one", "flavorRef": seeds.FLAVOR_ID, "imageRef": seeds.IMAGE_ID}},
            X_Auth_Token=self.token,
        )
        self.assertEqual(202, answer.status_int, answer.body)
        server_id: str = answer.json["server"]["id"]
        return server_id

    def send(self, nonsense: Nonsense, base: str, row: Route, service: str | None) -> Any:
        """One request to that row; the response and a line that tells what was sent."""
        gaps = row.path.split("{")
        path = base + gaps[0] + "".join(
            nonsense.segment() + gap.partition("}")[2] for gap in gaps[1:]
        )
        version = VERSIONS[len(path) % len(VERSIONS)]
        parsed = Version.parse(version) if service else Version(1, 0)
        path += "?" + nonsense.query(of_version(row.query, parsed))
        request = webob.Request.blank(path, method=row.verb, base_url="http://cloud.test")
        request.headers["X-Auth-Token"] = self.token
        if service:
            request.headers["OpenStack-API-Version"] = f"{service} {version}"
        if row.body is not None and row.body is not NO_BODY:
            raw = isinstance(row.body, Raw)
            schema = None if raw else of_version(row.body, parsed)
            if row.action:
                schema = schema or {"type": "object", "properties": {row.action: {}}}
            request.body = nonsense.body(schema)
            media = row.body.media_types if raw else ()
            request.content_type = media[0] if media else "application/json"
        response = request.get_response(self.cloud.app)
        return response, f"{row.verb} {path[:300]} {version} {request.body[:300]!r}"

    def test_no_answer_is_an_internal_error(self) -> None:
        nonsense = Nonsense(SEED, known=(self.server, seeds.IMAGE_ID, seeds.FLAVOR_ID))
        failures, statuses = [], set()
        for base, api, service in APIS:
            for row in api.rows():
                for _ in range(ROUNDS):
                    response, sent = self.send(nonsense, base, row, service)
                    statuses.add(response.status_int)
                    if response.status_int >= 500:
                        failures.append(f"{response.status_int} {sent} {response.body[:200]!r}")
        # the nonsense gets past the door, or this proves nothing
        self.assertTrue({200, 400, 404} <= statuses, statuses)
        self.assertEqual([], failures[:20], f"{len(failures)} failures\n{self.log.output[-4000:]}")
