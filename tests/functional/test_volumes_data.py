"""What volumes hold: written from images, made into images, reverted, taken from a storage."""

from pathlib import Path
from typing import Any

from mycloud.common.faults import HANG, Fault
from mycloud.common.states import Snap, Vol
from tests.fixtures import seeds
from tests.fixtures.volume_api import VolumeApiCase

UNKNOWN = "99999999-2222-4333-8444-555555555555"


class _Case(VolumeApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.driver = self.cloud.volumes["disks"].driver

    def image(self, image_id: str) -> Any:
        answer = self.call("GET", f"/images/{image_id}", api="/image/v2", version=None)
        return answer.body if answer.status == 200 else None

    def data(self, volume_id: str) -> bytes:
        return Path(self.driver.source(volume_id).path).read_bytes()[: len(seeds.IMAGE_BYTES)]


class FromImageTest(_Case):
    def test_create(self) -> None:
        made = self.make_volume(imageRef=seeds.IMAGE_ID)
        self.assertEqual("true", made["bootable"])
        self.assertEqual(seeds.IMAGE_ID, made["volume_image_metadata"]["image_id"])
        self.assertEqual(seeds.IMAGE_BYTES, self.data(made["id"]))

    def test_a_failure_leaves_nothing(self) -> None:
        self.driver.faults.set(Fault("copy_in"))
        self.make_volume(imageRef=seeds.IMAGE_ID, status=Vol.ERROR)
        self.assertEqual([], self.driver.names())

    def test_is_there_only_when_it_is_whole(self) -> None:
        self.driver.faults.set(Fault("copy_in", mode=HANG))
        body = {"volume": {"size": 1, "imageRef": seeds.IMAGE_ID}}
        volume_id = self.volume_call("POST", "/volumes", body).body["volume"]["id"]
        self.cloud.wait(lambda: volume_id in self.driver.names(), what="its place")
        self.assertEqual(Vol.CREATING, self.shown(volume_id)["status"])
        self.assertEqual(400, self.volume_call("DELETE", f"/volumes/{volume_id}").status)
        self.driver.faults.set()
        self.volume_when(volume_id, Vol.AVAILABLE)
        self.assertEqual(seeds.IMAGE_BYTES, self.data(volume_id))

    def test_too_small(self) -> None:
        seeds.image(self.cloud, id=UNKNOWN, min_disk=3)
        body = {"volume": {"size": 2, "imageRef": UNKNOWN}}
        answer = self.volume_call("POST", "/volumes", body)
        self.assertEqual(400, answer.status, answer)

    def test_reimage(self) -> None:
        volume_id = self.make_volume()["id"]
        self.driver.write(volume_id, "before")
        wanted = {"image_id": seeds.IMAGE_ID, "reimage_reserved": False}
        answer = self.act(volume_id, "os-reimage", wanted)
        self.assertEqual((202, b""), (answer.status, answer.raw))
        shown = self.volume_when(volume_id, Vol.AVAILABLE)
        self.assertEqual(seeds.IMAGE_BYTES, self.data(volume_id))
        self.assertEqual(("true", seeds.IMAGE_ID), (
            shown["bootable"], shown["volume_image_metadata"]["image_id"]))
        for inner, status in (
            ({"image_id": UNKNOWN}, 400), ({"image_id": "x"}, 400), ({}, 400),
            ({"image_id": seeds.IMAGE_ID, "reimage_reserved": "maybe"}, 400),
        ):
            answer = self.act(volume_id, "os-reimage", inner)
            self.assertEqual(status, answer.status, (inner, answer))
        self.assertEqual(404, self.act(volume_id, "os-reimage", wanted, by=self.stranger).status)
        self.assertEqual(400, self.act(volume_id, "os-reimage", wanted, version="3.67").status)

    def test_reimage_of_what_is_reserved(self) -> None:
        volume_id = self.make_volume()["id"]
        self.volume_call("POST", "/attachments", {"attachment": {"volume_uuid": volume_id}})
        wanted = {"image_id": seeds.IMAGE_ID}
        self.assertEqual(400, self.act(volume_id, "os-reimage", wanted).status)
        wanted["reimage_reserved"] = True
        self.assertEqual(202, self.act(volume_id, "os-reimage", wanted).status)
        self.volume_when(volume_id, Vol.RESERVED)

    def test_reimage_that_fails(self) -> None:
        volume_id = self.make_volume()["id"]
        self.driver.faults.set(Fault("copy_in"))
        self.act(volume_id, "os-reimage", {"image_id": seeds.IMAGE_ID})
        self.volume_when(volume_id, Vol.ERROR)
        self.driver.faults.set()
        self.act(volume_id, "os-reimage", {"image_id": seeds.IMAGE_ID})
        self.volume_when(volume_id, Vol.AVAILABLE)


class UploadTest(_Case):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.make_volume(size=2)["id"]
        self.driver.write(self.volume_id, "what it holds")

    def upload(self, **values: Any) -> Any:
        more = {name: values.pop(name) for name in ("by", "version") if name in values}
        inner = {"image_name": "copy", **values}
        return self.act(self.volume_id, "os-volume_upload_image", inner, **more)

    def check_uploaded(self, answer: Any, *, status: str, disk_format: str = "raw") -> None:
        self.assertEqual(202, answer.status, answer)
        told = answer.body["os-volume_upload_image"]
        self.assertEqual(
            (Vol.UPLOADING, disk_format, "bare", "copy", 2),
            (told["status"], told["disk_format"], told["container_format"], told["image_name"],
             told["size"]))
        self.volume_when(self.volume_id, status)
        image = self.image(told["image_id"])
        self.assertEqual(("active", "copy", disk_format, 2), (
            image["status"], image["name"], image["disk_format"], image["min_disk"]))

    def test_upload(self) -> None:
        self.check_uploaded(self.upload(), status=Vol.AVAILABLE)

    def test_qcow2(self) -> None:
        self.check_uploaded(
            self.upload(disk_format="qcow2"), status=Vol.AVAILABLE, disk_format="qcow2")

    def test_what_a_volume_knows_of_its_image_travels(self) -> None:
        self.act(self.volume_id, "os-set_image_metadata",
                 {"metadata": {"hw_disk_bus": "scsi", "image_id": UNKNOWN, "min_ram": "64"}})
        image_id = self.upload().body["os-volume_upload_image"]["image_id"]
        image = self.image(image_id)
        self.assertEqual(("scsi", 64), (image["hw_disk_bus"], image["min_ram"]))
        self.assertNotEqual(UNKNOWN, image["id"])
        self.volume_when(self.volume_id, Vol.AVAILABLE)

    def test_in_use(self) -> None:
        self.act(self.volume_id, "os-attach", {"host_name": "a", "mountpoint": "/dev/vdx"})
        answer = self.upload()
        self.assertEqual(400, answer.status, answer)
        self.assertIn("force", answer.message)
        self.check_uploaded(self.upload(force=True), status=Vol.IN_USE)
        self.assertEqual([self.volume_id], self.driver.names())
        self.assertEqual([], self.driver.snapshot_names())

    def test_in_use_that_fails_leaves_nothing(self) -> None:
        self.act(self.volume_id, "os-attach", {"host_name": "a", "mountpoint": "/dev/vdx"})
        self.driver.faults.set(Fault("copy_out"))
        answer = self.upload(force=True)
        self.volume_when(self.volume_id, Vol.IN_USE)
        self.assertEqual([self.volume_id], self.driver.names())
        self.assertEqual([], self.driver.snapshot_names())
        self.assertIsNone(self.image(answer.body["os-volume_upload_image"]["image_id"]))

    def test_a_failure_takes_the_image_with_it(self) -> None:
        self.driver.faults.set(Fault("copy_out"))
        image_id = self.upload().body["os-volume_upload_image"]["image_id"]
        self.volume_when(self.volume_id, Vol.AVAILABLE)
        self.assertIsNone(self.image(image_id))

    def test_what_is_refused(self) -> None:
        for values in ({"image_name": ""}, {"image_name": None}, {"image_name": "x" * 256},
                       {"disk_format": "vmdk"}, {"disk_format": 1}, {"container_format": "ovf"},
                       {"visibility": "nobody"}, {"force": "maybe"}, {"nonsense": 1}):
            answer = self.upload(**values)
            self.assertEqual(400, answer.status, (values, answer))
        self.assertEqual(403, self.upload(visibility="public").status)
        self.assertEqual(404, self.upload(by=self.stranger).status)
        self.assertEqual(403, self.upload(by=self.reader).status)
        self.assertEqual(Vol.AVAILABLE, self.shown(self.volume_id)["status"])

    def test_fields_by_version(self) -> None:
        common = {"id", "updated_at", "status", "display_description", "size", "volume_type",
                  "image_id", "container_format", "disk_format", "image_name"}
        for version, more in (("3.0", set()), ("3.1", {"visibility", "protected"})):
            answer = self.upload(version=version)
            self.assertEqual(common | more, set(answer.body["os-volume_upload_image"]))
            self.volume_when(self.volume_id, Vol.AVAILABLE)


class RevertTest(_Case):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.make_volume()["id"]
        self.driver.write(self.volume_id, "then")
        self.snapshot_id = self.make_snapshot(self.volume_id)["id"]
        self.driver.write(self.volume_id, "now")

    def revert(self, snapshot_id: str, **more: Any) -> Any:
        return self.act(self.volume_id, "revert", {"snapshot_id": snapshot_id}, **more)

    def test_revert(self) -> None:
        answer = self.revert(self.snapshot_id)
        self.assertEqual((202, b""), (answer.status, answer.raw))
        self.volume_when(self.volume_id, Vol.AVAILABLE)
        self.snapshot_when(self.snapshot_id, Snap.AVAILABLE)
        self.assertEqual("then", self.driver.read(self.volume_id))

    def test_both_are_busy_meanwhile(self) -> None:
        self.driver.faults.set(Fault("revert", mode=HANG))
        self.revert(self.snapshot_id)
        self.assertEqual(Vol.REVERTING, self.shown(self.volume_id)["status"])
        path = f"/snapshots/{self.snapshot_id}"
        shown = self.volume_call("GET", path).body["snapshot"]
        self.assertEqual(Snap.RESTORING, shown["status"])
        self.assertEqual(400, self.volume_call("DELETE", path).status)
        self.assertEqual(409, self.revert(self.snapshot_id).status)
        self.driver.faults.set()
        self.volume_when(self.volume_id, Vol.AVAILABLE)

    def test_a_failure(self) -> None:
        self.driver.faults.set(Fault("revert"))
        self.revert(self.snapshot_id)
        self.volume_when(self.volume_id, Vol.ERROR)
        self.snapshot_when(self.snapshot_id, Snap.AVAILABLE)

    def test_what_is_refused(self) -> None:
        other = self.make_snapshot(self.make_volume()["id"])["id"]
        for snapshot_id, status in ((UNKNOWN, 404), (other, 404), ("x", 400), (None, 400)):
            answer = self.revert(snapshot_id)
            self.assertEqual(status, answer.status, (snapshot_id, answer))
        self.assertEqual(404, self.revert(self.snapshot_id, by=self.stranger).status)
        self.assertEqual(400, self.revert(self.snapshot_id, version="3.39").status)
        later = self.make_snapshot(self.volume_id)["id"]
        answer = self.revert(self.snapshot_id)
        self.assertEqual(400, answer.status, answer)
        self.assertIn(later, answer.message)
        self.act(self.volume_id, "os-extend", {"new_size": 2})
        self.volume_when(self.volume_id, Vol.AVAILABLE)
        self.assertEqual(409, self.revert(later).status)
        self.act(self.volume_id, "os-attach", {"host_name": "a", "mountpoint": "/dev/vdx"})
        self.assertEqual(409, self.revert(later).status)


class ManageTest(_Case):
    def setUp(self) -> None:
        super().setUp()
        volume = self.make_volume(size=2, name="kept")
        self.driver.write(volume["id"], "what it holds")
        self.host = self.shown(volume["id"], by=self.operator)["os-vol-host-attr:host"]
        self.volume_id = volume["id"]

    def list_all(self, query: str = "", path: str = "/manageable_volumes") -> list[Any]:
        host = self.host.replace("#", "%23")
        answer = self.volume_call("GET", f"{path}?host={host}{query}", by=self.operator)
        self.assertEqual(200, answer.status, answer)
        found: list[Any] = answer.body["manageable-volumes"]
        return found

    def manage(self, path: str = "/os-volume-manage", **values: Any) -> Any:
        return self.volume_call(
            "POST", path, {"volume": {"host": self.host, **values}}, by=self.operator)

    def test_there_and_back(self) -> None:
        self.assertEqual([], self.list_all())
        answer = self.act(self.volume_id, "os-unmanage", {}, by=self.operator)
        self.assertEqual((202, b""), (answer.status, answer.raw))
        self.volume_gone(self.volume_id)
        self.assertEqual([], self.driver.names())
        [found] = self.list_all()
        self.assertEqual((2, True), (found["size"], found["safe_to_manage"]))
        [detail] = self.list_all(path="/manageable_volumes/detail")
        self.assertEqual({*found, "reason_not_safe", "cinder_id", "extra_info"}, set(detail))
        self.assertEqual([found], self.list_all(path="/os-volume-manage"))
        self.assertEqual([], self.list_all("&limit=0"))
        self.assertEqual([], self.list_all("&offset=1&sort=size:asc"))
        answer = self.manage(ref=found["reference"], name="again", metadata={"a": "1"})
        self.assertEqual(202, answer.status, answer)
        made = self.volume_when(answer.body["volume"]["id"], Vol.AVAILABLE, by=self.operator)
        self.assertEqual(
            ("again", 2, {"a": "1"}, self.host),
            (made["name"], made["size"], made["metadata"], made["os-vol-host-attr:host"]))
        self.assertEqual("what it holds", self.driver.read(made["id"]))
        self.assertEqual([], self.list_all())
        answer = self.manage(ref=found["reference"])
        self.assertEqual(400, answer.status, answer)

    def test_by_the_name_that_it_had(self) -> None:
        self.act(self.volume_id, "os-unmanage", {}, by=self.operator)
        self.volume_gone(self.volume_id)
        answer = self.manage(ref={"source-name": f"volume-{self.volume_id}"})
        self.assertEqual(202, answer.status, answer)
        made = self.volume_when(answer.body["volume"]["id"], Vol.AVAILABLE, by=self.operator)
        self.assertEqual("what it holds", self.driver.read(made["id"]))

    def test_a_failure_leaves_what_was_there(self) -> None:
        self.act(self.volume_id, "os-unmanage", {}, by=self.operator)
        self.volume_gone(self.volume_id)
        [found] = self.list_all()
        self.driver.faults.set(Fault("manage"))
        answer = self.manage("/manageable_volumes", ref=found["reference"])
        volume_id = answer.body["volume"]["id"]
        self.volume_when(volume_id, Vol.ERROR_MANAGING, by=self.operator)
        self.assertEqual([found], self.list_all())
        self.driver.faults.set()
        answer = self.volume_call("DELETE", f"/volumes/{volume_id}", by=self.operator)
        self.assertEqual(202, answer.status, answer)
        self.volume_gone(volume_id)
        self.assertEqual([found], self.list_all())

    def test_what_is_refused(self) -> None:
        for values, status in (
            ({"ref": {"source-name": "nothing"}}, 400),
            ({"ref": {"source-name": "../etc/passwd"}}, 400),
            ({"ref": {}}, 400),
            ({"ref": "x"}, 400),
            ({"ref": {"source-name": 1}}, 400),
            ({}, 400),
            ({"ref": {"source-name": "x"}, "host": "nowhere@nothing#none"}, 400),
            ({"ref": {"source-name": "x"}, "host": ""}, 400),
        ):
            answer = self.manage(**values)
            self.assertEqual(status, answer.status, (values, answer))
        answer = self.volume_call("GET", "/manageable_volumes", by=self.operator)
        self.assertEqual(400, answer.status)
        answer = self.volume_call("GET", "/manageable_volumes?host=x", by=self.operator)
        self.assertEqual(400, answer.status)
        self.make_snapshot(self.volume_id)
        answer = self.act(self.volume_id, "os-unmanage", {}, by=self.operator)
        self.assertEqual(400, answer.status, answer)

    def test_tenants_may_not(self) -> None:
        self.assertEqual(403, self.act(self.volume_id, "os-unmanage", {}).status)
        for path in ("/os-volume-manage", "/manageable_volumes"):
            answer = self.volume_call("GET", f"{path}?host=x")
            self.assertEqual(403, answer.status)
            body = {"volume": {"host": self.host, "ref": {"source-name": "x"}}}
            self.assertEqual(403, self.volume_call("POST", path, body).status)

    def test_nothing_waits_to_be_told_that_it_has_grown(self) -> None:
        inner = {"error": False}
        name = "os-extend_volume_completion"
        self.assertEqual(403, self.act(self.volume_id, name, inner).status)
        self.assertEqual(400, self.act(self.volume_id, name, inner, by=self.operator).status)


class ManageSnapshotsTest(_Case):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.make_volume()["id"]
        self.driver.write(self.volume_id, "then")
        self.snapshot_id = self.make_snapshot(self.volume_id)["id"]
        self.driver.write(self.volume_id, "now")
        self.host = self.shown(self.volume_id, by=self.operator)["os-vol-host-attr:host"]

    def list_all(self, path: str = "/manageable_snapshots") -> list[Any]:
        host = self.host.replace("#", "%23")
        answer = self.volume_call("GET", f"{path}?host={host}", by=self.operator)
        self.assertEqual(200, answer.status, answer)
        found: list[Any] = answer.body["manageable-snapshots"]
        return found

    def unmanage(self, **more: Any) -> Any:
        return self.volume_call(
            "POST", f"/snapshots/{self.snapshot_id}/action", {"os-unmanage": {}}, **more)

    def manage(self, path: str = "/os-snapshot-manage", **values: Any) -> Any:
        body = {"snapshot": {"volume_id": self.volume_id, **values}}
        return self.volume_call("POST", path, body, by=self.operator)

    def left(self) -> dict[str, Any]:
        answer = self.unmanage(by=self.operator)
        self.assertEqual((202, b""), (answer.status, answer.raw))
        path = f"/snapshots/{self.snapshot_id}"
        self.cloud.wait(lambda: self.volume_call("GET", path).status == 404)
        [found] = self.list_all()
        return dict(found)

    def test_there_and_back(self) -> None:
        self.assertEqual([], self.list_all())
        found = self.left()
        self.assertEqual((1, True, {"source-name": self.volume_id}), (
            found["size"], found["safe_to_manage"], found["source_reference"]))
        [detail] = self.list_all("/os-snapshot-manage/detail")
        self.assertEqual({*found, "reason_not_safe", "cinder_id", "extra_info"}, set(detail))
        for by_name in (False, True):
            reference = {"source-name": f"_snapshot-{self.snapshot_id}"}
            if not by_name:
                reference = found["reference"]
            answer = self.manage(ref=reference, name="again", metadata={"a": "1"})
            self.assertEqual(202, answer.status, answer)
            made = self.snapshot_when(answer.body["snapshot"]["id"], Snap.AVAILABLE)
            self.assertEqual(("again", 1, {"a": "1"}, self.volume_id), (
                made["name"], made["size"], made["metadata"], made["volume_id"]))
            self.assertEqual("then", self.driver.read_snapshot(self.volume_id, made["id"]))
            self.assertEqual([], self.list_all())
            self.snapshot_id = made["id"]
            self.left()

    def test_what_is_refused(self) -> None:
        found = self.left()
        other = self.make_volume()["id"]
        for values, status in (
            ({"ref": {"source-name": "nothing"}}, 400),
            ({"ref": {}}, 400),
            ({"ref": "x"}, 400),
            ({}, 400),
            ({"ref": found["reference"], "volume_id": other}, 400),
            ({"ref": found["reference"], "volume_id": UNKNOWN}, 404),
            ({"ref": found["reference"], "volume_id": "x"}, 400),
        ):
            answer = self.manage(**values)
            self.assertEqual(status, answer.status, (values, answer))
        # what was a snapshot is no volume
        body = {"volume": {"host": self.host, "ref": found["reference"]}}
        answer = self.volume_call("POST", "/os-volume-manage", body, by=self.operator)
        self.assertEqual(400, answer.status, answer)

    def test_a_failure_leaves_what_was_there(self) -> None:
        found = self.left()
        self.driver.faults.set(Fault("manage_snapshot"))
        answer = self.manage(ref=found["reference"])
        self.snapshot_when(answer.body["snapshot"]["id"], Snap.ERROR)
        self.assertEqual([found], self.list_all())

    def test_tenants_may_not(self) -> None:
        self.assertEqual(403, self.unmanage().status)
        for path in ("/os-snapshot-manage", "/manageable_snapshots"):
            self.assertEqual(403, self.volume_call("GET", f"{path}?host=x").status)
            body = {"snapshot": {"volume_id": self.volume_id, "ref": {"source-name": "x"}}}
            self.assertEqual(403, self.volume_call("POST", path, body).status)
