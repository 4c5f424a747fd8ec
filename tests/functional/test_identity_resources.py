"""Domains, projects, users, groups, roles and the catalog through the API."""

import testtools

from mycloud.common import clock
from mycloud.identity import bootstrap
from tests.fixtures.identity import PASSWORD, IdentityApi


class ResourceTest(testtools.TestCase):
    #: SQLite, unless a database is given
    database: str | None = None

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(IdentityApi(database=self.database))

    def status(self, method, path, body=None, token=None):
        token = self.api.admin if token is None else token
        return self.api.call(method, path, body, token=token).status_int

    # -- bootstrap -----------------------------------------------------------------------------

    def test_bootstrap_again_changes_nothing_but_the_password(self):
        def everything():
            return {
                noun: self.api.ask("GET", f"/{noun}")[noun]
                for noun in ("domains", "projects", "users", "roles", "services", "endpoints",
                             "role_assignments")
            }

        before = everything()
        with self.api.role():
            self.assertEqual(self.api.admin_id, bootstrap.run(PASSWORD))
        self.assertEqual(before, everything())
        with self.api.role():
            bootstrap.run("another")
        self.assertEqual(401, self.api.try_log_in("admin", PASSWORD).status_int)
        self.api.admin = self.api.log_in("admin", "another", project="admin")
        self.assertEqual({"Default"}, {found["name"] for found in everything()["domains"]})

    def test_the_roles_imply_each_other(self):
        names = {}
        for rule in self.api.ask("GET", "/role_inferences")["role_inferences"]:
            names[rule["prior_role"]["name"]] = {role["name"] for role in rule["implies"]}
        self.assertEqual(
            {"admin": {"manager"}, "manager": {"member"}, "member": {"reader"}}, names
        )

    def test_the_roles_of_the_policies_are_immutable(self):
        path = f"/roles/{self.api.role_id('member')}"
        self.assertEqual(403, self.status("DELETE", path))
        self.assertEqual(403, self.status("PATCH", path, {"role": {"name": "x"}}))
        body = {"role": {"options": {"immutable": False}}}
        self.assertEqual(200, self.status("PATCH", path, body))
        self.assertEqual(200, self.status("PATCH", path, {"role": {"name": "x"}}))

    # -- domains and projects ------------------------------------------------------------------

    def test_a_domain_goes_with_all_in_it(self):
        domain = self.api.ask("POST", "/domains", {"domain": {"name": "d"}})["domain"]
        own = {"domain_id": domain["id"]}
        user, project = self.api.user(**own), self.api.project(**own)
        group = self.api.ask("POST", "/groups", {"group": {"name": "g", **own}})["group"]
        role = self.api.ask("POST", "/roles", {"role": {"name": "r", **own}})["role"]
        self.api.grant(user, project, "member")
        self.api.ask("PUT", f"/groups/{group['id']}/users/{user['id']}")
        path = f"/domains/{domain['id']}"
        self.assertEqual(403, self.status("DELETE", path))
        self.api.ask("PATCH", path, {"domain": {"enabled": False}})
        self.assertEqual(204, self.status("DELETE", path))
        for gone in (
            path, f"/users/{user['id']}", f"/projects/{project['id']}",
            f"/groups/{group['id']}", f"/roles/{role['id']}",
        ):
            self.assertEqual(404, self.status("GET", gone), gone)

    def test_the_default_domain_stays(self):
        self.api.ask("PATCH", "/domains/default", {"domain": {"description": "x"}})
        self.assertEqual(403, self.status("DELETE", "/domains/default"))

    def test_a_disabled_domain_voids_its_tokens(self):
        domain = self.api.ask("POST", "/domains", {"domain": {"name": "d"}})["domain"]
        user = self.api.user(domain_id=domain["id"])
        ref = {"id": user["id"], "password": "pw"}
        identity = {"methods": ["password"], "password": {"user": ref}}
        token = self.api.token_of(self.api.post_auth(identity))
        self.api.ask("PATCH", f"/domains/{domain['id']}", {"domain": {"enabled": False}})
        self.assertFalse(self.api.valid(token))
        self.assertEqual(401, self.api.post_auth(identity).status_int)

    def test_projects_are_a_tree(self):
        top = self.api.project()
        child = self.api.project(parent_id=top["id"])
        grandchild = self.api.project(parent_id=child["id"])
        self.assertEqual("default", top["parent_id"])
        self.assertEqual(403, self.status("DELETE", f"/projects/{top['id']}"))
        shown = self.api.ask("GET", f"/projects/{child['id']}?parents_as_ids&subtree_as_list")
        self.assertEqual({top["id"]: None}, shown["project"]["parents"])
        self.assertEqual(
            [grandchild["id"]], [one["project"]["id"] for one in shown["project"]["subtree"]]
        )
        listed = self.api.ask("GET", f"/projects?parent_id={child['id']}")["projects"]
        self.assertEqual([grandchild["id"]], [one["id"] for one in listed])

    def test_a_domain_is_a_project_too(self):
        body = {"project": {"name": "d", "is_domain": True}}
        made = self.api.ask("POST", "/projects", body)["project"]
        self.assertTrue(made["is_domain"])
        self.assertIsNone(made["domain_id"])
        self.assertEqual("d", self.api.ask("GET", f"/domains/{made['id']}")["domain"]["name"])
        self.assertTrue(self.api.ask("GET", f"/projects/{made['id']}")["project"]["is_domain"])
        self.api.ask("PATCH", f"/projects/{made['id']}", {"project": {"enabled": False}})
        self.assertEqual(204, self.status("DELETE", f"/projects/{made['id']}"))

    def test_tags(self):
        project = self.api.project(tags=["a", "b"])
        path = f"/projects/{project['id']}/tags"
        self.assertEqual(201, self.status("PUT", f"{path}/c"))
        self.assertEqual(["a", "b", "c"], self.api.ask("GET", path)["tags"])
        self.assertEqual(204, self.status("GET", f"{path}/a"))
        self.assertEqual(404, self.status("GET", f"{path}/x"))
        self.assertEqual(400, self.status("PUT", f"{path}/x,y"))
        ids = [one["id"] for one in self.api.ask("GET", "/projects?tags=a,c")["projects"]]
        self.assertEqual([project["id"]], ids)
        self.assertEqual([], self.api.ask("GET", "/projects?tags=a,x")["projects"])
        self.assertEqual(["z"], self.api.ask("PUT", path, {"tags": ["z"]})["tags"])
        self.assertEqual(204, self.status("DELETE", f"{path}/z"))
        self.assertEqual([], self.api.ask("GET", path)["tags"])

    # -- names, properties, pages --------------------------------------------------------------

    def test_names_are_unique_in_their_domain(self):
        domain = self.api.ask("POST", "/domains", {"domain": {"name": "d"}})["domain"]
        for noun in ("project", "user", "group", "role"):
            path, body = f"/{noun}s", {noun: {"name": "same"}}
            self.assertEqual(201, self.status("POST", path, body), noun)
            self.assertEqual(409, self.status("POST", path, body), noun)
            other = {noun: {"name": "same", "domain_id": domain["id"]}}
            self.assertEqual(201, self.status("POST", path, other), noun)
            made = self.api.ask("POST", path, {noun: {"name": "third"}})[noun]
            self.assertEqual(409, self.status("PATCH", f"{path}/{made['id']}", body), noun)
            same = {noun: {"name": "third"}}
            self.assertEqual(200, self.status("PATCH", f"{path}/{made['id']}", same), noun)
        self.assertEqual(409, self.status("POST", "/domains", {"domain": {"name": "d"}}))

    def test_properties_of_the_users_own_are_kept(self):
        user = self.api.user(colour="red", email="a@b")
        self.assertEqual(("red", "a@b"), (user["colour"], user["email"]))
        self.assertNotIn("password", user)
        changed = {"user": {"colour": None, "shape": {"round": True}}}
        user = self.api.ask("PATCH", f"/users/{user['id']}", changed)["user"]
        self.assertEqual({"round": True}, user["shape"])
        self.assertNotIn("colour", user)

    def test_lists_page_by_key(self):
        for _ in range(5):
            self.api.user()
        everyone = {user["id"] for user in self.api.ask("GET", "/users")["users"]}
        seen, path = [], "/users?limit=2"
        while path:
            page = self.api.ask("GET", path)
            self.assertLessEqual(len(page["users"]), 2)
            seen += [user["id"] for user in page["users"]]
            path = (page["links"]["next"] or "").partition("/identity/v3")[2]
        self.assertEqual(sorted(everyone), seen)
        self.assertEqual(400, self.status("GET", "/users?marker=nobody"))

    def test_lists_filter(self):
        user = self.api.user(enabled=False)
        for query, expected in (
            (f"name={user['name']}", [user["id"]]),
            ("enabled=false", [user["id"]]),
            ("name=nobody", []),
            ("domain_id=nowhere", []),
        ):
            found = [one["id"] for one in self.api.ask("GET", f"/users?{query}")["users"]]
            self.assertEqual(expected, found, query)

    # -- roles ---------------------------------------------------------------------------------

    def test_grants_on_every_kind_of_place(self):
        user, project, role = self.api.user(), self.api.project(), self.api.role_id("reader")
        group = self.api.ask("POST", "/groups", {"group": {"name": "g"}})["group"]
        for place in (f"/projects/{project['id']}", "/domains/default", "/system"):
            for actor in (f"/users/{user['id']}", f"/groups/{group['id']}"):
                path = f"{place}{actor}/roles"
                self.assertEqual(404, self.status("HEAD", f"{path}/{role}"))
                for _ in range(2):
                    self.assertEqual(204, self.status("PUT", f"{path}/{role}"))
                self.assertEqual(204, self.status("HEAD", f"{path}/{role}"))
                self.assertEqual([role], [one["id"] for one in self.api.ask("GET", path)["roles"]])
                self.assertEqual(204, self.status("DELETE", f"{path}/{role}"))
                self.assertEqual(404, self.status("DELETE", f"{path}/{role}"))
        for path in (
            f"/projects/x/users/{user['id']}/roles/{role}",
            f"/projects/{project['id']}/users/x/roles/{role}",
            f"/projects/{project['id']}/users/{user['id']}/roles/x",
        ):
            self.assertEqual(404, self.status("PUT", path))

    def test_a_groups_roles_are_its_members(self):
        user, project = self.api.user(), self.api.project()
        group = self.api.ask("POST", "/groups", {"group": {"name": "g"}})["group"]
        role = self.api.role_id("member")
        self.api.ask("PUT", f"/projects/{project['id']}/groups/{group['id']}/roles/{role}")
        member = f"/groups/{group['id']}/users/{user['id']}"
        self.assertEqual(404, self.status("HEAD", member))
        self.assertEqual(204, self.status("PUT", member))
        token = self.api.log_in(user["name"], "pw", project=project["name"])
        effective = self.api.ask(
            "GET",
            f"/role_assignments?user.id={user['id']}&effective&include_names=true",
        )["role_assignments"]
        self.assertEqual(
            [("member", user["name"]), ("reader", user["name"])],
            sorted((one["role"]["name"], one["user"]["name"]) for one in effective),
        )
        self.assertEqual(204, self.status("DELETE", member))
        self.assertFalse(self.api.valid(token))

    def test_inherited_roles_arrive_on_the_projects_below(self):
        user, role = self.api.user(), self.api.role_id("member")
        top = self.api.project()
        child = self.api.project(parent_id=top["id"])
        path = f"/OS-INHERIT/projects/{top['id']}/users/{user['id']}/roles/{role}"
        self.assertEqual(204, self.status("PUT", f"{path}/inherited_to_projects"))
        self.api.log_in(user["name"], "pw", project=child["name"])
        scope = {"project": {"id": top["id"]}}
        self.assertEqual(401, self.api.try_log_in(user["name"], "pw", scope).status_int)
        listed = self.api.ask("GET", f"/users/{user['id']}/projects")["projects"]
        self.assertEqual([child["id"]], [one["id"] for one in listed])
        effective = self.api.ask(
            "GET", f"/role_assignments?effective&scope.project.id={child['id']}"
        )["role_assignments"]
        self.assertEqual({user["id"]}, {one["user"]["id"] for one in effective})
        self.assertEqual(204, self.status("DELETE", f"{path}/inherited_to_projects"))
        self.assertEqual([], self.api.ask("GET", f"/users/{user['id']}/projects")["projects"])

    def test_a_role_never_implies_itself(self):
        ids = [
            self.api.ask("POST", "/roles", {"role": {"name": name}})["role"]["id"]
            for name in "abc"
        ]
        self.assertEqual(201, self.status("PUT", f"/roles/{ids[0]}/implies/{ids[1]}"))
        self.assertEqual(201, self.status("PUT", f"/roles/{ids[1]}/implies/{ids[2]}"))
        for prior, implied in ((2, 0), (0, 0), (1, 0)):
            path = f"/roles/{ids[prior]}/implies/{ids[implied]}"
            self.assertEqual(400, self.status("PUT", path))
        self.assertEqual(204, self.status("DELETE", f"/roles/{ids[0]}/implies/{ids[1]}"))
        self.assertEqual(404, self.status("DELETE", f"/roles/{ids[0]}/implies/{ids[1]}"))

    def test_a_new_role_counts_at_once(self):
        user, project, token = self.api.member("reader")
        self.assertEqual(403, self.status("GET", "/users", token=token))
        self.api.grant(user, project, "admin")
        self.assertEqual(200, self.status("GET", "/users", token=token))

    # -- who may -------------------------------------------------------------------------------

    def test_a_member_sees_what_is_its_own_and_no_more(self):
        user, project, token = self.api.member("manager")
        other, elsewhere, _ = self.api.member()
        for path in (
            f"/users/{user['id']}", f"/projects/{project['id']}", "/domains/default",
            f"/users/{user['id']}/projects", f"/users/{user['id']}/groups", "/regions",
            f"/users/{user['id']}/application_credentials",
        ):
            self.assertEqual(200, self.status("GET", path, token=token), path)
        never = clock.new_hex_id()
        for path, theirs in (
            ("/users/{}", other["id"]),
            ("/users/{}/projects", other["id"]),
            ("/users/{}/application_credentials", other["id"]),
            ("/projects/{}", elsewhere["id"]),
            ("/projects/{}/tags", elsewhere["id"]),
        ):
            answers = [
                self.api.call("GET", path.format(one), token=token) for one in (theirs, never)
            ]
            self.assertEqual([404, 404], [one.status_int for one in answers], path)
            self.assertEqual(answers[0].text.replace(theirs, never), answers[1].text)
        for method, path, body in (
            ("GET", "/users", None),
            ("GET", "/projects", None),
            ("GET", "/role_assignments", None),
            ("POST", "/projects", {"project": {"name": "x"}}),
            ("PATCH", f"/projects/{project['id']}", {"project": {"name": "x"}}),
            ("DELETE", f"/projects/{project['id']}", None),
            ("PATCH", f"/users/{user['id']}", {"user": {"name": "x"}}),
            ("PUT", f"/system/users/{user['id']}/roles/{self.api.role_id('admin')}", None),
        ):
            self.assertEqual(403, self.status(method, path, body, token=token), path)

    # -- the catalog ---------------------------------------------------------------------------

    def test_a_new_service_is_in_the_catalog(self):
        service = self.api.ask("POST", "/services", {"service": {"type": "t", "name": "n"}})
        service_id = service["service"]["id"]
        endpoint = {
            "service_id": service_id,
            "interface": "public",
            "url": "http://elsewhere/$(project_id)s",
            "region": "two",
        }
        made = self.api.ask("POST", "/endpoints", {"endpoint": endpoint})["endpoint"]
        self.assertEqual("two", self.api.ask("GET", "/regions/two")["region"]["id"])

        def urls():
            catalog = self.api.ask("GET", "/auth/catalog")["catalog"]
            return [
                endpoint["url"]
                for found in catalog if found["type"] == "t"
                for endpoint in found["endpoints"]
            ]

        [admin] = self.api.ask("GET", "/projects?name=admin")["projects"]
        self.assertEqual([f"http://elsewhere/{admin['id']}"], urls())
        self.assertEqual(403, self.status("DELETE", "/regions/two"))
        off = {"endpoint": {"enabled": False}}
        self.api.ask("PATCH", f"/endpoints/{made['id']}", off)
        self.assertEqual([], urls())
        self.assertEqual(204, self.status("DELETE", f"/services/{service_id}"))
        self.assertEqual(404, self.status("GET", f"/endpoints/{made['id']}"))
        self.assertEqual(204, self.status("DELETE", "/regions/two"))

    def test_regions_are_a_tree(self):
        self.assertEqual(201, self.status("PUT", "/regions/a", {"region": {}}))
        body = {"region": {"id": "b", "parent_region_id": "a"}}
        self.assertEqual(201, self.status("POST", "/regions", body))
        self.assertEqual(409, self.status("POST", "/regions", body))
        loop = {"region": {"parent_region_id": "b"}}
        self.assertEqual(400, self.status("PATCH", "/regions/a", loop))
        self.assertEqual(403, self.status("DELETE", "/regions/a"))
        listed = self.api.ask("GET", "/regions?parent_region_id=a")["regions"]
        self.assertEqual(["b"], [one["id"] for one in listed])

    # -- credentials ---------------------------------------------------------------------------

    def test_credentials_are_their_users_and_encrypted(self):
        user, _, token = self.api.member()
        _, _, other = self.api.member()
        body = {"credential": {"type": "ec2", "blob": "very secret", "user_id": user["id"]}}
        made = self.api.call("POST", "/credentials", body, token=token).json["credential"]
        self.assertEqual("very secret", made["blob"])
        path = f"/credentials/{made['id']}"
        self.assertEqual(404, self.status("GET", path, token=other))
        self.assertEqual(403, self.status("POST", "/credentials", body, token=other))
        self.assertEqual([], self.api.call("GET", "/credentials", token=other).json["credentials"])
        self.assertNotIn(b"very secret", (self.api.state / "mycloud.db").read_bytes())
        new = {"credential": {"blob": "new"}}
        self.assertEqual(200, self.status("PATCH", path, new, token=token))
        self.assertEqual("new", self.api.ask("GET", path)["credential"]["blob"])
        self.assertEqual(400, self.status("PATCH", path, {"credential": {"type": "x"}}))
        self.assertEqual(204, self.status("DELETE", path, token=token))
