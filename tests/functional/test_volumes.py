"""Volumes through the API: made, grown, copied, deleted, and what is refused."""

import sqlalchemy as sa

from mycloud.common.faults import HANG, Fault
from mycloud.common.states import Snap, Vol
from mycloud.db import engine
from mycloud.db.models import volume_pools
from tests.fixtures.volume_api import VolumeApiCase

UNKNOWN = "99999999-2222-4333-8444-555555555555"


class VolumesTest(VolumeApiCase):
    def driver(self):
        return self.cloud.volumes["disks"].driver

    def test_create_show_delete(self) -> None:
        answer = self.volume_call(
            "POST", "/volumes", {"volume": {"size": 2, "name": "data", "volume_type": None}}
        )
        self.assertEqual(202, answer.status, answer)
        made = answer.body["volume"]
        self.assertEqual((2, "data", Vol.CREATING), (made["size"], made["name"], made["status"]))
        self.assertNotIn("os-vol-tenant-attr:tenant_id", made)
        shown = self.volume_when(made["id"], Vol.AVAILABLE)
        self.assertEqual([], shown["attachments"])
        self.assertIn("os-vol-tenant-attr:tenant_id", shown)
        driver = self.driver()
        self.assertEqual([made["id"]], driver.names())
        self.assertEqual(2, driver.size_gb(made["id"]))
        answer = self.volume_call("DELETE", f"/volumes/{made['id']}")
        self.assertEqual((202, b""), (answer.status, answer.raw))
        self.volume_gone(made["id"])
        self.assertEqual([], driver.names())

    def test_sizes_that_are_none(self) -> None:
        for size in (0, -1, 1.5, "", "0", "-1", "1.5", "x", "#$%", 2**31, 2**70, "9" * 30, True,
                     [], {}, None):
            answer = self.volume_call("POST", "/volumes", {"volume": {"size": size}})
            self.assertEqual(400, answer.status, (size, answer))
        made = self.make_volume(size="1")
        for size in (0, -1, 1, "1", "x", None, 1.5, 2**31, "9" * 30):
            answer = self.act(made["id"], "os-extend", {"new_size": size})
            self.assertEqual(400, answer.status, (size, answer))
        self.assertEqual(1, self.driver().size_gb(made["id"]))

    def test_sources_that_are_not_there(self) -> None:
        for name in ("snapshot_id", "source_volid"):
            answer = self.volume_call("POST", "/volumes", {"volume": {"size": 1, name: UNKNOWN}})
            self.assertEqual(404, answer.status, (name, answer))
        answer = self.volume_call("POST", "/volumes", {"volume": {"size": 1, "imageRef": UNKNOWN}})
        self.assertEqual(400, answer.status, answer)
        answer = self.volume_call(
            "POST", "/volumes", {"volume": {"size": 1, "source_volid": UNKNOWN,
                                            "snapshot_id": UNKNOWN}})
        self.assertEqual(400, answer.status, answer)

    def test_update(self) -> None:
        made = self.make_volume(name="old", metadata={"a": "1"})
        for body, name, description in (
            ({"name": "new", "description": "what it is"}, "new", "what it is"),
            ({"display_name": "older"}, "older", "what it is"),
            ({"name": None, "description": None}, None, None),
        ):
            answer = self.volume_call("PUT", f"/volumes/{made['id']}", {"volume": body})
            self.assertEqual(200, answer.status, answer)
            found = answer.body["volume"]
            self.assertEqual((name, description), (found["name"], found["description"]))
            self.assertEqual({"a": "1"}, found["metadata"])
        answer = self.volume_call(
            "PUT", f"/volumes/{made['id']}", {"volume": {"metadata": {"b": "2"}}})
        self.assertEqual({"b": "2"}, answer.body["volume"]["metadata"])
        for body in ({"name": "x" * 256}, {"size": 3}, {"name": 1}, {"metadata": {"": "x"}},
                     {"metadata": {"x": 1}}, {"metadata": {"x": "y" * 256}}):
            answer = self.volume_call("PUT", f"/volumes/{made['id']}", {"volume": body})
            self.assertEqual(400, answer.status, (body, answer))
        for wrong in (UNKNOWN, "invalid-name"):
            answer = self.volume_call("PUT", f"/volumes/{wrong}", {"volume": {"name": "n"}})
            self.assertEqual(404, answer.status, answer)

    def test_extend(self) -> None:
        made = self.make_volume()
        answer = self.act(made["id"], "os-extend", {"new_size": 3})
        self.assertEqual((202, b""), (answer.status, answer.raw))
        shown = self.volume_when(made["id"], Vol.AVAILABLE)
        self.assertEqual(3, shown["size"])
        self.assertEqual(3, self.driver().size_gb(made["id"]))

    def test_extend_that_fails_gives_everything_back(self) -> None:
        made = self.make_volume()
        self.driver().faults.set(Fault("extend"))
        self.assertEqual(202, self.act(made["id"], "os-extend", {"new_size": 5}).status)
        shown = self.volume_when(made["id"], Vol.ERROR_EXTENDING)
        self.assertEqual(1, shown["size"])
        used = self.volume_call("GET", "/limits").body["limits"]["absolute"]
        self.assertEqual(1, used["totalGigabytesUsed"])

    def test_extend_beyond_what_the_backend_has(self) -> None:
        made = self.make_volume()

        def shrink() -> None:
            with engine.writer() as conn:
                conn.execute(sa.update(volume_pools).values(
                    total_gb=4, free_gb=4, generation=volume_pools.c.generation + 1
                ))

        self.cloud.in_role(shrink)
        answer = self.act(made["id"], "os-extend", {"new_size": 500})
        self.assertEqual(400, answer.status, answer)
        self.assertIn("has room for 3 GiB", answer.message)
        self.assertEqual(Vol.AVAILABLE, self.shown(made["id"])["status"])
        self.assertEqual(202, self.act(made["id"], "os-extend", {"new_size": 4}).status)
        self.assertEqual(4, self.volume_when(made["id"], Vol.AVAILABLE)["size"])

    def test_copies(self) -> None:
        made = self.make_volume(size=2, metadata={"a": "1"})
        self.driver().write(made["id"], "what it holds")
        copy = self.make_volume(size=None, source_volid=made["id"])
        self.assertEqual((2, made["id"]), (copy["size"], copy["source_volid"]))
        self.assertEqual("what it holds", self.driver().read(copy["id"]))
        answer = self.volume_call(
            "POST", "/volumes", {"volume": {"size": 1, "source_volid": made["id"]}})
        self.assertEqual(400, answer.status, answer)

    def test_delete_with_snapshots(self) -> None:
        made = self.make_volume()
        snapshots = [self.make_snapshot(made["id"])["id"] for _ in range(2)]
        answer = self.volume_call("DELETE", f"/volumes/{made['id']}")
        self.assertEqual(400, answer.status, answer)
        self.assertIn("snapshots", answer.message)
        answer = self.volume_call("DELETE", f"/volumes/{made['id']}?cascade=True")
        self.assertEqual(202, answer.status, answer)
        self.volume_gone(made["id"])
        self.assertEqual(([], []), (self.driver().names(), self.driver().snapshot_names()))
        for each in snapshots:
            self.assertEqual(404, self.volume_call("GET", f"/snapshots/{each}").status)

    def test_cascade_that_fails_can_be_tried_again(self) -> None:
        made = self.make_volume()
        snapshot = self.make_snapshot(made["id"])["id"]
        self.driver().faults.set(Fault("delete_snapshot"))
        self.volume_call("DELETE", f"/volumes/{made['id']}?cascade=true")
        self.volume_when(made["id"], Vol.ERROR_DELETING)
        shown = self.volume_call("GET", f"/snapshots/{snapshot}").body["snapshot"]
        self.assertEqual(Snap.ERROR_DELETING, shown["status"])
        self.driver().faults.set()
        answer = self.volume_call("DELETE", f"/volumes/{made['id']}?cascade=true")
        self.assertEqual(202, answer.status, answer)
        self.volume_gone(made["id"])

    def test_a_try_with_the_same_key_makes_one_volume(self) -> None:
        body = {"volume": {"size": 1}}
        answers = [
            self.volume_call("POST", "/volumes", body, Idempotency_Key="once") for _ in range(2)
        ]
        self.assertEqual(1, len({answer.body["volume"]["id"] for answer in answers}))


