"""Volume types: who sees and changes them, and what belongs to them."""

import sqlalchemy as sa
import testtools
from oslo_config import cfg

from mycloud.common import clock, context, exceptions
from mycloud.db import engine
from mycloud.db.models import volumes
from mycloud.volume.requests import types
from tests.fixtures.cloud import PROJECT
from tests.fixtures.compute_rows import OTHER_PROJECT
from tests.fixtures.volume_rows import VolumeRows, volume_row

UNKNOWN = "99999999-2222-4333-8444-555555555555"


class Case(testtools.TestCase):
    def rows(self):
        return VolumeRows()

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(self.rows())
        self.admin, self.member = self.api.admin, self.api.member
        self.stranger = self.api.stranger

    def ask(self, method, path, body=None, *, by=None, status=200, **kwargs):
        """The answer's body; the administrator asks unless told."""
        response = (by or self.admin).ask(method, path, body, **kwargs)
        self.assertEqual(status, response.status_int, f"{method} {path} {response.text}")
        return response.json if response.body else None

    def create(self, name="fast", **values):
        body = {"volume_type": {"name": name, **values}}
        return self.ask("POST", "/types", body)["volume_type"]

    def private(self, name="mine", **values):
        return self.create(name, **{"os-volume-type-access:is_public": False}, **values)

    def use(self, type_id):
        """A volume of the type."""
        self.api.in_writer(
            lambda conn: conn.execute(
                sa.insert(volumes).values(**volume_row(volume_type_id=type_id))
            )
        )

    def names(self, query="", by=None, **kwargs):
        found = (by or self.admin).get(f"/types{query}", **kwargs)["volume_types"]
        return [each["name"] for each in found]


