"""Flavors, their extra specs and who may use the private ones."""

import testtools

from tests.fixtures.cloud import PROJECT
from tests.fixtures.compute_rows import OTHER_PROJECT, ComputeRows

SIZES = {"name": "small", "ram": 512, "vcpus": 1, "disk": 2}


def body(**values):
    return {"flavor": {**SIZES, **values}}


class FlavorsTest(testtools.TestCase):
    def rows(self):
        return ComputeRows()

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(self.rows())
        self.admin, self.member = self.api.admin, self.api.member

    def make(self, **values):
        response = self.admin.ask("POST", "/flavors", body(**values))
        self.assertEqual(200, response.status_int, response.text)
        return response.json["flavor"]

    def names(self, query="", who=None):
        flavors = (who or self.member).get(f"/flavors{query}")["flavors"]
        return [flavor["name"] for flavor in flavors]

    def test_create_and_show(self):
        made = self.make(id=77, ram="1024", swap=64, description="tiny")
        shown = self.member.get("/flavors/77")["flavor"]
        self.assertEqual(made, shown)
        self.assertEqual("77", shown["id"])
        self.assertEqual(1024, shown["ram"])
        self.assertEqual(64, shown["swap"])
        self.assertEqual("tiny", shown["description"])
        self.assertEqual(0, shown["OS-FLV-EXT-DATA:ephemeral"])
        self.assertEqual(
            ["http://cloud.test/compute/v2.1/flavors/77",
             "http://cloud.test/compute/flavors/77"],
            [link["href"] for link in shown["links"]],
        )

    def test_view_of_the_first_version(self):
        self.make(id="1")
        shown = self.member.get("/flavors/1", version="2.1")["flavor"]
        self.assertEqual(
            {
                "id", "name", "ram", "vcpus", "disk", "swap", "rxtx_factor", "links",
                "OS-FLV-EXT-DATA:ephemeral", "OS-FLV-DISABLED:disabled",
                "os-flavor-access:is_public",
            },
            set(shown),
        )
        self.assertEqual("", shown["swap"])
        brief = self.member.get("/flavors", version="2.1")["flavors"][0]
        self.assertEqual({"id", "name", "links"}, set(brief))
        self.assertIn("description", self.member.get("/flavors")["flavors"][0])

    def test_an_id_is_made_up_when_none_is_given(self):
        self.assertEqual(36, len(self.make(id=None)["id"]))

    def test_taken_names_and_ids(self):
        self.make(id="1")
        self.assertEqual(409, self.admin.status("POST", "/flavors", body(id="2")))
        self.assertEqual(
            409, self.admin.status("POST", "/flavors", body(id="1", name="other"))
        )

    def test_only_administrators_change(self):
        self.make(id="1")
        self.assertEqual(403, self.member.status("POST", "/flavors", body(name="x")))
        self.assertEqual(403, self.member.status("DELETE", "/flavors/1"))
        update = {"flavor": {"description": "x"}}
        self.assertEqual(403, self.member.status("PUT", "/flavors/1", update))

    def test_update_of_the_description(self):
        self.make(id="1")
        update = {"flavor": {"description": "new"}}
        response = self.admin.ask("PUT", "/flavors/1", update)
        self.assertEqual("new", response.json["flavor"]["description"])
        self.assertIn(self.admin.status("PUT", "/flavors/1", update, version="2.54"), (404, 405))

    def test_delete(self):
        self.make(id="1")
        self.assertEqual(202, self.admin.status("DELETE", "/flavors/1"))
        self.assertEqual(404, self.member.status("GET", "/flavors/1"))
        self.assertEqual(404, self.admin.status("DELETE", "/flavors/1"))

    def test_filters(self):
        self.make(id="1", name="a", ram=512, disk=1)
        self.make(id="2", name="b", ram=1024, disk=4)
        self.assertEqual(["b"], self.names("?minRam=600"))
        self.assertEqual(["b"], self.names("?minDisk=2"))
        self.assertEqual([], self.names("?minDisk=5"))
        for query in ("minRam=x", "minDisk=99999999999", "sort_key=zzz", "sort_dir=up",
                      "limit=-1", "limit=x", "is_public=maybe"):
            self.assertEqual(400, self.admin.status("GET", f"/flavors?{query}"), query)

    def test_pages(self):
        for index in range(5):
            self.make(id=str(index), name=f"f{index}", ram=512 + index % 2)
        self.assertEqual([], self.names("?limit=0"))
        self.assertEqual(400, self.member.status("GET", "/flavors?marker=unknown"))
        for query in ("limit=2", "limit=2&sort_key=memory_mb&sort_dir=desc",
                      "limit=2&sort_key=is_public", "limit=2&sort_key=description"):
            found, path = [], f"/flavors/detail?{query}"
            while path:
                page = self.member.get(path)
                found += [flavor["name"] for flavor in page["flavors"]]
                links = page.get("flavors_links")
                path = links[0]["href"].split("/v2.1", 1)[1] if links else None
            self.assertEqual([f"f{index}" for index in range(5)], sorted(found), query)

    def test_private_flavors_are_seen_by_those_with_access(self):
        self.make(id="1", **{"os-flavor-access:is_public": "False"})
        self.assertEqual(404, self.member.status("GET", "/flavors/1"))
        self.assertEqual([], self.names())
        self.assertEqual([], self.names("?is_public=None"))
        self.assertEqual(["small"], self.names("?is_public=None", self.admin))
        self.assertEqual(["small"], self.names("?is_public=False", self.admin))
        self.assertEqual([], self.names(who=self.admin))
        add = {"addTenantAccess": {"tenant": PROJECT}}
        response = self.admin.ask("POST", "/flavors/1/action", add)
        expected = {"flavor_access": [{"flavor_id": "1", "tenant_id": PROJECT}]}
        self.assertEqual(expected, response.json)
        self.assertEqual(expected, self.admin.get("/flavors/1/os-flavor-access"))
        self.assertEqual(["small"], self.names())
        self.assertEqual(409, self.admin.status("POST", "/flavors/1/action", add))
        remove = {"removeTenantAccess": {"tenant": PROJECT}}
        self.assertEqual(403, self.member.status("POST", "/flavors/1/action", remove))
        self.assertEqual(200, self.admin.status("POST", "/flavors/1/action", remove))
        self.assertEqual(404, self.admin.status("POST", "/flavors/1/action", remove))
        self.assertEqual([], self.names())

    def test_access_of_public_flavors(self):
        self.make(id="1")
        self.assertEqual(404, self.admin.status("GET", "/flavors/1/os-flavor-access"))
        add = {"addTenantAccess": {"tenant": OTHER_PROJECT}}
        self.assertEqual(409, self.admin.status("POST", "/flavors/1/action", add))
        self.assertEqual(400, self.admin.status("POST", "/flavors/1/action", {"grow": {}}))

    def test_extra_specs(self):
        self.make(id="1")
        path = "/flavors/1/os-extra_specs"
        items = {"extra_specs": {"hw:cpu_policy": "shared", "quota": 5}}
        response = self.admin.ask("POST", path, items)
        self.assertEqual({"hw:cpu_policy": "shared", "quota": "5"}, response.json["extra_specs"])
        response = self.admin.ask("PUT", f"{path}/quota", {"quota": "6"})
        self.assertEqual({"quota": "6"}, response.json)
        self.assertEqual({"quota": "6"}, self.member.get(f"{path}/quota"))
        mismatch = self.admin.status("PUT", f"{path}/quota", {"other": "6"})
        self.assertEqual(400, mismatch)
        self.assertEqual(403, self.member.status("POST", path, items))
        self.assertEqual(200, self.admin.status("DELETE", f"{path}/quota"))
        self.assertEqual(404, self.admin.status("DELETE", f"{path}/quota"))
        self.assertEqual(404, self.member.status("GET", f"{path}/quota"))
        expected = {"extra_specs": {"hw:cpu_policy": "shared"}}
        self.assertEqual(expected, self.member.get(path))
        for bad in ({"a/b": "x"}, {"k": "v" * 256}, {"k": None}, {"k": {}}):
            self.assertEqual(400, self.admin.status("POST", path, {"extra_specs": bad}), bad)

    def test_bad_bodies(self):
        bad = (
            {}, {"flavor": None}, body(ram=0), body(ram=-1), body(ram=2**31), body(vcpus=2**64),
            body(disk="-1"), body(disk="9" * 30), body(name=""), body(name=" a"),
            body(name="a\u0000"), body(name="n" * 256), body(id=" x"), body(id="a/b"),
            body(id="x" * 256), body(id=2**70), body(rxtx_factor=-1), body(rxtx_factor=1e400),
            body(extra=1), body(swap=None), body(**{"os-flavor-access:is_public": "maybe"}),
        )
        for wanted in bad:
            self.assertEqual(400, self.admin.status("POST", "/flavors", wanted), wanted)
        described = body(description="x")
        self.assertEqual(400, self.admin.status("POST", "/flavors", described, version="2.54"))