class MarksTest(VolumeApiCase):
    """Metadata, and what a volume is marked as."""

    def test_metadata(self) -> None:
        path = f"/volumes/{self.make_volume(metadata={'a': '1'})['id']}/metadata"
        self.check_metadata(path)

    def test_metadata_of_snapshots(self) -> None:
        snapshot = self.make_snapshot(self.make_volume()["id"], metadata={"a": "1"})
        self.check_metadata(f"/snapshots/{snapshot['id']}/metadata")

    def check_metadata(self, path: str) -> None:
        answer = self.volume_call("GET", path)
        self.assertEqual((200, {"metadata": {"a": "1"}}), (answer.status, answer.body))
        answer = self.volume_call("POST", path, {"metadata": {"b": "2"}})
        self.assertEqual((200, {"metadata": {"a": "1", "b": "2"}}), (answer.status, answer.body))
        answer = self.volume_call("PUT", path, {"metadata": {"c": "3"}})
        self.assertEqual((200, {"metadata": {"c": "3"}}), (answer.status, answer.body))
        answer = self.volume_call("PUT", f"{path}/c", {"meta": {"c": "4"}})
        self.assertEqual((200, {"meta": {"c": "4"}}), (answer.status, answer.body))
        answer = self.volume_call("GET", f"{path}/c")
        self.assertEqual((200, {"meta": {"c": "4"}}), (answer.status, answer.body))
        for verb, tail, body, status in (
            ("GET", "/nothing", None, 404),
            ("DELETE", "/nothing", None, 404),
            ("PUT", "/c", {"meta": {"d": "4"}}, 400),
            ("PUT", "/c", {"meta": {"c": "4", "d": "4"}}, 400),
            ("PUT", "/c", {"meta": {}}, 400),
            ("POST", "", {"metadata": None}, 400),
            ("POST", "", {"metadata": {"x": None}}, 400),
            ("POST", "", {"metadata": {"": "x"}}, 400),
            ("POST", "", {"metadata": {"x" * 256: "x"}}, 400),
            ("POST", "", {"metadata": {f"k{number}": "x" for number in range(128)}}, 400),
        ):
            answer = self.volume_call(verb, path + tail, body)
            self.assertEqual(status, answer.status, (verb, tail, body, answer))
        by = self.stranger
        self.assertEqual(404, self.volume_call("GET", path, by=by).status)
        self.assertEqual(404, self.volume_call("DELETE", f"{path}/c", by=by).status)
        self.assertEqual(403, self.volume_call("DELETE", f"{path}/c", by=self.reader).status)
        answer = self.volume_call("DELETE", f"{path}/c")
        self.assertEqual((200, b""), (answer.status, answer.raw))
        self.assertEqual({"metadata": {}}, self.volume_call("GET", path).body)

    def test_bootable_and_read_only(self) -> None:
        made = self.make_volume()
        self.assertEqual("false", made["bootable"])
        for wanted, shown in ((True, "true"), ("False", "false")):
            answer = self.act(made["id"], "os-set_bootable", {"bootable": wanted})
            self.assertEqual((200, b""), (answer.status, answer.raw))
            self.assertEqual(shown, self.shown(made["id"])["bootable"])
        for wanted in (True, False):
            answer = self.act(made["id"], "os-update_readonly_flag", {"readonly": wanted})
            self.assertEqual((202, b""), (answer.status, answer.raw))
            self.assertEqual(str(wanted), self.shown(made["id"])["metadata"]["readonly"])
        for name, inner in (("os-set_bootable", {}), ("os-set_bootable", {"bootable": "maybe"}),
                            ("os-update_readonly_flag", {"readonly": None})):
            self.assertEqual(400, self.act(made["id"], name, inner).status)

    def test_image_metadata(self) -> None:
        made = self.make_volume()
        self.assertNotIn("volume_image_metadata", made)
        answer = self.act(
            made["id"], "os-set_image_metadata", {"metadata": {"image_id": "5", "ram": "1"}})
        self.assertEqual((200, {"metadata": {"image_id": "5", "ram": "1"}}),
                         (answer.status, answer.body))
        answer = self.act(made["id"], "os-unset_image_metadata", {"key": "image_id"})
        self.assertEqual((200, b""), (answer.status, answer.raw))
        answer = self.act(made["id"], "os-unset_image_metadata", {"key": "image_id"})
        self.assertEqual(404, answer.status)
        answer = self.act(made["id"], "os-show_image_metadata", {})
        self.assertEqual((200, {"metadata": {"ram": "1"}}), (answer.status, answer.body))
        self.assertEqual({"ram": "1"}, self.shown(made["id"])["volume_image_metadata"])


