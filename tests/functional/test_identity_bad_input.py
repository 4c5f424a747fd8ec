"""Nonsense on every route of the identity API: refused, never a failure of ours."""

import json

import testtools

from mycloud.api import identity as identity_api
from mycloud.api.routing import Raw
from tests.fixtures.identity import IdentityApi

#: For any property; what a schema happens to allow may pass.
NASTY = (
    None, True, -1, 2**31, 2**63, 2**100, 1e308, 0.1, "", " ", "x" * 300, "x" * 70000, "\x00",
    "a\x00b", "\ud800", "\U0001f600" * 64, "é" * 255, "../../etc/passwd", "%00", "$(base_url)s",
    "'; DROP TABLE users; --", [], [None], ["\x00"], [[]], {}, {"": ""}, {"\x00": 1},
    {"id": "x" * 65}, {"id": None}, [{"id": "\x00"}], "2030-02-31T00:00:00Z",
    "9999-12-31T23:59:59-14:00", {"immutable": {"deep": [1]}},
)
IDS = ("x", "%00", "%FF", "a%2Fb", "%C3%A9", "x" * 300, "-1", "default", "%F0%9F%98%80")
QUERIES = (
    "limit=-1", "limit=0", "limit=" + "9" * 40, "limit=x", "marker=%00", "marker=x", "name=%00",
    "name=%FF", "enabled=%00", "unknown=1", "%00=1", "tags=,,,", "not-tags-any=%00",
    "user.id=%00", "effective=%00", "scope.project.id=x&scope.system=all", "parent_id=%F0",
    "include_subtree&scope.project.id=x", "is_domain=x", "effective&group.id=x",
)
BODIES = (
    b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b"{}" * 2, b"[" * 5000, b'{"a":NaN}',
    b'{"x":' * 3000, b'{"user":null}', b'{"auth":[]}', b'{"project":[]}',
    b'{"user":{"name":"n","own":1e400}}',
)


class BadInputTest(testtools.TestCase):
    #: SQLite, unless a database is given
    database: str | None = None

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(IdentityApi(database=self.database))
        self.ids = {
            "user_id": self.api.admin_id,
            "actor_id": self.api.admin_id,
            "project_id": self.api.ask("GET", "/projects?name=admin")["projects"][0]["id"],
            "role_id": self.api.role_id("service"),
            "domain_id": "default",
            "target_id": "default",
            "region_id": "RegionOne",
        }
        self.found: list[str] = []

    def send(self, method, path, body=None):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        response = self.api.call(method, path, body, token=self.api.admin)
        if method != "POST" or "/auth/tokens" not in path:
            # nothing here takes the administrator's rights, or all else would prove nothing
            self.assertNotEqual(401, response.status_int, path)
        if response.status_int >= 500:
            self.found.append(f"{method} {path} {str(body)[:200]}: {response.text[:200]}")

    def path_of(self, row, value=None):
        path = row.path
        for name in [part.split("}")[0] for part in path.split("{")[1:]]:
            known = value if value is not None else self.ids.get(name, "x")
            path = path.replace(f"{{{name}}}", known)
        return path

    def rows(self):
        # whoever deletes the administrator's own things has no token for the rest
        return [row for row in identity_api.rows() if row.path != "/auth/tokens"]

    def test_ids(self):
        for row in self.rows():
            if "{" in row.path:
                body = None if row.body is None or isinstance(row.body, Raw) else {"x": 1}
                for value in IDS:
                    if value != "default":
                        self.send(row.verb, self.path_of(row, value), body)
        self.assertEqual([], self.found)

    def test_queries(self):
        for row in self.rows():
            if row.verb == "GET":
                for query in QUERIES:
                    self.send("GET", f"{self.path_of(row)}?{query}")
        self.assertEqual([], self.found)

    def test_bodies(self):
        for row in identity_api.rows():
            if row.body is not None and not isinstance(row.body, Raw):
                for body in BODIES:
                    self.send(row.verb, self.path_of(row), body)
        self.assertEqual([], self.found)

    def test_properties(self):
        for row in self.rows():
            if row.body is None or isinstance(row.body, Raw) or row.path.endswith("password"):
                continue
            path = self.path_of(row)
            if row.verb == "PATCH" and "user_id" in row.path:
                path = f"/users/{self.api.user()['id']}"
            noun = next(iter(row.body["properties"]))
            inner = row.body["properties"][noun]
            if inner.get("type") != "object":
                for value in NASTY:
                    self.send(row.verb, path, {noun: value})
                continue
            for name in (*inner["properties"], "own", "id", "links", "\x00", "x" * 300):
                for value in NASTY:
                    least = self.least(inner)
                    self.send(row.verb, path, {noun: {**least, name: value}})
        self.assertEqual([], self.found)

    def test_logins(self):
        user = {"name": "admin", "domain": {"id": "default"}, "password": "x"}
        for value in NASTY:
            for identity in (
                {"methods": value},
                {"methods": ["password"], "password": value},
                {"methods": ["password"], "password": {"user": value}},
                {"methods": ["password"], "password": {"user": {**user, "name": value}}},
                {"methods": ["password"], "password": {"user": {**user, "domain": value}}},
                {"methods": ["password"], "password": {"user": {**user, "password": value}}},
                {"methods": ["token"], "token": {"id": value}},
                {"methods": ["token", "password"], "token": {"id": value}},
                {
                    "methods": ["application_credential"],
                    "application_credential": {"id": value, "secret": "x"},
                },
                {
                    "methods": ["application_credential"],
                    "application_credential": {"id": "x", "secret": value},
                },
            ):
                self.send("POST", "/auth/tokens", {"auth": {"identity": identity}})
            good = {"methods": ["token"], "token": {"id": self.api.admin}}
            for scope in (
                value, {"project": value}, {"project": {"id": value}}, {"domain": value},
                {"project": {"name": value, "domain": {"id": "default"}}},
                {"domain": {"name": value}}, {"system": value}, {"system": {"all": value}},
            ):
                body = {"auth": {"identity": good, "scope": scope}}
                self.send("POST", "/auth/tokens", body)
        self.assertEqual([], self.found)

    def test_tokens_in_headers(self):
        for token in ("x" * 9000, "é".encode().decode("latin-1"), "\t", "gAAAAA==", "a b"):
            response = self.api.call("GET", "/projects", token=token)
            self.assertIn(response.status_int, (400, 401))
            response = self.api.call(
                "GET", "/auth/tokens", token=self.api.admin, X_Subject_Token=token
            )
            self.assertIn(response.status_int, (400, 404))

    def least(self, schema):
        """The least that a schema demands."""
        found = {}
        for name in schema.get("required", ()):
            wanted = schema["properties"][name]
            if "enum" in wanted:
                found[name] = wanted["enum"][0]
            elif name == "service_id":
                found[name] = self.api.ask("GET", "/services")["services"][0]["id"]
            elif name == "user_id":
                found[name] = self.api.admin_id
            else:
                found[name] = f"n{len(self.found)}"
        return found