class TypesTest(Case):
    def test_create_show_delete(self):
        specs = {"storage_protocol": "iSCSI", "a:b_c-d.e": "<in> x"}
        made = self.create(description="quick", extra_specs=specs)
        self.assertEqual(
            {"id": made["id"], "name": "fast", "is_public": True, "description": "quick",
             "extra_specs": specs, "os-volume-type-access:is_public": True},
            made,
        )  # fmt: skip
        path = f"/types/{made['id']}"
        shown = self.ask("GET", path)["volume_type"]
        self.assertEqual({**made, "qos_specs_id": None}, shown)
        self.ask("DELETE", path, status=202)
        self.ask("GET", path, status=404)
        self.ask("DELETE", path, status=404)

    def test_members_see_no_details(self):
        made = self.create(extra_specs={"multiattach": "<is> True", "vendor_name": "x"})
        shown = self.ask("GET", f"/types/{made['id']}", by=self.member)["volume_type"]
        self.assertEqual({"multiattach": "<is> True"}, shown["extra_specs"])
        self.assertNotIn("qos_specs_id", shown)
        path = f"/types/{made['id']}/extra_specs"
        listed = self.ask("GET", path, by=self.api.reader)["extra_specs"]
        self.assertEqual({"multiattach": "<is> True"}, listed)
        self.ask("GET", f"{path}/vendor_name", by=self.member, status=404)
        self.ask("GET", f"{path}/vendor_name")

    def test_only_administrators_change(self):
        path = f"/types/{self.create()['id']}"
        spec, project = {"extra_specs": {"a": "b"}}, {"project": PROJECT}
        luks = {"encryption": {"provider": "luks", "control_location": "front-end"}}
        for method, url, body in (
            ("POST", "/types", {"volume_type": {"name": "x"}}),
            ("PUT", path, {"volume_type": {"name": "x"}}),
            ("DELETE", path, None),
            ("POST", f"{path}/extra_specs", spec),
            ("PUT", f"{path}/extra_specs/a", {"a": "b"}),
            ("DELETE", f"{path}/extra_specs/a", None),
            ("POST", f"{path}/action", {"addProjectAccess": project}),
            ("POST", f"{path}/action", {"removeProjectAccess": project}),
            ("GET", f"{path}/os-volume-type-access", None),
            ("GET", f"{path}/encryption", None),
            ("POST", f"{path}/encryption", luks),
            ("PUT", f"{path}/encryption/x", luks),
            ("DELETE", f"{path}/encryption/x", None),
        ):
            self.ask(method, url, body, by=self.member, status=403)

    def test_bad_input(self):
        field = "os-volume-type-access:is_public"
        for values, named in (
            ({"name": ""}, "name"),
            ({"name": " x"}, "name"),
            ({"name": "x" * 256}, "name"),
            ({"name": 1}, "name"),
            ({"name": None}, "name"),
            ({}, "name"),
            ({"name": "x", "unknown": 1}, "unknown"),
            ({"name": "x", "description": 1}, "description"),
            ({"name": "x", "description": "x" * 256}, "description"),
            ({"name": "x", field: "maybe"}, field),
            ({"name": "x", "extra_specs": {"a/b": "c"}}, "extra_specs"),
            ({"name": "x", "extra_specs": {"a": 1}}, "extra_specs.a"),
            ({"name": "x", "extra_specs": {"": "c"}}, "extra_specs"),
            ({"name": "x", "extra_specs": ["a"]}, "extra_specs"),
            ({"name": "x", "extra_specs": {"multiattach": "True"}}, "multiattach"),
        ):
            message = self.ask("POST", "/types", {"volume_type": values}, status=400)
            self.assertIn(named, message["badRequest"]["message"])
        for body in ({}, {"volume_type": None}, [], None):
            self.ask("POST", "/types", body, status=400)

    def test_names_are_unique(self):
        self.create()
        other = self.create("slow")
        self.ask("POST", "/types", {"volume_type": {"name": "fast"}}, status=409)
        body = {"volume_type": {"name": "fast"}}
        self.ask("PUT", f"/types/{other['id']}", body, status=409)
        self.assertEqual(["slow", "fast"], self.names())

    def test_update(self):
        path = f"/types/{self.create(description='old')['id']}"
        body = {"volume_type": {"name": "new", "description": "", "is_public": "False"}}
        changed = self.ask("PUT", path, body)["volume_type"]
        self.assertEqual(("new", "", False), (
            changed["name"], changed["description"], changed["is_public"]
        ))
        self.assertEqual(False, self.ask("GET", path)["volume_type"]["is_public"])
        self.ask("PUT", path, {"volume_type": {}}, status=400)
        self.ask("PUT", path, {"volume_type": {"name": ""}}, status=400)
        self.ask("PUT", f"/types/{UNKNOWN}", body, status=404)

    def test_not_deleted_while_used(self):
        type_id = self.create()["id"]
        self.use(type_id)
        message = self.ask("DELETE", f"/types/{type_id}", status=400)["badRequest"]["message"]
        self.assertIn("there are volumes or snapshots of it", message)
        path = f"/types/{type_id}/extra_specs"
        self.ask("POST", path, {"extra_specs": {"a": "b"}}, status=400)
        self.api.in_writer(
            lambda conn: conn.execute(sa.update(volumes).values(deleted_at=clock.now()))
        )
        self.ask("DELETE", f"/types/{type_id}", status=202)

    def test_quotas_end_with_the_type(self):
        type_id = self.create()["id"]
        path = f"/os-quota-sets/{PROJECT}"
        self.ask("PUT", path, {"quota_set": {"volumes_fast": 3}})
        body = {"volume_type": {"name": "faster"}}
        self.ask("PUT", f"/types/{type_id}", body)
        self.assertEqual(3, self.ask("GET", path)["quota_set"]["volumes_faster"])
        self.ask("DELETE", f"/types/{type_id}", status=202)
        self.create("faster")
        self.assertEqual(-1, self.ask("GET", path)["quota_set"]["volumes_faster"])


