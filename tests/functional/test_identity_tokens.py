"""Tokens: who gets one, what it says, and when it ends."""

import datetime

import fixtures
import testtools
from oslo_config import cfg

from mycloud.common import clock, exceptions
from mycloud.db import engine
from mycloud.identity import checker, keys, knowledge, tokens
from tests.fixtures.identity import PASSWORD, IdentityApi


class TokenTest(testtools.TestCase):
    #: SQLite, unless a database is given
    database: str | None = None

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(IdentityApi(database=self.database))

    # -- logging in ----------------------------------------------------------------------------

    def test_a_token_of_a_project(self):
        user, project, token = self.api.member()
        response = self.api.call("GET", "/auth/tokens", token=token, X_Subject_Token=token)
        found = response.json["token"]
        self.assertEqual(user["id"], found["user"]["id"])
        self.assertEqual({"id": "default", "name": "Default"}, found["user"]["domain"])
        self.assertEqual(project["id"], found["project"]["id"])
        self.assertEqual(["member", "reader"], [role["name"] for role in found["roles"]])
        self.assertEqual(["password"], found["methods"])
        for name in ("issued_at", "expires_at"):
            datetime.datetime.strptime(found[name], "%Y-%m-%dT%H:%M:%S.%fZ")
        self.assertEqual(token, response.headers["X-Subject-Token"])

    def test_the_catalog_leads_to_the_host_that_was_asked(self):
        token = self.api.try_log_in("admin", PASSWORD).json["token"]
        urls = {
            service["type"]: {endpoint["url"] for endpoint in service["endpoints"]}
            for service in token["catalog"]
        }
        self.assertEqual(
            {
                "identity": {"http://cloud.test/identity"},
                "compute": {"http://cloud.test/compute/v2.1"},
                "block-storage": {"http://cloud.test/volume/v3"},
                "volumev3": {"http://cloud.test/volume/v3"},
                "image": {"http://cloud.test/image"},
                "mycloud": {"http://cloud.test/cloud/v1"},
            },
            urls,
        )
        cfg.CONF.set_override("public_url", "https://cloud.example/", group="api")
        self.addCleanup(cfg.CONF.clear_override, "public_url", group="api")
        catalog = self.api.ask("GET", "/auth/catalog")["catalog"]
        for service in catalog:
            for endpoint in service["endpoints"]:
                self.assertTrue(endpoint["url"].startswith("https://cloud.example/"))
                self.assertIn(endpoint["interface"], ("public", "internal", "admin"))
                self.assertEqual("RegionOne", endpoint["region_id"])

    def test_nocatalog(self):
        response = self.api.call(
            "GET", "/auth/tokens?nocatalog", token=self.api.admin, X_Subject_Token=self.api.admin
        )
        self.assertNotIn("catalog", response.json["token"])

    def test_scopes(self):
        user, project, _ = self.api.member()
        self.api.ask("PUT", f"/system/users/{user['id']}/roles/{self.api.role_id('reader')}")
        self.api.ask(
            "PUT", f"/domains/default/users/{user['id']}/roles/{self.api.role_id('manager')}"
        )
        by = self.api.try_log_in
        system = by(user["name"], "pw", {"system": {"all": True}}).json["token"]
        self.assertEqual({"all": True}, system["system"])
        self.assertEqual(["reader"], [role["name"] for role in system["roles"]])
        for ref in ({"id": "default"}, {"name": "Default"}):
            domain = by(user["name"], "pw", {"domain": ref}).json["token"]
            self.assertEqual("default", domain["domain"]["id"])
        unscoped = by(user["name"], "pw").json["token"]
        for name in ("project", "domain", "system", "roles", "catalog"):
            self.assertNotIn(name, unscoped)
        by_id = by(user["name"], "pw", {"project": {"id": project["id"]}})
        self.assertEqual(201, by_id.status_int)

    def test_the_default_project_is_the_scope_of_who_names_none(self):
        project = self.api.project()
        user = self.api.user(default_project_id=project["id"])
        # without a role there it is no scope at all
        self.assertNotIn("project", self.api.try_log_in(user["name"], "pw").json["token"])
        self.api.grant(user, project, "member")
        token = self.api.try_log_in(user["name"], "pw").json["token"]
        self.assertEqual(project["id"], token["project"]["id"])
        for scope in ("unscoped", {"unscoped": {}}):
            token = self.api.try_log_in(user["name"], "pw", scope).json["token"]
            self.assertNotIn("project", token)

    def test_every_wrong_login_gets_the_same_answer(self):
        user, project, _ = self.api.member()
        other = self.api.project()
        scope = {"project": {"id": project["id"]}}
        answers = {
            self.api.try_log_in(name, password, where).text
            for name, password, where in (
                (user["name"], "wrong", scope),
                ("nobody", "pw", scope),
                (user["name"], "pw", {"project": {"id": other["id"]}}),
                (user["name"], "pw", {"project": {"id": clock.new_hex_id()}}),
                (user["name"], "pw", {"domain": {"id": "default"}}),
                (user["name"], "pw", {"domain": {"name": "nowhere"}}),
                (user["name"], "pw", {"system": {"all": True}}),
            )
        }
        self.assertEqual(1, len(answers), answers)
        self.assertEqual(401, self.api.try_log_in("nobody", "pw", scope).status_int)

    def test_disabled_ones_get_none(self):
        user, project, token = self.api.member()
        scope = {"project": {"id": project["id"]}}
        for path, noun in ((f"/users/{user['id']}", "user"), (f"/projects/{project['id']}",
                                                              "project")):
            self.api.ask("PATCH", path, {noun: {"enabled": False}})
            self.assertEqual(401, self.api.try_log_in(user["name"], "pw", scope).status_int)
            self.assertFalse(self.api.valid(token))
            self.api.ask("PATCH", path, {noun: {"enabled": True}})
            # what was issued before stays void
            self.assertFalse(self.api.valid(token))
            token = self.api.token_of(self.api.try_log_in(user["name"], "pw", scope))

    # -- rescoping -----------------------------------------------------------------------------

    def rescope(self, token, scope):
        return self.api.post_auth({"methods": ["token"], "token": {"id": token}}, scope)

    def test_rescoping_keeps_expiry_and_methods(self):
        user, project, _ = self.api.member()
        first = self.api.try_log_in(user["name"], "pw")
        second = self.rescope(self.api.token_of(first), {"project": {"id": project["id"]}})
        one, two = first.json["token"], second.json["token"]
        self.assertEqual(one["expires_at"], two["expires_at"])
        self.assertEqual({"password", "token"}, set(two["methods"]))
        self.assertEqual(one["audit_ids"][0], two["audit_ids"][1])
        self.assertEqual(project["id"], two["project"]["id"])

    def test_a_bad_token_is_not_rescoped(self):
        for token in ("x", "", self.api.admin[:-4]):
            self.assertEqual(401, self.rescope(token, None).status_int)

    # -- checking and revoking -----------------------------------------------------------------

    def test_only_the_owner_and_administrators_see_a_token(self):
        _, _, token = self.api.member()
        _, _, other = self.api.member()
        see = self.api.call
        self.assertEqual(
            200, see("GET", "/auth/tokens", token=self.api.admin, X_Subject_Token=token).status_int
        )
        self.assertEqual(
            403, see("GET", "/auth/tokens", token=other, X_Subject_Token=token).status_int
        )
        self.assertEqual(
            404, see("GET", "/auth/tokens", token=token, X_Subject_Token="bad").status_int
        )
        self.assertEqual(400, see("GET", "/auth/tokens", token=token).status_int)
        head = see("HEAD", "/auth/tokens", token=token, X_Subject_Token=token)
        self.assertEqual((200, b""), (head.status_int, head.body))

    def test_no_token_and_a_bad_one_are_401_in_the_apis_form(self):
        for token in ("", "bad"):
            identity = self.api.call("GET", "/projects", token=token)
            self.assertEqual(401, identity.status_int)
            self.assertEqual(401, identity.json["error"]["code"])
        compute = self.api.call("GET", "//compute/v2.1/servers", token="bad")
        self.assertEqual(401, compute.json["unauthorized"]["code"])

    def test_a_deleted_token_is_void_everywhere_and_for_good(self):
        _, _, token = self.api.member()
        response = self.api.call("DELETE", "/auth/tokens", token=token, X_Subject_Token=token)
        self.assertEqual(204, response.status_int)
        self.assertFalse(self.api.valid(token))
        self.api.restart()
        self.assertFalse(self.api.valid(token))
        self.assertTrue(self.api.valid(self.api.admin))

    def test_another_process_learns_of_it_in_time(self):
        cfg.CONF.set_override("revocation_poll_seconds", 2.0, group="identity")
        _, _, token = self.api.member()
        ours = engine.get()
        theirs = engine.Database(self.api.url)
        self.addCleanup(theirs.dispose)
        with self.api.role():
            checker.check(token)
        # the other process revokes: this one isn't told
        self.useFixture(fixtures.MonkeyPatch("mycloud.db.engine._database", theirs))
        self.api.call("DELETE", "/auth/tokens", token=token, X_Subject_Token=token)
        engine._database = ours
        now = clock.monotonic()
        moment = [now]
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.monotonic", lambda: moment[0]))
        moment[0] = now + 5
        with self.api.role():
            self.assertRaises(exceptions.TokenInvalid, checker.check, token)

    def test_revocations_are_forgotten_with_their_tokens(self):
        _, _, token = self.api.member()
        self.api.call("DELETE", "/auth/tokens", token=token, X_Subject_Token=token)
        self.assertFalse(self.api.valid(token))
        audit_id = tokens.read(token).audit_ids[0]
        known = knowledge.get()
        self.assertIn(audit_id, known.revoked._audit_ids)
        real, started = clock.now, clock.monotonic()
        ahead = datetime.timedelta(seconds=3 * cfg.CONF.identity.token_expiration)
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.now", lambda: real() + ahead))
        self.useFixture(
            fixtures.MonkeyPatch("mycloud.common.clock.monotonic", lambda: started + 7200)
        )
        fresh = self.api.log_in("admin", PASSWORD, project="admin")
        self.api.call("DELETE", "/auth/tokens", token=fresh, X_Subject_Token=fresh)
        self.assertFalse(self.api.valid(fresh))
        self.assertEqual({tokens.read(fresh).audit_ids[0]}, known.revoked._audit_ids)

    def test_a_checked_token_costs_no_statement(self):
        cfg.CONF.set_override("revocation_poll_seconds", 5.0, group="identity")
        _, _, token = self.api.member()
        with self.api.role():
            checker.check(token)
            before = self.api.db.statements
            for _ in range(100):
                checker.check(token)
        self.assertEqual(before, self.api.db.statements)

    def test_a_login_costs_one_statement_once_all_is_known(self):
        _, project, token = self.api.member()
        scope = {"project": {"id": project["id"]}}
        cfg.CONF.set_override("revocation_poll_seconds", 5.0, group="identity")
        self.rescope(token, scope)
        before = self.api.db.statements
        self.assertEqual(201, self.rescope(token, scope).status_int)
        # BEGIN and the generation
        self.assertLessEqual(self.api.db.statements - before, 2)

    def test_an_expired_token_is_void(self):
        _, _, token = self.api.member()
        real, ahead = clock.now, datetime.timedelta(days=2)
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.now", lambda: real() + ahead))
        self.api.restart()
        self.assertFalse(self.api.valid(token))

    def test_a_token_survives_the_rotation_of_keys(self):
        _, _, token = self.api.member()
        keys.token_keys().rotate(3)
        self.api.restart()
        self.assertTrue(self.api.valid(token))
        for _ in range(2):
            keys.token_keys().rotate(3)
        self.api.restart()
        self.assertFalse(self.api.valid(token))

    # -- passwords -----------------------------------------------------------------------------

    def change(self, user, old, new):
        body = {"user": {"original_password": old, "password": new}}
        return self.api.call("POST", f"/users/{user['id']}/password", body)

    def test_a_new_password_voids_the_tokens(self):
        user, project, token = self.api.member()
        self.assertEqual(401, self.change(user, "wrong", "new").status_int)
        self.assertEqual(400, self.change(user, "pw", "pw").status_int)
        self.assertTrue(self.api.valid(token))
        self.assertEqual(204, self.change(user, "pw", "new").status_int)
        self.assertFalse(self.api.valid(token))
        self.assertEqual(401, self.api.try_log_in(user["name"], "pw").status_int)
        self.api.log_in(user["name"], "new", project=project["name"])
        self.assertEqual(401, self.change({"id": "nobody"}, "pw", "new").status_int)

    def test_a_lock_out_ends(self):
        cfg.CONF.set_override("lockout_failure_attempts", 3, group="identity")
        user = self.api.user()
        for _ in range(2):
            self.api.try_log_in(user["name"], "wrong")
        # a right password makes the count start again
        self.assertEqual(201, self.api.try_log_in(user["name"], "pw").status_int)
        for _ in range(3):
            self.api.try_log_in(user["name"], "wrong")
        locked = self.api.try_log_in(user["name"], "pw")
        self.assertEqual(401, locked.status_int)
        self.assertEqual(self.api.try_log_in("nobody", "pw").text, locked.text)
        real = clock.now
        later = datetime.timedelta(seconds=cfg.CONF.identity.lockout_duration + 1)
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.now", lambda: real() + later))
        self.assertEqual(201, self.api.try_log_in(user["name"], "pw").status_int)

    def test_a_user_may_be_exempt_from_it(self):
        cfg.CONF.set_override("lockout_failure_attempts", 1, group="identity")
        user = self.api.user(options={"ignore_lockout_failure_attempts": True})
        self.api.try_log_in(user["name"], "wrong")
        self.assertEqual(201, self.api.try_log_in(user["name"], "pw").status_int)

    def test_an_administrator_ends_a_lock_out(self):
        cfg.CONF.set_override("lockout_failure_attempts", 1, group="identity")
        user = self.api.user()
        self.api.try_log_in(user["name"], "wrong")
        self.assertEqual(401, self.api.try_log_in(user["name"], "pw").status_int)
        self.api.ask("PATCH", f"/users/{user['id']}", {"user": {"enabled": True}})
        self.assertEqual(201, self.api.try_log_in(user["name"], "pw").status_int)

    # -- reach ---------------------------------------------------------------------------------

    def test_what_a_user_can_reach(self):
        user, project, token = self.api.member()
        listed = self.api.call("GET", "/auth/projects", token=token).json["projects"]
        self.assertEqual([project["id"]], [found["id"] for found in listed])
        self.assertEqual([], self.api.call("GET", "/auth/domains", token=token).json["domains"])
        self.assertEqual([], self.api.call("GET", "/auth/system", token=token).json["system"])
        self.assertEqual([{"all": True}], self.api.ask("GET", "/auth/system")["system"])

    def test_a_lost_role_voids_the_token(self):
        user, project, token = self.api.member()
        path = f"/projects/{project['id']}/users/{user['id']}/roles/{self.api.role_id('member')}"
        self.api.ask("DELETE", path)
        self.assertFalse(self.api.valid(token))
        self.api.ask("PUT", path)
        self.assertFalse(self.api.valid(token))
