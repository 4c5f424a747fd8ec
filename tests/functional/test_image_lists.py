"""Lists of images: who sees what, filters, order, pages; and sharing, which lists show."""

import datetime

import testtools

from mycloud.common import clock
from mycloud.db import engine, images
from tests.fixtures import postgresql
from tests.fixtures.image_service import ImageService, OnPostgreSQL

MISSING = "3fa0e5b8-0000-4000-8000-000000000000"


class Base(testtools.TestCase):
    def database(self):
        return None

    def setUp(self):
        super().setUp()
        self.service = self.useFixture(ImageService(database=self.database()))
        self.red = self.service.as_("red")
        self.blue = self.service.as_("blue")
        self.admin = self.service.admin

    def made_at(self, image, moment):
        with self.service.in_role(), engine.writer() as conn:
            images.update(conn, image["id"], {"created_at": moment, "updated_at": moment})


class VisibilityTest(Base):
    def setUp(self):
        super().setUp()
        for name in ("public", "community", "private", "shared"):
            self.admin.create(name=name, visibility=name, owner="blue")
        self.offer = self.blue.ask("GET", "/images?name=shared").json["images"][0]["id"]

    def seen(self, client, query=""):
        return set(client.names(query))

    def share(self):
        self.blue.ask("POST", f"/images/{self.offer}/members", {"member": "red"})

    def answer(self, status):
        path = f"/images/{self.offer}/members/red"
        self.assertEqual(200, self.red.ask("PUT", path, {"status": status}).status_int)

    def test_a_plain_list_leaves_out_other_projects_community_images(self):
        everything = {"public", "community", "private", "shared"}
        self.assertEqual({"public"}, self.seen(self.red))
        self.assertEqual(everything, self.seen(self.blue))
        self.assertEqual(everything - {"community"}, self.seen(self.admin))
        self.assertEqual({"public", "community"}, self.seen(self.red, "?visibility=all"))
        self.assertEqual({"community"}, self.seen(self.red, "?visibility=community"))
        self.assertEqual(set(), self.seen(self.red, "?visibility=private"))
        self.assertEqual({"private"}, self.seen(self.admin, "?visibility=private"))

    def test_a_shared_image_is_listed_once_it_is_accepted(self):
        self.share()
        self.assertEqual({"public"}, self.seen(self.red))
        pending = "?visibility=shared&member_status=pending"
        self.assertEqual({"shared"}, self.seen(self.red, pending))
        self.assertEqual("shared", self.red.show(self.offer)["name"])
        self.answer("accepted")
        self.assertEqual({"public", "shared"}, self.seen(self.red))
        self.assertEqual(set(), self.seen(self.red, pending))
        self.answer("rejected")
        self.assertEqual({"public"}, self.seen(self.red))
        self.assertEqual({"shared"}, self.seen(self.red, "?visibility=shared&member_status=all"))
        self.answer("pending")

    def test_a_caller_without_project_sees_what_is_everybodys(self):
        self.assertEqual(
            {"public", "community"}, self.seen(self.service.as_(None), "?visibility=all")
        )

    def test_hidden_images_are_listed_when_asked_for(self):
        self.red.create(name="hidden", os_hidden=True)
        self.assertEqual({"public"}, self.seen(self.red))
        self.assertEqual({"hidden"}, self.seen(self.red, "?os_hidden=true"))

    def test_bad_values_are_refused(self):
        for query in ("visibility=secret", "member_status=maybe", "os_hidden=perhaps"):
            self.assertEqual(400, self.red.ask("GET", f"/images?{query}").status_int)