class OperatorsTest(VolumeApiCase):
    """What only administrators may do."""

    def test_tenants_may_not(self) -> None:
        volume_id = self.make_volume()["id"]
        snapshot_id = self.make_snapshot(volume_id)["id"]
        for path, body in (
            (f"/volumes/{volume_id}/action", {"os-reset_status": {"status": "error"}}),
            (f"/volumes/{volume_id}/action", {"os-force_delete": {}}),
            (f"/snapshots/{snapshot_id}/action", {"os-reset_status": {"status": "error"}}),
            (f"/snapshots/{snapshot_id}/action", {"os-force_delete": {}}),
        ):
            self.assertEqual(403, self.volume_call("POST", path, body).status, body)
        answer = self.volume_call("DELETE", f"/volumes/{volume_id}?force=true")
        self.assertEqual(403, answer.status)
        self.assertEqual(Vol.AVAILABLE, self.shown(volume_id)["status"])

    def test_reset_status(self) -> None:
        volume_id = self.make_volume()["id"]
        for status in (Vol.ERROR, Vol.AVAILABLE, Vol.MAINTENANCE, Vol.IN_USE):
            answer = self.act(volume_id, "os-reset_status", {"status": status}, by=self.operator)
            self.assertEqual((202, b""), (answer.status, answer.raw))
            self.assertEqual(status, self.shown(volume_id)["status"])
        for inner in ({}, {"status": "deleted"}, {"status": "nonsense"}, {"status": 1},
                      {"attach_status": "x"}, {"migration_status": "x"}, {"status": None}):
            answer = self.act(volume_id, "os-reset_status", inner, by=self.operator)
            self.assertEqual(400, answer.status, (inner, answer))

    def test_force_delete_whatever_the_status(self) -> None:
        for status in (Vol.CREATING, Vol.ATTACHING, Vol.ERROR, Vol.MAINTENANCE):
            volume_id = self.make_volume()["id"]
            self.act(volume_id, "os-reset_status", {"status": status}, by=self.operator)
            answer = self.volume_call("DELETE", f"/volumes/{volume_id}")
            if status != Vol.ERROR:
                self.assertEqual(400, answer.status)
                answer = self.act(volume_id, "os-force_delete", {}, by=self.operator)
            self.assertEqual(202, answer.status, answer)
            self.volume_gone(volume_id)

    def test_force_delete_while_it_is_made(self) -> None:
        faults = self.cloud.volumes["disks"].driver.faults
        faults.set(Fault("create", mode=HANG))
        volume_id = self.volume_call(
            "POST", "/volumes", {"volume": {"size": 1}}).body["volume"]["id"]
        self.cloud.wait(lambda: self.shown(volume_id, by=self.operator)["os-vol-host-attr:host"])
        answer = self.act(volume_id, "os-force_delete", {}, by=self.operator)
        self.assertEqual(202, answer.status, answer)
        faults.set()
        self.volume_gone(volume_id)
        self.assertEqual([], self.cloud.volumes["disks"].driver.names())

    def test_force_delete_spares_what_has_snapshots(self) -> None:
        volume_id = self.make_volume()["id"]
        self.make_snapshot(volume_id)
        answer = self.act(volume_id, "os-force_delete", {}, by=self.operator)
        self.assertEqual(400, answer.status)
        self.assertEqual(Vol.AVAILABLE, self.shown(volume_id)["status"])