class ListTest(Case):
    def setUp(self):
        super().setUp()
        for name in ("a", "b", "c"):
            self.create(name, extra_specs={"multiattach": "<is> True"} if name == "b" else {})
        self.private("p", extra_specs={"vendor_name": "x"})

    def test_public_and_private(self):
        self.assertEqual(["c", "b", "a"], self.names())
        self.assertEqual(["p"], self.names("?is_public=false"))
        self.assertEqual(["p", "c", "b", "a"], self.names("?is_public=none"))
        self.ask("GET", "/types?is_public=maybe", status=400)
        for query in ("", "?is_public=none", "?is_public=false"):
            self.assertEqual(["c", "b", "a"], self.names(query, by=self.member))

    def test_order_and_pages(self):
        self.assertEqual(["a", "b", "c"], self.names("?sort=name:asc"))
        self.assertEqual(["c", "b", "a"], self.names("?sort_key=name&sort_dir=desc"))
        self.assertEqual(["a", "b", "c"], self.names("?sort=is_public,name:asc"))
        self.assertEqual(["b", "a"], self.names("?offset=1"))
        page = self.ask("GET", "/types?sort=name:asc&limit=2")
        self.assertEqual(["a", "b"], [each["name"] for each in page["volume_types"]])
        link = page["volume_type_links"][0]["href"].partition("/v3")[2]
        self.assertEqual(["c"], self.names(link.removeprefix("/types")))
        for query in (
            "sort=unknown", "sort_key=unknown", "sort=name:up", "sort_dir=up", "limit=-1",
            "limit=x", "offset=-1", "offset=99999999999", f"marker={UNKNOWN}",
            "sort=name&sort_key=name",
        ):
            self.ask("GET", f"/types?{query}", status=400)

    def test_filters(self):
        self.assertEqual(["b"], self.names("?name=b"))
        self.assertEqual([], self.names("?name=p"))
        query = "?extra_specs={'multiattach': '<is> True'}"
        self.assertEqual(["b"], self.names(query, by=self.member))
        self.assertEqual(["c", "b", "a"], self.names(query, version="3.51"))
        query = "?extra_specs={'vendor_name': 'x'}&is_public=none"
        self.assertEqual(["p"], self.names(query))
        self.ask("GET", f"/types{query}", by=self.member, status=400)
        for text in ("x", "[1]", "{'a': 1}", "(" * 3000, "{'a': {}}", "__import__('os')"):
            self.ask("GET", f"/types?extra_specs={text}", status=400)


class AccessTest(Case):
    def setUp(self):
        super().setUp()
        self.type_id = self.private()["id"]
        self.path = f"/types/{self.type_id}"

    def change(self, action, project=PROJECT, status=202):
        body = {action: {"project": project}}
        return self.ask("POST", f"{self.path}/action", body, status=status)

    def test_private(self):
        self.ask("GET", self.path, by=self.member, status=404)
        self.change("addProjectAccess")
        self.ask("GET", self.path, by=self.member)
        self.ask("GET", self.path, by=self.stranger, status=404)
        self.assertEqual(["mine"], self.names(by=self.member))
        self.assertEqual([], self.names(by=self.stranger))
        self.change("addProjectAccess", OTHER_PROJECT)
        listed = self.ask("GET", f"{self.path}/os-volume-type-access")["volume_type_access"]
        self.assertEqual(
            [{"volume_type_id": self.type_id, "project_id": project}
             for project in (PROJECT, OTHER_PROJECT)],
            listed,
        )  # fmt: skip
        self.change("removeProjectAccess")
        self.ask("GET", self.path, by=self.member, status=404)
        self.ask("DELETE", self.path, status=202)

    def test_refused(self):
        self.change("addProjectAccess")
        self.change("addProjectAccess", status=409)
        self.change("removeProjectAccess", OTHER_PROJECT, status=404)
        for project in ("", 1, None, "x" * 65):
            self.change("addProjectAccess", project, status=400)
        self.ask("POST", f"{self.path}/action", {"unknown": {}}, status=400)
        self.path = f"/types/{self.create('public')['id']}"
        self.change("addProjectAccess", status=400)
        self.change("removeProjectAccess", status=400)
        self.ask("GET", f"{self.path}/os-volume-type-access", status=404)
        self.path = f"/types/{UNKNOWN}"
        self.change("addProjectAccess", status=404)
        self.ask("GET", f"{self.path}/os-volume-type-access", status=404)


class ExtraSpecsTest(Case):
    def setUp(self):
        super().setUp()
        self.type_id = self.create()["id"]
        self.path = f"/types/{self.type_id}/extra_specs"

    def test_life(self):
        items = {"spec1": "val1", "capabilities:x": "<or> a <or> b"}
        self.assertEqual(
            {"extra_specs": items}, self.ask("POST", self.path, {"extra_specs": items})
        )
        self.ask("POST", self.path, {"extra_specs": {"spec2": "val2"}})
        self.assertEqual(
            {"extra_specs": {**items, "spec2": "val2"}}, self.ask("GET", self.path)
        )
        changed = {"spec2": "val3"}
        self.assertEqual(changed, self.ask("PUT", f"{self.path}/spec2", changed))
        self.assertEqual(changed, self.ask("GET", f"{self.path}/spec2"))
        self.ask("DELETE", f"{self.path}/spec2", status=202)
        self.ask("DELETE", f"{self.path}/spec2", status=404)
        self.ask("GET", f"{self.path}/spec2", status=404)

    def test_bad_input(self):
        for body in (None, {}, {"extra_specs": None}, {"extra_specs": ["x"]}, {"a": "b"},
                     {"extra_specs": {"multiattach": "<is> Maybe"}}):  # fmt: skip
            self.ask("POST", self.path, body, status=400)
        one = f"{self.path}/spec1"
        for body in ({"spec2": "x"}, {"spec1": "x", "spec2": "y"}, {}, None, {"spec1": None}):
            self.ask("PUT", one, body, status=400)
        self.ask("PUT", f"{self.path}/None", {"spec1": "x"}, status=400)
        gone = f"/types/{UNKNOWN}/extra_specs"
        self.ask("POST", gone, {"extra_specs": {"a": "b"}}, status=404)
        self.ask("PUT", f"{gone}/a", {"a": "b"}, status=404)
        self.ask("GET", gone, status=404)
        self.ask("GET", f"{gone}/a", status=404)
        self.ask("DELETE", f"{gone}/a", status=404)