class MembersTest(Base):
    def setUp(self):
        super().setUp()
        self.image = self.red.create()["id"]
        self.path = f"/images/{self.image}/members"

    def refused(self, status, code, answer):
        self.assertEqual(
            (status, code), (answer.status_int, answer.headers["X-Mycloud-Error-Code"]),
            answer.text,
        )

    def test_from_offer_to_end(self):
        made = self.red.ask("POST", self.path, {"member": "blue"}).json
        self.assertEqual(
            ("blue", self.image, "pending"),
            (made["member_id"], made["image_id"], made["status"]),
        )
        answered = self.blue.ask("PUT", f"{self.path}/blue", {"status": "accepted"}).json
        self.assertEqual("accepted", answered["status"])
        for client in (self.red, self.blue, self.admin):
            self.assertEqual([answered], client.ask("GET", self.path).json["members"])
            self.assertEqual(answered, client.ask("GET", f"{self.path}/blue").json)
        self.assertEqual(204, self.red.ask("DELETE", f"{self.path}/blue").status_int)
        self.refused(404, "image_member_not_found", self.red.ask("DELETE", f"{self.path}/blue"))
        self.refused(404, "image_not_found", self.blue.ask("GET", f"/images/{self.image}"))

    def test_a_client_may_repeat_the_member_in_its_answer(self):
        self.red.ask("POST", self.path, {"member": "blue"})
        body = {"member": "blue", "status": "rejected"}
        self.assertEqual(
            "rejected", self.blue.ask("PUT", f"{self.path}/blue", body).json["status"]
        )

    def test_a_member_knows_of_itself_only(self):
        for member in ("blue", "green"):
            self.red.ask("POST", self.path, {"member": member})
        shown = self.blue.ask("GET", self.path).json["members"]
        self.assertEqual(["blue"], [each["member_id"] for each in shown])
        self.refused(404, "image_member_not_found", self.blue.ask("GET", f"{self.path}/green"))
        answer = self.blue.ask("PUT", f"{self.path}/green", {"status": "accepted"})
        self.refused(404, "image_member_not_found", answer)

    def test_the_owner_does_not_answer_for_its_members(self):
        self.red.ask("POST", self.path, {"member": "blue"})
        answer = self.red.ask("PUT", f"{self.path}/blue", {"status": "accepted"})
        self.refused(403, "image_answer_not_yours", answer)

    def test_a_member_does_not_share_on(self):
        self.red.ask("POST", self.path, {"member": "blue"})
        answer = self.blue.ask("POST", self.path, {"member": "green"})
        self.refused(403, "image_not_owned", answer)
        self.refused(403, "image_not_owned", self.blue.ask("DELETE", f"{self.path}/blue"))

    def test_only_shared_images_have_members(self):
        self.red.patch(self.image, {"op": "replace", "path": "/visibility", "value": "private"})
        for method, body in (("GET", None), ("POST", {"member": "blue"})):
            self.refused(403, "image_not_shared", self.red.ask(method, self.path, body))

    def test_what_is_wrong_is_refused(self):
        self.red.ask("POST", self.path, {"member": "blue"})
        self.refused(
            409, "image_member_exists", self.red.ask("POST", self.path, {"member": "blue"})
        )
        for body in ({}, {"member": 5}, {"member": ""}, {"member": "x" * 65}, {"member": "a\0"}):
            self.assertEqual(400, self.red.ask("POST", self.path, body).status_int, body)
        for body in ({}, {"status": "fine"}, {"status": None}):
            answer = self.blue.ask("PUT", f"{self.path}/blue", body)
            self.assertEqual(400, answer.status_int, body)
        self.service.set("max_members", 1)
        self.refused(413, "too_large", self.red.ask("POST", self.path, {"member": "green"}))


