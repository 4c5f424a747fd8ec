"""Volumes of servers: attach, detach, list, and what a new server boots from."""

from typing import Any

from tests.fixtures.command import Result
from tests.fixtures.fake_cloud import Reply
from tests.unit.cli.case import (
    IMAGE,
    OPERATION_ID,
    SERVER_ID,
    VOLUME,
    VOLUME_ID,
    CliCase,
    operation,
)

SERVERS = "/compute/v2.1/servers"
HELD = f"{SERVERS}/{SERVER_ID}/os-volume_attachments"
ONE = f"/volume/v3/volumes/{VOLUME_ID}"
ACCEPTED = {"X-Mycloud-Operation-Id": OPERATION_ID}
ATTACHED = {"id": VOLUME_ID, "volumeId": VOLUME_ID, "serverId": SERVER_ID, "device": "/dev/vdb"}


class AttachTest(CliCase):
    def setUp(self) -> None:
        super().setUp()
        done = Reply(200, {"operation": operation("succeeded")})
        self.cloud.on("GET", f"/cloud/v1/operations/{OPERATION_ID}", done)
        made = Reply(200, {"volumeAttachment": ATTACHED}, ACCEPTED)
        self.cloud.on("POST", HELD, made)
        self.cloud.on("GET", HELD, Reply(200, {"volumeAttachments": [ATTACHED]}))
        self.cloud.on("GET", f"{HELD}/{VOLUME_ID}", made)
        self.cloud.on("DELETE", f"{HELD}/{VOLUME_ID}", Reply(202, headers=ACCEPTED))

    def test_attach(self) -> None:
        available, in_use = (
            Reply(200, {"volume": VOLUME | {"status": status}})
            for status in ("available", "in-use")
        )
        self.cloud.on("GET", ONE, available, available, in_use)
        words = ("server", "add", "volume", "web", VOLUME_ID, "--tag", "t", "--wait")
        result = self.run_cli(*words, "-f", "json")
        self.assertEqual((0, "/dev/vdb"), (result.status, result.document["device"]), result.err)
        body = self.cloud.asked("POST", HELD)[0].body
        self.assertEqual({"volumeAttachment": {"volumeId": VOLUME_ID, "tag": "t"}}, body)

    def test_a_refusal_is_told(self) -> None:
        busy = Reply(400, {"badRequest": {"message": "Volume data is in use.", "code": 400}})
        self.cloud.on("POST", HELD, busy)
        result = self.run_cli("server", "add", "volume", "web", "data")
        self.assertEqual((1, "mycloud: Volume data is in use.\n"), (result.status, result.err))

    def test_detach(self) -> None:
        gone = Reply(404, {"itemNotFound": {"message": "gone"}})
        self.cloud.on("GET", f"{HELD}/{VOLUME_ID}", gone)
        result = self.run_cli("server", "remove", "volume", "web", "data", "--wait")
        self.assertEqual(0, result.status, result.err)
        self.assertEqual(1, len(self.cloud.asked("DELETE", f"{HELD}/{VOLUME_ID}")))

    def test_list(self) -> None:
        (row,) = self.run_cli("server", "volume", "list", "web", "-f", "json").document
        self.assertEqual(("/dev/vdb", "data", 2), (row["Device"], row["Name"], row["Size"]))

    def test_a_slip_never_deletes_servers(self) -> None:
        result = self.run_cli("server", "remove", "volumes", "web", "data")
        self.assertEqual(2, result.status)
        self.assertEqual([], [seen for seen in self.cloud.seen if seen.method == "DELETE"])


class BootTest(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud.on("POST", SERVERS, Reply(202, {"server": {"id": SERVER_ID}}))
        snapshots = {"snapshots": [{"id": "s", "name": "s1", "status": "available"}]}
        self.cloud.on("GET", "/volume/v3/snapshots/detail", Reply(200, snapshots))

    def create(self, *words: str) -> Result:
        return self.run_cli("server", "create", "web", "--flavor", "m1.tiny", *words)

    def disks(self, *words: str) -> tuple[str, list[dict[str, Any]]]:
        """The image and the disks of a server that is created with these words."""
        result = self.create(*words)
        self.assertEqual(0, result.status, result.err)
        server = self.cloud.asked("POST", SERVERS)[-1].body["server"]
        return server["imageRef"], server.get("block_device_mapping_v2", [])

    def test_from_a_volume(self) -> None:
        first = {
            "source_type": "volume", "uuid": VOLUME_ID, "destination_type": "volume",
            "boot_index": 0, "delete_on_termination": False,
        }  # fmt: skip
        self.assertEqual(("", [first]), self.disks("--volume", "data"))

    def test_from_a_snapshot_and_an_image(self) -> None:
        _, (first,) = self.disks("--snapshot", "s1")
        self.assertEqual(("snapshot", "s"), (first["source_type"], first["uuid"]))
        image, (first,) = self.disks("--image", "tiny", "--boot-from-volume", "3")
        self.assertEqual(("", "image", 3), (image, first["source_type"], first["volume_size"]))
        self.assertEqual(IMAGE["id"], first["uuid"])

    def test_further_disks(self) -> None:
        image, (first, second, third) = self.disks(
            *("--image", "tiny", "--block-device", "uuid=data,tag=t,delete_on_termination=yes"),
            *("--block-device", "source_type=blank,volume_size=1"),
        )
        self.assertEqual((IMAGE["id"], "local", 0), (
            image, first["destination_type"], first["boot_index"]
        ))
        self.assertEqual((VOLUME_ID, "t", True, -1), tuple(
            second[key] for key in ("uuid", "tag", "delete_on_termination", "boot_index")
        ))
        self.assertEqual(("blank", 1), (third["source_type"], third["volume_size"]))
        image, (only,) = self.disks("--block-device", "uuid=data,boot_index=0")
        self.assertEqual(("", 0), (image, only["boot_index"]))

    def test_wrong_usage_sends_nothing(self) -> None:
        for words in (
            (),
            ("--image", "tiny", "--volume", "data"),
            ("--volume", "data", "--boot-from-volume", "3"),
            ("--volume", "data", "--block-device", "uuid=data,boot_index=0"),
            ("--image", "tiny", "--block-device", "nonsense=1"),
            ("--image", "tiny", "--block-device", "source_type=blank,uuid=data"),
            ("--image", "tiny", "--block-device", "source_type=volume"),
            ("--image", "tiny", "--block-device", "uuid=a,source_type=tape"),
            ("--image", "tiny", "--block-device", "uuid=a,boot_index=x"),
        ):
            self.assertEqual(2, self.create(*words).status, words)
        self.assertEqual([], self.cloud.seen)
