"""Images through the compute API, as clients of early microversions see them."""

import testtools
from oslo_config import cfg

from mycloud.common import clock, states
from mycloud.db import images
from tests.fixtures.cloud import PROJECT
from tests.fixtures.compute_rows import OTHER_PROJECT, ComputeRows

SERVER = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"


class ImagesProxyTest(testtools.TestCase):
    def rows(self):
        return ComputeRows()

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(self.rows())
        self.member = self.api.caller(roles=["member", "reader"], version="2.1")
        self.ids = [
            self.insert("one"),
            self.insert("two", properties={"image_type": "snapshot", "instance_uuid": SERVER}),
            self.insert("three", status=states.Image.QUEUED, size=None, min_ram=64),
        ]
        self.foreign = self.insert("foreign", owner=OTHER_PROJECT)

    def insert(self, name, **values):
        now = clock.now()
        image = {
            "id": clock.new_id(), "owner": PROJECT, "name": name, "size": 100,
            "status": states.Image.ACTIVE, "visibility": states.Visibility.SHARED,
            "protected": False, "hidden": False, "min_disk": 0, "min_ram": 0,
            "created_at": now, "updated_at": now, "properties": {}, "tags": [], **values,
        }  # fmt: skip
        self.api.in_writer(images.insert, image)
        return image["id"]

    def names(self, query="", path="/images"):
        return [image["name"] for image in self.member.get(f"{path}{query}")["images"]]

    def test_list(self):
        self.assertEqual(["three", "two", "one"], self.names())
        brief = self.member.get("/images")["images"][0]
        self.assertEqual({"id", "name", "links"}, set(brief))
        self.assertEqual(
            ["self", "bookmark", "alternate"], [link["rel"] for link in brief["links"]]
        )

    def test_filters(self):
        for query, expected in (
            ("?name=one", ["one"]),
            ("?status=active", ["two", "one"]),
            ("?status=SAVING", ["three"]),
            ("?status=nonsense", []),
            ("?type=snapshot", ["two"]),
            (f"?server={SERVER}", ["two"]),
            (f"?server=http://x/servers/{SERVER}", ["two"]),
            ("?property-image_type=snapshot", ["two"]),
            ("?minRam=64", ["three"]),
            ("?changes-since=2126-01-01T00:00:00Z", []),
            ("?changes-since=2026-01-01T00:00:00Z", ["three", "two", "one"]),
            ("?unknown=x", ["three", "two", "one"]),
            ("?limit=1", ["three"]),
            (f"?marker={self.ids[1]}", ["one"]),
        ):
            self.assertEqual(expected, self.names(query), query)
            self.assertEqual(expected, self.names(query, "/images/detail"), query)
        for query in ("?limit=x", "?changes-since=never", "?minDisk=x", "?marker=x"):
            self.assertEqual(400, self.member.status("GET", f"/images{query}"), query)

    def test_detail(self):
        shown = self.member.get(f"/images/{self.ids[1]}")["image"]
        self.assertEqual("ACTIVE", shown["status"])
        self.assertEqual(100, shown["progress"])
        self.assertEqual(SERVER, shown["server"]["id"])
        self.assertEqual("snapshot", shown["metadata"]["image_type"])
        self.assertEqual(100, shown["OS-EXT-IMG-SIZE:size"])

    def test_gone_with_later_versions(self):
        for path in ("/images", "/images/detail", f"/images/{self.ids[0]}"):
            self.assertEqual(404, self.member.status("GET", path, version="2.36"))
        path = f"/images/{self.ids[0]}/metadata"
        self.assertEqual(200, self.member.status("GET", path, version="2.38"))
        self.assertEqual(404, self.member.status("GET", path, version="2.39"))

    def test_other_projects_images_do_not_exist(self):
        path = f"/images/{self.foreign}"
        for method, where, body in (
            ("GET", path, None),
            ("DELETE", path, None),
            ("GET", f"{path}/metadata", None),
            ("POST", f"{path}/metadata", {"metadata": {"a": "b"}}),
            ("PUT", f"{path}/metadata", {"metadata": {}}),
            ("PUT", f"{path}/metadata/a", {"meta": {"a": "b"}}),
            ("DELETE", f"{path}/metadata/a", None),
        ):
            unknown = where.replace(self.foreign, clock.new_id())
            self.assertEqual(404, self.member.status(method, where, body), where)
            self.assertEqual(404, self.member.status(method, unknown, body), where)

    def test_delete(self):
        self.assertEqual(204, self.member.status("DELETE", f"/images/{self.ids[0]}"))
        self.assertEqual(404, self.member.status("GET", f"/images/{self.ids[0]}"))
        for path in ("/images/", "/images/!@$%", "/images/" + "a" * 300):
            self.assertEqual(404, self.member.status("DELETE", path), path)

    def test_metadata(self):
        path = f"/images/{self.ids[0]}/metadata"
        made = self.member.ask("POST", path, {"metadata": {"a": "1", "b": "2"}})
        self.assertEqual({"metadata": {"a": "1", "b": "2"}}, made.json)
        one = self.member.ask("PUT", f"{path}/a", {"meta": {"a": "3"}})
        self.assertEqual({"meta": {"a": "3"}}, one.json)
        self.assertEqual(400, self.member.status("PUT", f"{path}/a", {"meta": {"c": "3"}}))
        self.assertEqual({"meta": {"a": "3"}}, self.member.get(f"{path}/a"))
        every = self.member.ask("PUT", path, {"metadata": {"c": "4"}})
        self.assertEqual({"metadata": {"c": "4"}}, every.json)
        self.assertEqual({"metadata": {"c": "4"}}, self.member.get(path))
        self.assertEqual(204, self.member.status("DELETE", f"{path}/c"))
        self.assertEqual(404, self.member.status("DELETE", f"{path}/c"))
        self.assertEqual(404, self.member.status("GET", f"{path}/c"))

    def test_metadata_is_not_a_way_to_attributes(self):
        path = f"/images/{self.ids[0]}/metadata"
        for name in ("name", "visibility", "owner", "tags", "a/b", ""):
            self.assertEqual(
                400, self.member.status("POST", path, {"metadata": {name: "x"}}), name
            )
        self.assertEqual(403, self.member.status("POST", path, {"metadata": {"status": "x"}}))
        self.assertEqual("one", self.member.get(f"/images/{self.ids[0]}")["image"]["name"])

    def test_metadata_quota(self):
        cfg.CONF.set_override("metadata_items", 2, group="quota")
        path = f"/images/{self.ids[0]}/metadata"
        items = dict.fromkeys("abc", "x")
        self.assertEqual(403, self.member.status("POST", path, {"metadata": items}))
