"""Images through their API: register, show, list, change, delete."""

import testtools

from tests.fixtures.image_service import ImageService

FOREIGN = "3fa0e5b8-0000-4000-8000-000000000000"


class Base(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.service = self.useFixture(ImageService())
        self.red = self.service.as_("red")
        self.blue = self.service.as_("blue")
        self.admin = self.service.admin

    def refused(self, status, code, answer):
        self.assertEqual(
            (status, code), (answer.status_int, answer.headers["X-Mycloud-Error-Code"]),
            answer.text,
        )


class ImagesTest(Base):
    def test_what_is_registered_is_shown(self):
        made = self.red.create(
            name="Größe", min_disk=2, min_ram=64, tags=["b", "a", "b"], protected=True,
            kernel_id=None, **{"owner_specified.openstack.md5": "", "hw_disk_bus": "virtio"},
        )
        shown = self.red.show(made["id"])
        self.assertEqual(made, shown)
        self.assertEqual("queued", shown["status"])
        self.assertEqual("shared", shown["visibility"])
        self.assertEqual("red", shown["owner"])
        self.assertEqual(["a", "b"], shown["tags"])
        self.assertEqual("", shown["owner_specified.openstack.md5"])
        self.assertEqual("virtio", shown["hw_disk_bus"])
        self.assertIsNone(shown["kernel_id"])
        self.assertIsNone(shown["size"])
        self.assertEqual(f"/v2/images/{made['id']}/file", shown["file"])

    def test_the_answer_to_a_registration_says_where_the_image_is(self):
        answer = self.red.ask("POST", "/images", {})
        self.assertTrue(answer.headers["Location"].endswith(f"/images/{answer.json['id']}"))

    def test_an_id_of_ones_own_is_taken_once(self):
        self.red.create(id=FOREIGN)
        self.refused(409, "image_exists", self.blue.ask("POST", "/images", {"id": FOREIGN}))
        self.red.ask("DELETE", f"/images/{FOREIGN}")
        self.refused(409, "image_exists", self.red.ask("POST", "/images", {"id": FOREIGN}))

    def test_what_is_wrong_in_a_registration_is_named(self):
        for body, field in (
            ({"disk_format": "wrong"}, "disk_format"),
            ({"container_format": "wrong"}, "container_format"),
            ({"visibility": "secret"}, "visibility"),
            ({"min_disk": -1}, "min_disk"),
            ({"min_ram": 1 << 31}, "min_ram"),
            ({"protected": "yes"}, "protected"),
            ({"name": "n" * 256}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"tags": ["t" * 256]}, "tags"),
            ({"colour": 5}, "colour"),
            ({"id": "mine"}, "id"),
            ({"kernel_id": "mine"}, "kernel_id"),
            ({"p" * 256: "x"}, "p" * 64),
            ({"name": "a\u0000b"}, "NUL"),
            ({"colour": "a\u0000b"}, "NUL"),
        ):
            answer = self.red.ask("POST", "/images", body)
            self.assertEqual(400, answer.status_int, body)
            self.assertIn(field, answer.json["error"]["message"])

    def test_a_body_that_no_image_needs_is_not_read(self):
        answer = self.red.ask("POST", "/images", {"colour": "x" * (1 << 20)})
        self.refused(413, "too_large", answer)

    def test_what_only_the_service_sets_is_forbidden(self):
        for name, value in (
            ("status", "active"), ("size", 5), ("checksum", "x"), ("created_at", "x"),
            ("locations", []), ("deleted", "false"), ("os_glance_foo", "bar"),
        ):
            answer = self.red.ask("POST", "/images", {name: value})
            self.refused(403, "image_attribute_fixed", answer)
            self.assertIn(name, answer.json["error"]["message"])

    def test_only_an_administrator_makes_images_public_or_for_others(self):
        self.refused(403, "forbidden", self.red.ask("POST", "/images", {"visibility": "public"}))
        self.refused(403, "forbidden", self.red.ask("POST", "/images", {"owner": "blue"}))
        self.assertEqual("public", self.admin.create(visibility="public")["visibility"])
        self.assertEqual("blue", self.admin.create(owner="blue")["owner"])

    def test_only_an_administrator_registers_images_that_nobody_owns(self):
        self.refused(403, "forbidden", self.service.as_(None).ask("POST", "/images", {}))
        self.refused(403, "forbidden", self.red.ask("POST", "/images", {"owner": None}))
        self.assertIsNone(self.admin.create(owner=None)["owner"])

    def test_a_reader_changes_nothing(self):
        image_id = self.red.create()["id"]
        reader = self.service.as_("red", "reader")
        self.assertEqual("one", reader.show(image_id)["name"])
        for method, path, body in (
            ("POST", "/images", {}),
            ("DELETE", f"/images/{image_id}", None),
            ("PUT", f"/images/{image_id}/tags/x", None),
            ("POST", f"/images/{image_id}/members", {"member": "blue"}),
            ("POST", f"/images/{image_id}/actions/deactivate", None),
        ):
            self.refused(403, "forbidden", reader.ask(method, path, body))
        self.refused(403, "forbidden", reader.upload(image_id, b"x"))
        self.refused(403, "forbidden", reader.patch(image_id))

    def test_who_is_not_logged_in_gets_nothing(self):
        self.red.headers = {}
        self.refused(401, "unauthorized", self.red.ask("GET", "/images"))

    def test_a_foreign_image_is_like_none(self):
        theirs = self.blue.create(visibility="private")["id"]
        member = f"/images/{theirs}/members"
        for method, path, body in (
            ("GET", f"/images/{theirs}", None),
            ("DELETE", f"/images/{theirs}", None),
            ("GET", f"/images/{theirs}/file", None),
            ("PUT", f"/images/{theirs}/tags/x", None),
            ("DELETE", f"/images/{theirs}/tags/x", None),
            ("GET", member, None),
            ("POST", member, {"member": "red"}),
            ("GET", f"{member}/red", None),
            ("PUT", f"{member}/red", {"status": "accepted"}),
            ("DELETE", f"{member}/red", None),
            ("POST", f"/images/{theirs}/actions/deactivate", None),
            ("POST", f"/images/{theirs}/actions/reactivate", None),
        ):
            for client in (self.red, self.service.as_("nobody")):
                foreign = client.ask(method, path, body)
                missing = client.ask(method, path.replace(theirs, FOREIGN), body)
                self.refused(404, "image_not_found", foreign)
                self.assertEqual(missing.text, foreign.text.replace(theirs, FOREIGN), path)
        self.refused(404, "image_not_found", self.red.patch(theirs))
        self.refused(404, "image_not_found", self.red.upload(theirs, b"x"))

    def test_what_one_only_sees_one_can_not_change(self):
        image_id = self.admin.active(visibility="public")["id"]
        for answer in (
            self.red.ask("DELETE", f"/images/{image_id}"),
            self.red.patch(image_id, {"op": "replace", "path": "/name", "value": "x"}),
            self.red.ask("PUT", f"/images/{image_id}/tags/x"),
            self.red.ask("POST", f"/images/{image_id}/actions/deactivate"),
        ):
            self.refused(403, "image_not_owned", answer)

    def test_a_protected_image_stays_until_it_is_unprotected(self):
        image_id = self.red.active(protected=True)["id"]
        self.refused(403, "image_protected", self.red.ask("DELETE", f"/images/{image_id}"))
        self.red.patch(image_id, {"op": "replace", "path": "/protected", "value": False})
        self.assertEqual(204, self.red.ask("DELETE", f"/images/{image_id}").status_int)
        self.refused(404, "image_not_found", self.red.ask("GET", f"/images/{image_id}"))
        self.refused(404, "image_not_found", self.red.ask("DELETE", f"/images/{image_id}"))
        self.assertEqual([], self.service.files())
        self.assertEqual([], self.red.names())

    def test_deactivated_data_is_kept_from_its_users(self):
        image_id = self.red.active(b"secret")["id"]
        deactivate = f"/images/{image_id}/actions/deactivate"
        for _ in range(2):
            self.assertEqual(204, self.red.ask("POST", deactivate).status_int)
        self.assertEqual("deactivated", self.red.show(image_id)["status"])
        path = f"/images/{image_id}/file"
        self.refused(403, "image_deactivated", self.red.ask("GET", path))
        self.assertEqual(b"secret", self.admin.ask("GET", path).body)
        self.red.ask("POST", f"/images/{image_id}/actions/reactivate")
        self.assertEqual(b"secret", self.red.ask("GET", path).body)

    def test_an_image_without_data_can_not_be_deactivated(self):
        image_id = self.red.create()["id"]
        answer = self.red.ask("POST", f"/images/{image_id}/actions/deactivate")
        self.refused(409, "state_conflict", answer)
        self.assertIn("queued", answer.json["error"]["message"])

    def test_there_are_only_so_many_images_a_project(self):
        self.service.set("quota_images", 2)
        first = self.red.create()["id"]
        self.red.create()
        answer = self.red.ask("POST", "/images", {})
        self.refused(413, "image_quota_exceeded", answer)
        self.assertIn("2 of 2 images", answer.json["error"]["message"])
        self.blue.create()
        self.red.ask("DELETE", f"/images/{first}")
        self.red.create()

    def test_a_list_takes_few_statements_however_long_it_is(self):
        def count(path):
            before = self.service.db.statements
            self.red.ask("GET", path)
            return self.service.db.statements - before

        self.red.create(tags=["a"], colour="red")
        few = count("/images")
        for number in range(20):
            self.red.create(tags=[f"tag{number}"], colour="red")
        self.assertEqual(few, count("/images"))
        self.assertLessEqual(few, 4)


