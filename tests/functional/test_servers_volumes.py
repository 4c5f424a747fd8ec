"""Servers that are made with volumes: boot from one, from a snapshot, from an image into one."""

import json
from typing import Any

from mycloud.common import clock, faults
from mycloud.common.states import Vol
from mycloud.db import engine, images
from mycloud.db.models import (
    block_devices,
    hosts,
    volume_attachments,
    volume_snapshots,
    volumes,
)
from tests.fixtures import seeds
from tests.fixtures.compute_api import Answer
from tests.fixtures.volume_api import VolumeApiCase

_IMAGE_ROOT = {
    "source_type": "image", "destination_type": "volume", "uuid": seeds.IMAGE_ID,
    "volume_size": 1, "boot_index": 0,
}


class ServerVolumesCase(VolumeApiCase):
    """Makes servers with devices and waits for them."""

    hosts = 1

    def ask(self, *devices: dict[str, Any], **values: Any) -> Answer:
        """Create a server with these devices, without an image unless told."""
        headers = values.pop("headers", {})
        version = values.pop("version", "2.60")
        by = values.pop("by", None)
        body = self.body(**{"imageRef": "", **values, "block_device_mapping_v2": list(devices)})
        return self.call("POST", "/servers", body, version=version, by=by, **headers)

    def made(self, *devices: dict[str, Any], **values: Any) -> dict[str, Any]:
        """The server as it is shown once it runs."""
        answer = self.ask(*devices, **values)
        self.assertEqual(202, answer.status, answer)
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual("succeeded", operation["state"], operation)
        return self.seen(answer.body["server"]["id"])

    def seen(self, server_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/servers/{server_id}", by=self.operator).body
        return found["server"]

    def gone(self, server_id: str) -> None:
        self.assertEqual(204, self.call("DELETE", f"/servers/{server_id}").status)
        self.cloud.wait(
            lambda: self.call("GET", f"/servers/{server_id}").status == 404,
            what=f"the end of server {server_id}",
        )

    def bootable(self, **values: Any) -> dict[str, Any]:
        return self.make_volume(imageRef=seeds.IMAGE_ID, **values)

    def rows(self, table: Any) -> list[Any]:
        """The live rows of a table."""

        def look() -> list[Any]:
            query = table.select()
            if "deleted_at" in table.c:
                query = query.where(table.c.deleted_at.is_(None))
            with engine.reader() as conn:
                return list(conn.execute(query).mappings())

        found: list[Any] = self.cloud.in_role(look)
        return found

    @property
    def hypervisor(self) -> Any:
        return self.cloud.computes["host1"].driver

    @property
    def board(self) -> Any:
        return self.cloud.volumes["disks"].board

    def volume_ids(self, server: dict[str, Any]) -> list[str]:
        return [each["id"] for each in server["os-extended-volumes:volumes_attached"]]


class BootFromVolumeTest(ServerVolumesCase):
    def test_image_into_a_volume(self) -> None:
        server = self.made({**_IMAGE_ROOT, "delete_on_termination": True})
        self.assertEqual("ACTIVE", server["status"])
        self.assertEqual("", server["image"])
        self.assertEqual("/dev/vda", server["OS-EXT-SRV-ATTR:root_device_name"])
        [volume_id] = self.volume_ids(server)
        self.assertEqual(
            [{"id": volume_id, "delete_on_termination": True}],
            server["os-extended-volumes:volumes_attached"],
        )
        volume = self.volume_when(volume_id, Vol.IN_USE)
        self.assertEqual("/dev/vda", volume["attachments"][0]["device"])
        self.assertEqual("true", volume["bootable"])
        self.assertEqual([volume_id], list(self.hypervisor.volumes(server["id"])))
        [host] = self.rows(hosts)
        self.assertEqual(0, host["disk_gb_used"])
        listed = self.call("GET", "/servers/detail").body["servers"][0]
        self.assertEqual(
            server["os-extended-volumes:volumes_attached"],
            listed["os-extended-volumes:volumes_attached"],
        )
        old = self.call("GET", f"/servers/{server['id']}", version="2.1").body["server"]
        self.assertEqual([{"id": volume_id}], old["os-extended-volumes:volumes_attached"])
        refused = self.call(
            "DELETE", f"/servers/{server['id']}/os-volume_attachments/{volume_id}"
        )
        self.assertEqual(403, refused.status, refused)

        self.gone(server["id"])
        self.volume_gone(volume_id)
        self.assertEqual({}, self.board.all())
        self.assertEqual([], self.rows(block_devices))

    def test_a_volume_that_is_there(self) -> None:
        volume = self.bootable()
        server = self.made(
            {"source_type": "volume", "destination_type": "volume", "uuid": volume["id"],
             "boot_index": "0"},
        )
        self.assertEqual([volume["id"]], self.volume_ids(server))
        self.volume_when(volume["id"], Vol.IN_USE)
        for action in ("os-stop", "os-start"):
            answer = self.call("POST", f"/servers/{server['id']}/action", {action: None})
            self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual("ACTIVE", self.seen(server["id"])["status"])
        self.gone(server["id"])
        self.volume_when(volume["id"], Vol.AVAILABLE)

    def test_a_snapshot_blank_volumes_and_blank_disks(self) -> None:
        seeds.flavor(
            self.cloud, flavorid="big", name="big", ephemeral_gb=4, swap_mb=64,
        )
        volume = self.bootable()
        answer = self.volume_call(
            "POST", "/snapshots", {"snapshot": {"volume_id": volume["id"]}}
        )
        self.assertEqual(202, answer.status, answer)
        snapshot_id = answer.body["snapshot"]["id"]
        self.cloud.wait(
            lambda: self.volume_call("GET", f"/snapshots/{snapshot_id}").body["snapshot"][
                "status"] == "available",
            what="the snapshot",
        )
        server = self.made(
            {"source_type": "snapshot", "destination_type": "volume", "uuid": snapshot_id,
             "boot_index": 0, "volume_size": 2, "delete_on_termination": True},
            {"source_type": "blank", "destination_type": "volume", "volume_size": 1,
             "disk_bus": "scsi", "tag": "data"},
            {"source_type": "blank", "destination_type": "local", "volume_size": 1},
            {"source_type": "blank", "destination_type": "local", "volume_size": 2,
             "guest_format": "ext3"},
            {"source_type": "blank", "destination_type": "local", "guest_format": "swap",
             "volume_size": "32"},
            flavorRef="big",
        )
        root, data = self.volume_ids(server)
        self.assertEqual(2, self.volume_when(root, Vol.IN_USE)["size"])
        blank = self.volume_when(data, Vol.IN_USE)
        self.assertEqual(f"{server['id']}-blank-vol", blank["name"])
        names = {row["device_name"] for row in self.rows(block_devices)}
        self.assertEqual(
            {"/dev/vda", "/dev/sda", "/dev/vdb", "/dev/vdc", "/dev/vdd"}, names
        )
        # the next one takes the next name
        more = self.make_volume()
        answer = self.call(
            "POST", f"/servers/{server['id']}/os-volume_attachments",
            {"volumeAttachment": {"volumeId": more["id"]}},
        )
        self.assertEqual("/dev/vde", answer.body["volumeAttachment"]["device"])
        self.volume_when(more["id"], Vol.IN_USE)
        self.gone(server["id"])
        self.volume_gone(root)
        self.volume_when(data, Vol.AVAILABLE)

    def test_an_image_with_further_volumes(self) -> None:
        data = self.make_volume()
        server = self.made(
            {"source_type": "image", "destination_type": "local", "uuid": seeds.IMAGE_ID,
             "boot_index": 0, "delete_on_termination": True},
            {"source_type": "volume", "destination_type": "volume", "uuid": data["id"],
             "boot_index": -1, "device_name": "vdc"},
            imageRef=seeds.IMAGE_ID,
        )
        self.assertEqual(seeds.IMAGE_ID, server["image"]["id"])
        self.assertEqual([data["id"]], self.volume_ids(server))
        shown = self.volume_when(data["id"], Vol.IN_USE)
        self.assertEqual("/dev/vdc", shown["attachments"][0]["device"])
        [host] = self.rows(hosts)
        self.assertEqual(1, host["disk_gb_used"])

    def test_several_servers_have_volumes_of_their_own(self) -> None:
        answer = self.ask(_IMAGE_ROOT, min_count=2, max_count=2)
        self.assertEqual(202, answer.status, answer)
        self.cloud.wait(
            lambda: all(row["status"] == "attached" for row in self.rows(volume_attachments))
            and len(self.rows(volume_attachments)) == 2,
            what="both servers",
        )
        self.assertEqual(2, len({row["server_id"] for row in self.rows(volume_attachments)}))
        self.assertEqual(2, len(self.rows(volumes)))

    def test_the_first_format(self) -> None:
        root, data = self.bootable(), self.make_volume()
        answer = self.call(
            "POST", "/servers",
            self.body(
                imageRef="",
                block_device_mapping=[
                    {"device_name": "vdb", "volume_id": data["id"]},
                    {"device_name": "vda", "volume_id": root["id"],
                     "delete_on_termination": "1"},
                ],
            ),
        )
        self.assertEqual(202, answer.status, answer)
        self.ended(answer.headers["X-Mycloud-Operation-Id"])
        server = self.seen(answer.body["server"]["id"])
        self.assertEqual([root["id"], data["id"]], self.volume_ids(server))
        self.gone(server["id"])
        self.volume_gone(root["id"])
        self.volume_when(data["id"], Vol.AVAILABLE)

    def test_a_retry_makes_nothing_twice(self) -> None:
        first = self.ask(_IMAGE_ROOT, headers={"Idempotency_Key": "once"})
        second = self.ask(_IMAGE_ROOT, headers={"Idempotency_Key": "once"})
        self.assertEqual(first.body["server"]["id"], second.body["server"]["id"])
        self.ended(first.headers["X-Mycloud-Operation-Id"])
        self.assertEqual(1, len(self.rows(volumes)))


class FailuresTest(ServerVolumesCase):
    hosts = 2

    def test_the_next_host_has_the_volumes(self) -> None:
        for manager in self.cloud.computes.values():
            manager.driver.faults.set(faults.Fault("spawn", count=1))
        self.cloud.computes["host2"].driver.faults.set()
        server = self.made(_IMAGE_ROOT)
        [volume_id] = self.volume_ids(server)
        self.volume_when(volume_id, Vol.IN_USE)
        self.assertEqual(1, len(self.board.all()))
        [attachment] = self.rows(volume_attachments)
        self.assertEqual(server["OS-EXT-SRV-ATTR:host"], attachment["host"])

    def test_volumes_of_a_failed_server_wait_for_its_end(self) -> None:
        for manager in self.cloud.computes.values():
            manager.driver.faults.set(faults.Fault("spawn"))
        mine = self.make_volume()
        answer = self.ask(
            {**_IMAGE_ROOT, "delete_on_termination": True},
            {"source_type": "volume", "destination_type": "volume", "uuid": mine["id"]},
        )
        server_id = answer.body["server"]["id"]
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual("failed", operation["state"])
        server = self.seen(server_id)
        self.assertEqual("ERROR", server["status"])
        root, _ = self.volume_ids(server)
        self.volume_when(root, Vol.RESERVED)
        self.volume_when(mine["id"], Vol.RESERVED)
        self.assertEqual({}, self.board.all())
        self.gone(server_id)
        self.volume_gone(root)
        self.volume_when(mine["id"], Vol.AVAILABLE)

    def test_a_volume_that_can_not_be_made(self) -> None:
        self.cloud.volumes["disks"].driver.faults.set(faults.Fault("copy_in"))
        answer = self.ask({**_IMAGE_ROOT, "delete_on_termination": True})
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual("failed", operation["state"])
        server = self.seen(answer.body["server"]["id"])
        self.assertIn("could not be made", server["fault"]["message"])
        # no other host was tried in vain
        self.assertNotIn("Every host", server["fault"]["message"])
        [volume_id] = self.volume_ids(server)
        self.volume_when(volume_id, Vol.ERROR)
        self.gone(server["id"])
        self.volume_gone(volume_id)

    def test_deleted_while_its_volume_is_made(self) -> None:
        driver = self.cloud.volumes["disks"].driver
        driver.faults.set(faults.Fault("copy_in", mode=faults.HANG))
        answer = self.ask({**_IMAGE_ROOT, "delete_on_termination": True})
        server_id = answer.body["server"]["id"]
        self.cloud.wait(
            lambda: any(row["host"] for row in self.rows(volumes)), what="the volume's place"
        )
        self.assertEqual(204, self.call("DELETE", f"/servers/{server_id}").status)
        driver.faults.set()
        self.cloud.wait(
            lambda: self.call("GET", f"/servers/{server_id}").status == 404,
            what="the server's end",
        )
        self.cloud.wait(lambda: not self.rows(volumes), what="the volume's end")
        self.assertEqual([], self.rows(volume_attachments))

    def test_deleted_while_its_volume_is_copied(self) -> None:
        server = self.made({**_IMAGE_ROOT, "delete_on_termination": True})
        [volume_id] = self.volume_ids(server)
        driver = self.cloud.volumes["disks"].driver
        driver.faults.set(faults.Fault("clone", mode=faults.HANG))
        copy = self.volume_call(
            "POST", "/volumes", {"volume": {"source_volid": volume_id, "size": 1}}
        ).body["volume"]
        self.gone(server["id"])
        # it stays, for whoever wants the copy
        self.volume_when(volume_id, Vol.AVAILABLE)
        driver.faults.set()
        self.volume_when(copy["id"], Vol.AVAILABLE)


class ImageOfVolumesTest(ServerVolumesCase):
    def image_of(self, server_id: str) -> dict[str, Any]:
        answer = self.call(
            "POST", f"/servers/{server_id}/action",
            {"createImage": {"name": "kept", "metadata": {"mine": "yes"}}},
        )
        self.assertEqual(202, answer.status, answer)
        found: dict[str, Any] = self.call(
            "GET", f"/v2/images/{answer.body['image_id']}", api="/image", version=None
        ).body
        return found

    def test_snapshots_that_new_servers_are_made_of(self) -> None:
        server = self.made(
            {**_IMAGE_ROOT, "delete_on_termination": True},
            {"source_type": "blank", "destination_type": "volume", "volume_size": 1},
        )
        image = self.image_of(server["id"])
        self.assertEqual(("active", 0, "yes"), (image["status"], image["size"], image["mine"]))
        self.assertEqual("True", image["bdm_v2"])
        self.assertEqual("/dev/vda", image["root_device_name"])
        documents = json.loads(image["block_device_mapping"])
        self.assertEqual([0, None], [each["boot_index"] for each in documents])
        self.cloud.wait(
            lambda: {row["status"] for row in self.rows(volume_snapshots)} == {"available"},
            what="the snapshots",
        )
        self.assertEqual(
            {each["snapshot_id"] for each in documents},
            {row["id"] for row in self.rows(volume_snapshots)},
        )
        nothing = self.call(
            "GET", f"/v2/images/{image['id']}/file", api="/image", version=None
        )
        self.assertEqual(204, nothing.status, nothing)

        copy = self.make_volume(imageRef=image["id"])
        self.assertEqual(documents[0]["snapshot_id"], copy["snapshot_id"])
        self.assertEqual("true", copy["bootable"])

        again = self.made(imageRef=image["id"])
        self.assertEqual("", again["image"])
        root, data = self.volume_ids(again)
        volume = self.volume_when(root, Vol.IN_USE)
        self.assertEqual(documents[0]["snapshot_id"], volume["snapshot_id"])
        self.assertEqual("/dev/vda", volume["attachments"][0]["device"])
        self.volume_when(data, Vol.IN_USE)
        # as clients send it that repeat the image as a local disk
        third = self.made(
            {"source_type": "image", "destination_type": "local", "uuid": image["id"],
             "boot_index": 0, "delete_on_termination": True},
            imageRef=image["id"],
        )
        self.assertEqual(2, len(self.volume_ids(third)))

        # the volumes of the first server have snapshots: they outlive it
        first = self.volume_ids(server)[0]
        self.gone(server["id"])
        self.volume_when(first, Vol.AVAILABLE)

    def test_images_that_lie(self) -> None:
        mine = self.bootable()["id"]
        for text in ("{", "{}", "[1]", '[{"source_type": "file"}]', '[{"volume_size": {}}]',
                     '[{"source_type": "volume", "boot_index": 0}]', "[]",
                     json.dumps([{"volume_id": mine, "boot_index": 0}])):
            image = seeds.image(
                self.cloud, id=clock.new_id(), size=0, content_format=None,
            )

            def tell(image_id: str = image["id"], text: str = text) -> None:
                with engine.writer() as conn:
                    images.set_properties(conn, image_id, {}, {"block_device_mapping": text})

            self.cloud.in_role(tell)
            answer = self.ask(imageRef=image["id"])
            self.assertEqual(400, answer.status, (text, answer))

    def test_quota(self) -> None:
        server = self.made(_IMAGE_ROOT)
        self.volume_call(
            "PUT", f"/os-quota-sets/{self.member.project_id}",
            {"quota_set": {"snapshots": 0}}, by=self.operator,
        )
        answer = self.call(
            "POST", f"/servers/{server['id']}/action", {"createImage": {"name": "kept"}}
        )
        self.assertEqual(403, answer.status, answer)
        listed = self.call("GET", "/v2/images?name=kept", api="/image", version=None).body
        self.assertEqual([], listed["images"])


class MultiattachTest(ServerVolumesCase):
    def setUp(self) -> None:
        super().setUp()
        made = self.volume_call(
            "POST", "/types",
            {"volume_type": {"name": "shared", "extra_specs": {"multiattach": "<is> True"}}},
            by=self.operator,
        )
        self.assertEqual(200, made.status, made)

    def attach(self, server_id: str, volume_id: str, version: str = "2.60") -> Answer:
        return self.call(
            "POST", f"/servers/{server_id}/os-volume_attachments",
            {"volumeAttachment": {"volumeId": volume_id}}, version=version,
        )

    def test_two_servers_have_one_volume(self) -> None:
        volume = self.bootable(volume_type="shared")
        device = {
            "source_type": "volume", "destination_type": "volume", "uuid": volume["id"],
            "boot_index": 0, "delete_on_termination": True,
        }
        early = self.ask(device, version="2.59")
        self.assertEqual(400, early.status, early)
        self.assertIn("2.60", early.message)
        first = self.made(device)
        second = self.boot(name="two")
        early = self.attach(second, volume["id"], "2.59")
        self.assertEqual(400, early.status, early)
        self.assertEqual(200, self.attach(second, volume["id"]).status)
        self.cloud.wait(
            lambda: len(self.volume_call("GET", f"/volumes/{volume['id']}").body["volume"][
                "attachments"]) == 2,
            what="both attachments",
        )
        self.volume_when(volume["id"], Vol.IN_USE)
        again = self.attach(second, volume["id"])
        self.assertEqual(400, again.status, again)
        # the second server still has it: it stays
        self.gone(first["id"])
        shown = self.volume_when(volume["id"], Vol.IN_USE)
        self.assertEqual([second], [each["server_id"] for each in shown["attachments"]])
        self.call("DELETE", f"/servers/{second}/os-volume_attachments/{volume['id']}")
        self.volume_when(volume["id"], Vol.AVAILABLE)


class HostDownTest(ServerVolumesCase):
    def test_deleted_without_its_host(self) -> None:
        server = self.made({**_IMAGE_ROOT, "delete_on_termination": True})
        [volume_id] = self.volume_ids(server)
        self.assertEqual(1, len(self.board.all()))
        self.cloud.services.pop("host1").stop()
        self.gone(server["id"])
        self.volume_gone(volume_id)
        self.assertEqual({}, self.board.all())


class RefusalsTest(ServerVolumesCase):
    def refused(self, *devices: dict[str, Any], status: int = 400, **values: Any) -> str:
        answer = self.ask(*devices, **values)
        self.assertEqual(status, answer.status, answer)
        self.assertEqual([], self.rows(volume_attachments))
        return answer.message

    def volume(self, volume_id: str, **more: Any) -> dict[str, Any]:
        return {"source_type": "volume", "destination_type": "volume", "uuid": volume_id, **more}

    def test_boot_order(self) -> None:
        blank = {"source_type": "blank", "destination_type": "volume", "volume_size": 1}
        self.assertIn("Boot sequence", self.refused(blank))
        self.assertIn("Boot sequence", self.refused(_IMAGE_ROOT, _IMAGE_ROOT))
        self.assertIn(
            "Boot sequence", self.refused(_IMAGE_ROOT, {**blank, "boot_index": 2})
        )
        self.assertIn("can't be booted", self.refused({**blank, "boot_index": 0}))
        self.assertIn(
            "leave one of them out",
            self.refused(
                self.volume(self.bootable()["id"], boot_index=0), imageRef=seeds.IMAGE_ID
            ),
        )

    def test_sources(self) -> None:
        missing = "99999999-9999-4999-8999-999999999999"
        for source in ("image", "volume", "snapshot"):
            device = {
                "source_type": source, "destination_type": "volume", "uuid": missing,
                "boot_index": 0, "volume_size": 1,
            }
            self.assertRegex(self.refused(device), "failed to get|could not be found")
        self.assertIn(
            "Missing device", self.refused({"source_type": "volume", "boot_index": 0})
        )
        self.assertIn(
            "Invalid device UUID",
            self.refused({"source_type": "blank", "uuid": missing, "boot_index": 0}),
        )
        foreign = self.make_volume(by=self.stranger)
        self.assertIn(
            "failed to get", self.refused(self.volume(foreign["id"]), imageRef=seeds.IMAGE_ID)
        )
        empty = self.make_volume()
        self.assertIn(
            "not bootable", self.refused(self.volume(empty["id"], boot_index=0))
        )
        self.assertIn(
            "multiple instances",
            self.refused(self.volume(empty["id"]), imageRef=seeds.IMAGE_ID, max_count=2),
        )

    def test_sizes(self) -> None:
        for size in (0, None, ..., -1, "x", "-1", 2147483648, "99999999999"):
            device = {**_IMAGE_ROOT, "volume_size": size}
            if size is ...:
                device.pop("volume_size")
            self.refused(device)
        self.refused(
            {"source_type": "blank", "destination_type": "local", "volume_size": 1},
            imageRef=seeds.IMAGE_ID,
        )
        self.refused(
            {"source_type": "blank", "destination_type": "local", "guest_format": "swap",
             "volume_size": 1},
            imageRef=seeds.IMAGE_ID,
        )

    def test_names_and_tags(self) -> None:
        blank = {"source_type": "blank", "destination_type": "volume", "volume_size": 1}
        for name in ("../../etc/passwd", "/dev/../sda", "/dev/vd b", "vdb;x", "/dev/", "x" * 300):
            self.refused(_IMAGE_ROOT, {**blank, "device_name": name})
        twice = {**blank, "device_name": "vdb"}
        self.assertIn("several devices", self.refused(_IMAGE_ROOT, twice, twice))
        self.refused({**blank, "device_name": "vda"}, imageRef=seeds.IMAGE_ID)
        tagged = {**blank, "tag": "one"}
        self.assertIn("several devices", self.refused(_IMAGE_ROOT, tagged, tagged))
        self.refused(tagged, version="2.41")
        self.refused(_IMAGE_ROOT, {**blank, "disk_bus": "xen"})
        self.refused(_IMAGE_ROOT, {**blank, "device_type": "cdrom", "disk_bus": "virtio"})
        self.refused(_IMAGE_ROOT, {**blank, "volume_type": "x"})
        self.assertIn("at most", self.refused(_IMAGE_ROOT, *[blank] * 26))

    def test_a_volume_in_use(self) -> None:
        volume = self.bootable()
        server = self.made(self.volume(volume["id"], boot_index=0))
        answer = self.ask(self.volume(volume["id"], boot_index=0))
        self.assertEqual(400, answer.status, answer)
        self.gone(server["id"])
        self.volume_when(volume["id"], Vol.AVAILABLE)

    def test_quota(self) -> None:
        answer = self.volume_call(
            "PUT", f"/os-quota-sets/{self.member.project_id}",
            {"quota_set": {"volumes": 1}}, by=self.operator,
        )
        self.assertEqual(200, answer.status, answer)
        blank = {"source_type": "blank", "destination_type": "volume", "volume_size": 1}
        self.refused(_IMAGE_ROOT, blank, status=403)
        self.assertEqual([], self.rows(volumes))
        servers = self.call("GET", "/servers").body["servers"]
        self.assertEqual([], servers)