class EncryptionTest(Case):
    WANTED = {
        "provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64",
        "key_size": 256,
    }  # fmt: skip

    def setUp(self):
        super().setUp()
        self.type_id = self.create()["id"]
        self.path = f"/types/{self.type_id}/encryption"

    def test_life(self):
        self.assertEqual({}, self.ask("GET", self.path))
        made = self.ask("POST", self.path, {"encryption": self.WANTED})["encryption"]
        self.assertEqual(self.type_id, made.pop("volume_type_id"))
        number = made.pop("encryption_id")
        self.assertEqual(self.WANTED, made)
        shown = self.ask("GET", self.path)
        self.assertEqual(number, shown["encryption_id"])
        self.assertIs(False, shown["deleted"])
        self.ask("POST", self.path, {"encryption": self.WANTED}, status=400)
        one = f"{self.path}/{number}"
        changes = {"key_size": "512", "cipher": None}
        changed = self.ask("PUT", one, {"encryption": changes})["encryption"]
        self.assertEqual({"key_size": 512, "cipher": None}, changed)
        self.assertEqual({"key_size": 512}, self.ask("GET", f"{self.path}/key_size"))
        self.assertEqual({"provider": "luks"}, self.ask("GET", f"{self.path}/provider"))
        self.ask("GET", f"{self.path}/unknown", status=404)
        self.ask("DELETE", one, status=202)
        self.assertEqual({}, self.ask("GET", self.path))
        self.ask("DELETE", one, status=404)
        self.ask("PUT", one, {"encryption": changes}, status=404)

    def test_bad_input(self):
        for changes in (
            {"provider": ""}, {"provider": None}, {"control_location": "both"},
            {"key_size": -1}, {"key_size": "x"}, {"key_size": 2**31}, {"cipher": 1},
            {"unknown": 1},
        ):  # fmt: skip
            body = {"encryption": {**self.WANTED, **changes}}
            message = self.ask("POST", self.path, body, status=400)["badRequest"]["message"]
            self.assertIn(next(iter(changes)), message)
        self.ask("POST", self.path, {"encryption": {"provider": "luks"}}, status=400)
        gone = f"/types/{UNKNOWN}/encryption"
        self.ask("POST", gone, {"encryption": self.WANTED}, status=404)
        self.ask("GET", gone, status=404)

    def test_not_changed_while_used(self):
        self.use(self.type_id)
        self.ask("POST", self.path, {"encryption": self.WANTED}, status=400)


    def test_what_hosts_can_do(self):
        def check(**changes):
            row = {"name": "fast", "encryption": {**self.WANTED, **changes}}
            types.check_encryption(row)

        for changes in (
            {}, {"key_size": None}, {"key_size": 512}, {"cipher": None},
            {"provider": "LuksEncryptor"},
        ):  # fmt: skip
            check(**changes)
        for changes in (
            {"provider": "plain"}, {"control_location": "back-end"}, {"key_size": 128},
            {"cipher": "aes-cbc-essiv:sha256"},
        ):  # fmt: skip
            error = self.assertRaises(exceptions.Invalid, check, **changes)
            self.assertIn(next(iter(changes)), error.message)

    def test_of_a_volume(self):
        self.ask("POST", self.path, {"encryption": self.WANTED})
        plain = volume_row(volume_type_id=None, encrypted=False)
        secret = volume_row(
            volume_type_id=self.type_id, encrypted=True, encryption_key_id=UNKNOWN
        )
        insert = sa.insert(volumes)
        for row in (plain, secret):
            self.api.in_writer(lambda conn, row=row: conn.execute(insert.values(**row)))
        path = f"/volumes/{secret['id']}/encryption"
        shown = self.ask("GET", path, by=self.api.reader)
        self.assertEqual({**self.WANTED, "encryption_key_id": UNKNOWN}, shown)
        self.assertEqual({"key_size": 256}, self.ask("GET", f"{path}/key_size", by=self.member))
        self.ask("GET", f"{path}/unknown", by=self.member, status=404)
        self.ask("GET", path, by=self.stranger, status=404)
        shown = self.ask("GET", f"/volumes/{plain['id']}/encryption", by=self.member)
        self.assertEqual({"encryption_key_id": None}, shown)