class PatchTest(Base):
    def setUp(self):
        super().setUp()
        self.image = self.red.create(
            name="old", tags=["x"], colour="blue", **{"a/b~c": "1"}
        )
        self.image_id = self.image["id"]

    def test_all_kinds_of_operations(self):
        answer = self.red.patch(
            self.image_id,
            {"op": "replace", "path": "/name", "value": "new"},
            {"op": "replace", "path": "/tags", "value": ["z", "y"]},
            {"op": "add", "path": "/os_distro", "value": "debian"},
            {"op": "add", "path": "/min_disk", "value": 3},
            {"op": "replace", "path": "/colour", "value": "green"},
            {"op": "remove", "path": "/a~1b~0c"},
            {"op": "replace", "path": "/disk_format", "value": "qcow2"},
            {"op": "replace", "path": "/os_hidden", "value": True},
        )
        self.assertEqual(200, answer.status_int, answer.text)
        self.assertEqual(answer.json, self.red.show(self.image_id))
        changed = {
            name: value for name, value in answer.json.items()
            if self.image.get(name) != value and name != "updated_at"
        }
        self.assertEqual(
            {
                "name": "new", "tags": ["y", "z"], "os_distro": "debian", "min_disk": 3,
                "colour": "green", "disk_format": "qcow2", "os_hidden": True,
            },
            changed,
        )
        self.assertNotIn("a/b~c", answer.json)

    def test_the_older_form(self):
        answer = self.red.ask(
            "PATCH", f"/images/{self.image_id}",
            [{"replace": "/name", "value": "new"}, {"remove": "/colour"},
             {"add": "/speed", "value": "88mph"}],
            Content_Type="application/openstack-images-v2.0-json-patch",
        )
        self.assertEqual("new", answer.json["name"])
        self.assertEqual("88mph", answer.json["speed"])
        self.assertNotIn("colour", answer.json)

    def test_all_or_nothing(self):
        answer = self.red.patch(
            self.image_id,
            {"op": "replace", "path": "/name", "value": "new"},
            {"op": "remove", "path": "/shape"},
        )
        self.refused(409, "image_property_missing", answer)
        self.assertEqual(self.image, self.red.show(self.image_id))

    def test_what_is_wrong_is_named(self):
        for operation, field in (
            ({"op": "move", "path": "/a", "from": "/b"}, "op"),
            ({"op": "replace", "path": "name", "value": "x"}, "path"),
            ({"op": "replace", "path": "/", "value": "x"}, "path"),
            ({"op": "replace", "path": "/a/b", "value": "x"}, "path"),
            ({"op": "replace", "path": "/a~2", "value": "x"}, "path"),
            ({"op": "replace", "path": 5, "value": "x"}, "path"),
            ({"op": "add", "path": "/" + "a" * 256, "value": "x"}, "name"),
            ({"op": "add", "path": "/colour"}, "colour"),
            ({"op": "add", "path": "/colour", "value": {"a": 1}}, "colour"),
            ({"op": "add", "path": "/colour", "value": "\u0000"}, "NUL"),
            ({"op": "replace", "path": "/tags", "value": "x"}, "tags"),
            ({"op": "replace", "path": "/name", "value": 5}, "name"),
            ({"op": "replace", "path": "/min_disk", "value": 1 << 40}, "min_disk"),
            ({"op": "replace", "path": "/visibility", "value": "none"}, "visibility"),
        ):
            answer = self.red.patch(self.image_id, operation)
            self.assertEqual(400, answer.status_int, answer.text)
            self.assertIn(field, answer.json["error"]["message"], operation)
        self.assertEqual(400, self.red.patch(self.image_id, 5).status_int)
        self.assertEqual(self.image, self.red.show(self.image_id))

    def test_a_patch_must_say_that_it_is_one(self):
        answer = self.red.ask("PATCH", f"/images/{self.image_id}", [])
        self.refused(415, "unsupported_media_type", answer)

    def test_what_is_fixed_stays(self):
        for name in ("id", "status", "checksum", "locations", "os_glance_x", "self"):
            operation = {"op": "replace", "path": f"/{name}", "value": "x"}
            answer = self.red.patch(self.image_id, operation)
            self.refused(403, "image_attribute_fixed", answer)
        answer = self.red.patch(self.image_id, {"op": "remove", "path": "/name"})
        self.refused(403, "image_attribute_fixed", answer)

    def test_formats_are_fixed_once_there_is_data(self):
        self.red.upload(self.image_id, b"x")
        answer = self.red.patch(
            self.image_id, {"op": "replace", "path": "/disk_format", "value": "qcow2"}
        )
        self.refused(403, "image_attribute_fixed", answer)
        same = {"op": "replace", "path": "/disk_format", "value": "raw"}
        self.assertEqual(200, self.red.patch(self.image_id, same).status_int)

    def test_only_an_administrator_publishes_and_gives_away(self):
        publish = {"op": "replace", "path": "/visibility", "value": "public"}
        give = {"op": "replace", "path": "/owner", "value": "blue"}
        for operation in (publish, give):
            self.refused(403, "forbidden", self.red.patch(self.image_id, operation))
        self.assertEqual("public", self.admin.patch(self.image_id, publish).json["visibility"])
        self.assertEqual("blue", self.admin.patch(self.image_id, give).json["owner"])

    def test_there_are_only_so_many_properties_and_tags(self):
        self.service.set("max_properties", 2)
        self.service.set("max_tags", 1)
        add = {"op": "add", "path": "/third", "value": "x"}
        self.refused(413, "too_large", self.red.patch(self.image_id, add))
        self.refused(413, "too_large", self.red.ask("PUT", f"/images/{self.image_id}/tags/y"))
        self.assertEqual(204, self.red.ask("PUT", f"/images/{self.image_id}/tags/x").status_int)

    def test_tags_come_and_go(self):
        tags = f"/images/{self.image_id}/tags"
        self.assertEqual(204, self.red.ask("PUT", f"{tags}/y").status_int)
        self.assertEqual(["x", "y"], self.red.show(self.image_id)["tags"])
        self.assertEqual(204, self.red.ask("DELETE", f"{tags}/x").status_int)
        self.refused(404, "image_tag_not_found", self.red.ask("DELETE", f"{tags}/x"))
        self.assertEqual(["y"], self.red.show(self.image_id)["tags"])


class DocumentsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.client = self.useFixture(ImageService()).as_("red")

    def test_schemas(self):
        for name in ("image", "images", "member", "members"):
            shown = self.client.ask("GET", f"/schemas/{name}").json
            self.assertEqual(name, shown["name"])
        properties = self.client.ask("GET", "/schemas/image").json["properties"]
        self.assertLessEqual(set(self.client.create()), set(properties))
        self.assertEqual(404, self.client.ask("GET", "/schemas/none").status_int)

    def test_no_import_is_offered(self):
        self.assertEqual(
            [], self.client.ask("GET", "/info/import").json["import-methods"]["value"]
        )
        self.assertEqual(1, len(self.client.ask("GET", "/info/stores").json["stores"]))
        image_id = self.client.create()["id"]
        self.assertEqual(404, self.client.ask("POST", f"/images/{image_id}/import", {}).status_int)