class FilterTest(Base):
    def setUp(self):
        super().setUp()
        day = datetime.datetime(2026, 1, 1, 12, 0, 0, 500000)
        self.a = self.red.active(b"x" * 10, name="a", tags=["one"], colour="red", min_disk=1)
        self.b = self.red.active(b"x" * 20, name="b", tags=["one", "two"], protected=True)
        self.c = self.red.create(name="c,d", disk_format="qcow2", colour="blue")
        self.d = self.red.create(name=None, disk_format=None, container_format=None)
        for number, image in enumerate((self.a, self.b, self.c, self.d)):
            self.made_at(image, day + datetime.timedelta(days=number))

    def check(self, expected, query):
        self.assertEqual(
            sorted(expected, key=str), sorted(self.red.names(f"?{query}"), key=str), query
        )

    def test_filters(self):
        a, b = self.a["id"], self.b["id"]
        for expected, query in (
            (["a"], "name=a"),
            (["a"], "name=eq:a"),
            (["a", "b"], "name=in:a,b"),
            (["c,d"], 'name=in:"c,d",x'),
            (["c,d"], 'name="c,d"'),
            ([], "name=A"),
            (["a", "b"], f"id=in:{a},{b},{MISSING},nonsense"),
            (["a"], f"id={a}"),
            ([], "id=nonsense"),
            (["a", "b"], "status=active"),
            (["a", "b", "c,d", None], "status=in:active,queued"),
            (["c,d"], "disk_format=qcow2"),
            (["a", "b", "c,d"], "container_format=in:bare"),
            (["a", "b"], "tag=one"),
            (["b"], "tag=one&tag=two"),
            (["a"], "size=10"),
            (["a"], "size_max=15"),
            (["b"], "size_min=15&size_max=20"),
            (["a"], "min_disk=1"),
            (["b"], "protected=True"),
            (["a", "b", "c,d", None], "owner=red"),
            ([], "owner=blue"),
            (["a"], "colour=red"),
            (["c,d"], "colour=blue&status=queued"),
            ([], "shape=round"),
            (["a"], f"checksum={self.a['checksum']}"),
            (["a"], f"os_hash_value={self.a['os_hash_value']}"),
            (["b"], "created_at=2026-01-02T12:00:00Z"),
            (["a", "c,d", None], "created_at=neq:2026-01-02T12:00:00Z"),
            (["c,d", None], "created_at=gt:2026-01-02T12:00:00Z"),
            (["b", "c,d", None], "updated_at=gte:2026-01-02T13:00:00%2B01:00"),
            (["a"], "created_at=lt:2026-01-02T12:00:00Z"),
            (["a", "b"], "created_at=lte:2026-01-02T12:00:00Z"),
        ):
            self.check(expected, query)

    def test_bad_values_are_refused(self):
        for query in (
            "size_min=x", "size_max=-1", f"size={1 << 64}", "min_ram=1.5", f"min_ram={1 << 31}",
            "protected=5", "created_at=yesterday", "created_at=gt:", "created_at=in:x",
            "name=gt:a", 'name=in:"a', "name=in:", "limit=x", "limit=-1", "marker=x",
            f"marker={MISSING}", "sort=shape", "sort=name:up", "sort_key=shape", "sort_dir=up",
            "sort=name&sort_key=size", "sort_key=name&sort_dir=asc&sort_dir=desc&sort_dir=asc",
            "name=%00", "%00=x", "colour=%00", "updated_at=9999-12-31T23:59:59Z",
        ):
            answer = self.red.ask("GET", f"/images?{query}")
            self.assertEqual(400, answer.status_int, f"{query} {answer.text}")

    def test_order(self):
        for expected, query in (
            ([None, "c,d", "b", "a"], ""),
            (["a", "b", "c,d", None], "?sort_key=created_at&sort_dir=asc"),
            (["c,d", "b", "a", None], "?sort=name"),
            ([None, "a", "b", "c,d"], "?sort=name:asc"),
            (["b", "a", "c,d", None], "?sort=size:desc,name:desc"),
            (["b", "a", "c,d", None], "?sort_key=size&sort_key=name&sort_dir=desc"),
            (["a", "b", None, "c,d"], "?sort_key=status&sort_key=name&sort_dir=asc&sort_dir=asc"),
        ):
            self.assertEqual(expected, self.red.names(query), query)

    def test_pages(self):
        for order in (
            "", "sort=name:asc", "sort=size:desc,name:asc", "sort_key=disk_format&sort_dir=asc",
            "sort=protected:asc", "sort=owner:desc,id:asc", "sort=updated_at",
        ):
            whole = self.red.names(f"?{order}")
            path, seen, pages = f"/images?limit=1&{order}", [], 0
            while path:
                page = self.red.ask("GET", path).json
                seen += [image["name"] for image in page["images"]]
                self.assertTrue(page["first"].startswith("/v2/images?limit=1"))
                path = page.get("next", "").removeprefix("/v2")
                pages += 1
            self.assertEqual((whole, 4), (seen, pages), order)

    def test_a_page_is_never_longer_than_the_cloud_allows(self):
        self.assertEqual([], self.red.names("?limit=0"))
        self.assertNotIn("next", self.red.ask("GET", "/images?limit=999999999").json)
        self.assertNotIn("next", self.red.ask("GET", "/images").json)

    def test_the_next_page_asks_for_the_same(self):
        page = self.red.ask("GET", "/images?limit=1&tag=one&tag=two&tag=one&sort=name:asc").json
        self.assertNotIn("next", page)
        page = self.red.ask("GET", "/images?limit=1&tag=one&sort=name:asc").json
        self.assertEqual(["b"], self.red.names(page["next"].removeprefix("/v2/images")))

    def test_times_are_shown_in_whole_seconds_of_utc(self):
        self.assertEqual("2026-01-01T12:00:00Z", self.red.show(self.a["id"])["created_at"])
        self.assertGreater(clock.now().year, 2025)


@testtools.skipIf(postgresql.why_not(), postgresql.why_not())
class PostgreSQLFilterTest(OnPostgreSQL, FilterTest):
    """The same questions to another database."""


@testtools.skipIf(postgresql.why_not(), postgresql.why_not())
class PostgreSQLVisibilityTest(OnPostgreSQL, VisibilityTest):
    """The same on another database."""