class DefaultTest(Case):
    def resolve(self, wanted=None, who=None):
        with context.role(context.API), engine.reader() as conn:
            found = types.resolve(conn, (who or self.member).context, wanted)
        return found and found["name"]

    def test_of_the_cloud(self):
        self.ask("GET", "/types/default", by=self.member, status=404)
        self.assertIsNone(self.resolve())
        type_id = self.create()["id"]
        cfg.CONF.set_override("default_volume_type", "fast", group="volume")
        shown = self.ask("GET", "/types/default", by=self.member)["volume_type"]
        self.assertEqual(type_id, shown["id"])
        self.assertEqual("fast", self.resolve())
        self.ask("DELETE", f"/types/{type_id}", status=400)

    def test_made_with_the_cloud(self):
        for _ in range(2):
            with context.role(context.API):
                types.ensure_default()
        self.assertEqual(["__DEFAULT__"], self.names())
        shown = self.ask("GET", "/types/default", by=self.member)["volume_type"]
        self.assertEqual("__DEFAULT__", shown["name"])
        self.ask("DELETE", f"/types/{shown['id']}", status=400)
        cfg.CONF.set_override("default_volume_type", None, group="volume")
        with context.role(context.API):
            types.ensure_default()
        self.assertIsNone(self.resolve())

    def test_by_id_or_name(self):
        type_id = self.create()["id"]
        self.private()
        self.assertEqual("fast", self.resolve("fast"))
        self.assertEqual("fast", self.resolve(type_id))
        for wanted in ("mine", "unknown", ""):
            self.assertRaises(exceptions.VolumeTypeNotFound, self.resolve, wanted)
        self.assertEqual("mine", self.resolve("mine", self.admin))

    def test_multiattach(self):
        self.create(extra_specs={"multiattach": "<is> True"})
        with context.role(context.API), engine.reader() as conn:
            row = types.resolve(conn, self.member.context, "fast")
        self.assertTrue(types.is_multiattach(row))
        self.assertFalse(types.is_multiattach(None))


class BeyondTest(Case):
    """What is there before its microversion is spoken."""

    def rows(self):
        rows = VolumeRows()
        rows.latest = "3.62"
        rows.newest = "3.62"
        return rows

    def test_defaults_of_projects(self):
        fast, slow = self.create(), self.create("slow")
        mine = self.private()
        cfg.CONF.set_override("default_volume_type", "slow", group="volume")
        path = f"/default-types/{PROJECT}"
        self.ask("GET", path, status=404)
        body = {"default_type": {"volume_type": "fast"}}
        shown = {"default_type": {"project_id": PROJECT, "volume_type_id": fast["id"]}}
        self.assertEqual(shown, self.ask("PUT", path, body))
        self.assertEqual(shown, self.ask("GET", path))
        self.assertEqual(
            {"default_types": [shown["default_type"]]}, self.ask("GET", "/default-types")
        )
        shown = self.ask("GET", "/types/default", by=self.member)["volume_type"]
        self.assertEqual("fast", shown["name"])
        shown = self.ask("GET", "/types/default", by=self.stranger)["volume_type"]
        self.assertEqual(slow["id"], shown["id"])
        self.ask("DELETE", f"/types/{fast['id']}", status=400)
        for wanted in (mine["id"], "unknown"):
            body = {"default_type": {"volume_type": wanted}}
            self.ask("PUT", path, body, status=404)
        for body in ({"default_type": {}}, {"default_type": {"volume_type": ""}}, {}):
            self.ask("PUT", path, body, status=400)
        for method, body in (("GET", None), ("PUT", shown), ("DELETE", None)):
            self.ask(method, path, body, by=self.member, status=403)
        self.ask("GET", "/default-types", version="3.61", status=404)
        self.ask("DELETE", path, status=204)
        self.ask("DELETE", path, status=404)
        self.ask("DELETE", f"/types/{fast['id']}", status=202)
