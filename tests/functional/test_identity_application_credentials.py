"""Application credentials: what they may, and when they end."""

import datetime

import fixtures
import testtools

from mycloud.common import clock
from tests.fixtures.identity import IdentityApi


class ApplicationCredentialTest(testtools.TestCase):
    #: SQLite, unless a database is given
    database: str | None = None

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(IdentityApi(database=self.database))
        self.user, self.project, self.token = self.api.member()
        self.path = f"/users/{self.user['id']}/application_credentials"

    def make(self, token=None, **values):
        body = {"application_credential": {"name": clock.new_hex_id(), **values}}
        return self.api.call("POST", self.path, body, token=token or self.token)

    def made(self, **values):
        response = self.make(**values)
        self.assertEqual(201, response.status_int, response.text)
        return response.json["application_credential"]

    def use(self, credential, scope=None):
        ref = {"id": credential["id"], "secret": credential["secret"]}
        identity = {"methods": ["application_credential"], "application_credential": ref}
        return self.api.post_auth(identity, scope)

    def test_a_token_by_it(self):
        credential = self.made()
        response = self.use(credential)
        token = response.json["token"]
        self.assertEqual(self.project["id"], token["project"]["id"])
        self.assertEqual(["member", "reader"], [role["name"] for role in token["roles"]])
        self.assertEqual(credential["id"], token["application_credential"]["id"])
        self.assertTrue(token["application_credential"]["restricted"])
        self.assertTrue(self.api.valid(self.api.token_of(response)))
        shown = self.api.call("GET", f"{self.path}/{credential['id']}", token=self.token).json
        self.assertNotIn("secret", shown["application_credential"])

    def test_by_name_and_with_a_secret_of_ones_own(self):
        credential = self.made(secret="mine")
        ref = {"name": credential["name"], "user": {"id": self.user["id"]}, "secret": "mine"}
        identity = {"methods": ["application_credential"], "application_credential": ref}
        self.assertEqual(201, self.api.post_auth(identity).status_int)
        ref["secret"] = "other"
        self.assertEqual(401, self.api.post_auth(identity).status_int)
        ref["user"] = {"name": "nobody", "domain": {"id": "default"}}
        self.assertEqual(401, self.api.post_auth(identity).status_int)

    def test_it_is_good_for_its_project_alone(self):
        other = self.api.project()
        self.api.grant(self.user, other, "member")
        credential = self.made()
        own = {"project": {"id": self.project["id"]}}
        self.assertEqual(201, self.use(credential, own).status_int)
        for scope in ({"project": {"id": other["id"]}}, {"system": {"all": True}}):
            self.assertEqual(401, self.use(credential, scope).status_int)
        token = self.api.token_of(self.use(credential))
        rescope = {"methods": ["token"], "token": {"id": token}}
        response = self.api.post_auth(rescope, {"project": {"id": other["id"]}})
        self.assertEqual(401, response.status_int)
        # to the same project, and it stays what it is
        again = self.api.post_auth(rescope, own).json["token"]
        self.assertEqual(credential["id"], again["application_credential"]["id"])

    def test_its_roles_are_some_of_its_owners(self):
        credential = self.made(roles=[{"name": "reader"}])
        roles = self.use(credential).json["token"]["roles"]
        self.assertEqual(["reader"], [role["name"] for role in roles])
        response = self.make(roles=[{"name": "admin"}])
        self.assertEqual(400, response.status_int)
        self.assertIn("admin", response.text)

    def test_a_role_that_the_owner_loses_is_lost(self):
        credential = self.made()
        role = self.api.role_id("member")
        grant = f"/projects/{self.project['id']}/users/{self.user['id']}/roles/"
        self.api.ask("DELETE", grant + role)
        self.assertEqual(401, self.use(credential).status_int)
        self.api.ask("PUT", grant + self.api.role_id("reader"))
        roles = self.use(credential).json["token"]["roles"]
        self.assertEqual(["reader"], [found["name"] for found in roles])

    def test_a_restricted_one_makes_no_others(self):
        token = self.api.token_of(self.use(self.made()))
        self.assertEqual(403, self.make(token).status_int)
        token = self.api.token_of(self.use(self.made(unrestricted=True)))
        self.assertEqual(201, self.make(token).status_int)

    def test_nobody_makes_one_for_another(self):
        self.assertEqual(403, self.make(self.api.admin).status_int)

    def test_it_ends(self):
        soon = clock.now() + datetime.timedelta(hours=1)
        credential = self.made(expires_at=soon.isoformat())
        self.assertEqual(soon.isoformat(), credential["expires_at"])
        response = self.use(credential)
        self.assertLess(response.json["token"]["expires_at"], soon.isoformat() + "Z~")
        self.assertEqual(400, self.make(expires_at="2001-01-01T00:00:00Z").status_int)
        self.assertEqual(400, self.make(expires_at="tomorrow").status_int)
        later = soon + datetime.timedelta(seconds=1)
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.now", lambda: later))
        self.api.restart()
        self.assertEqual(401, self.use(credential).status_int)
        self.assertFalse(self.api.valid(self.api.token_of(response)))

    def test_a_deleted_ones_tokens_are_void(self):
        credential = self.made()
        token = self.api.token_of(self.use(credential))
        path = f"{self.path}/{credential['id']}"
        self.assertEqual(204, self.api.call("DELETE", path, token=self.token).status_int)
        self.assertFalse(self.api.valid(token))
        self.assertEqual(401, self.use(credential).status_int)
        self.assertEqual(404, self.api.call("DELETE", path, token=self.token).status_int)

    def test_names_are_the_users_own(self):
        credential = self.made()
        self.assertEqual(409, self.make(name=credential["name"]).status_int)
        listed = self.api.call("GET", f"{self.path}?name={credential['name']}", token=self.token)
        self.assertEqual(1, len(listed.json["application_credentials"]))

    def test_access_rules_hold(self):
        rule = {"service": "identity", "method": "GET", "path": "/v3/auth/projects"}
        credential = self.made(access_rules=[rule])
        token = self.api.token_of(self.use(credential))
        self.assertEqual(200, self.api.call("GET", "/auth/projects", token=token).status_int)
        self.assertEqual(403, self.api.call("GET", "/auth/domains", token=token).status_int)
        self.assertEqual(
            403, self.api.call("GET", "//compute/v2.1/flavors", token=token).status_int
        )

    def test_access_rules_are_listed_and_used_again(self):
        rule = {"service": "compute", "method": "GET", "path": "/v2.1/servers"}
        first, second = self.made(access_rules=[rule]), self.made(access_rules=[rule])
        rules = f"/users/{self.user['id']}/access_rules"
        [listed] = self.api.call("GET", rules, token=self.token).json["access_rules"]
        self.assertEqual(first["access_rules"], second["access_rules"])
        self.assertEqual(first["access_rules"][0]["id"], listed["id"])
        one = f"{rules}/{listed['id']}"
        self.assertEqual(200, self.api.call("GET", one, token=self.token).status_int)
        self.assertEqual(403, self.api.call("DELETE", one, token=self.token).status_int)
        for credential in (first, second):
            self.api.call("DELETE", f"{self.path}/{credential['id']}", token=self.token)
        self.assertEqual(204, self.api.call("DELETE", one, token=self.token).status_int)
        self.assertEqual(404, self.api.call("GET", one, token=self.token).status_int)

    def test_no_access_rules_restrict_nothing(self):
        token = self.api.token_of(self.use(self.made(access_rules=[])))
        self.assertEqual(200, self.api.call("GET", "/auth/projects", token=token).status_int)
