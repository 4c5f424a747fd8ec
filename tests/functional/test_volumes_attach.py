"""Volumes given to servers: reserved, attached, detached, swapped, and what is refused."""

from pathlib import Path
from typing import Any

from mycloud.common import clock, context, exceptions, faults
from mycloud.common.states import Attach, Snap, Vol
from mycloud.db import attachments, engine
from tests.fixtures.volume_api import VolumeApiCase


class AttachCase(VolumeApiCase):
    hosts = 1

    def attach(self, server_id: str, volume_id: str, **more: Any) -> Any:
        return self.call(
            "POST", f"/servers/{server_id}/os-volume_attachments",
            {"volumeAttachment": {"volumeId": volume_id, **more}},
        )

    def attached(self, server_id: str, **values: Any) -> dict[str, Any]:
        volume = self.make_volume(**values)
        answer = self.attach(server_id, volume["id"])
        self.assertEqual(200, answer.status, answer)
        return self.volume_when(volume["id"], Vol.IN_USE)

    def detach(self, server_id: str, volume_id: str) -> Any:
        return self.call("DELETE", f"/servers/{server_id}/os-volume_attachments/{volume_id}")

    @property
    def hypervisor(self) -> Any:
        return self.cloud.computes["host1"].driver

    @property
    def board(self) -> Any:
        return self.cloud.volumes["disks"].board


class AttachTest(AttachCase):
    def test_attach_and_detach(self) -> None:
        server_id = self.boot()
        volume = self.make_volume()
        answer = self.attach(server_id, volume["id"], device=None)
        self.assertEqual(200, answer.status, answer)
        self.assertEqual(
            {"id": volume["id"], "volumeId": volume["id"], "serverId": server_id,
             "device": "/dev/vdb"},
            answer.body["volumeAttachment"],
        )
        shown = self.volume_when(volume["id"], Vol.IN_USE)
        [told] = shown["attachments"]
        self.assertEqual((server_id, "/dev/vdb"), (told["server_id"], told["device"]))
        self.assertEqual([volume["id"]], list(self.hypervisor.volumes(server_id)))
        self.assertEqual({told["attachment_id"]: True}, self.board.all())
        listed = self.call("GET", f"/servers/{server_id}/os-volume_attachments").body
        self.assertEqual(
            [volume["id"]], [each["volumeId"] for each in listed["volumeAttachments"]]
        )
        actions = self.call("GET", f"/servers/{server_id}/os-instance-actions").body
        self.assertIn("attach_volume", [each["action"] for each in actions["instanceActions"]])

        self.assertEqual(202, self.detach(server_id, volume["id"]).status)
        self.assertEqual([], self.volume_when(volume["id"], Vol.AVAILABLE)["attachments"])
        self.assertEqual({}, self.hypervisor.volumes(server_id))
        self.assertEqual({}, self.board.all())

    def test_a_failure_runs_backwards(self) -> None:
        server_id = self.boot()
        volume = self.make_volume()
        self.hypervisor.faults.set(faults.Fault("attach_volume", count=1))
        answer = self.attach(server_id, volume["id"])
        self.assertEqual(200, answer.status, answer)
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual("failed", operation["state"])
        self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assertEqual({}, self.board.all())
        self.assertEqual({}, self.hypervisor.volumes(server_id))
        listed = self.call("GET", f"/servers/{server_id}/os-volume_attachments").body
        self.assertEqual([], listed["volumeAttachments"])
        # the same again works
        self.assertEqual(200, self.attach(server_id, volume["id"]).status)
        self.volume_when(volume["id"], Vol.IN_USE)

    def test_a_bad_device_sends_no_message(self) -> None:
        server_id = self.boot()
        volume = self.make_volume()
        for device in ("/dev/../x", "vdb", "/dev/vdb;reboot", "/dev/", "/etc/passwd"):
            answer = self.attach(server_id, volume["id"], device=device)
            self.assertEqual(400, answer.status, device)
            self.assertIn("device path", answer.message)
        self.volume_when(volume["id"], Vol.AVAILABLE)

    def test_refusals(self) -> None:
        server_id, other = self.boot(), self.boot(name="two")
        volume = self.attached(server_id)
        twice = self.attach(server_id, volume["id"])
        self.assertEqual(400, twice.status, twice)
        elsewhere = self.attach(other, volume["id"])
        self.assertEqual(400, elsewhere.status, elsewhere)
        self.assertEqual(404, self.detach(other, volume["id"]).status)
        deleted = self.volume_call("DELETE", f"/volumes/{volume['id']}")
        self.assertEqual(400, deleted.status, deleted)
        taken = self.attach(server_id, self.make_volume()["id"], device="/dev/vdb")
        self.assertEqual(409, taken.status, taken)
        foreign = self.make_volume(by=self.stranger)
        self.assertEqual(404, self.attach(server_id, foreign["id"]).status)

    def test_a_guest_that_does_not_let_go(self) -> None:
        server_id = self.boot()
        volume = self.attached(server_id)
        self.hypervisor.faults.set(faults.Fault("detach_volume", count=1))
        answer = self.detach(server_id, volume["id"])
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual("failed", operation["state"])
        shown = self.volume_when(volume["id"], Vol.IN_USE)
        self.assertEqual(server_id, shown["attachments"][0]["server_id"])
        self.assertEqual([volume["id"]], list(self.hypervisor.volumes(server_id)))

    def test_a_disk_that_is_not_attached_is_taken_away(self) -> None:
        server_id = self.boot()
        volume, other = self.attached(server_id), self.attached(server_id)

        def forget() -> None:
            with engine.writer() as conn:
                attachments.end(conn, volume["attachments"][0]["attachment_id"], clock.now())

        self.cloud.in_role(forget)
        manager = self.cloud.computes["host1"]
        with context.role(context.COMPUTE):
            manager.reconcile(context.admin_context())
        self.assertEqual([other["id"]], list(self.hypervisor.volumes(server_id)))

    def test_an_export_that_nobody_needs_is_ended(self) -> None:
        server_id = self.boot()
        volume = self.attached(server_id)
        manager = self.cloud.volumes["disks"]
        source = manager.driver.source(volume["id"])
        [exporter] = [each for each in self.board._exporters.values() if each.keys()]
        exporter.ensure("nobodys", source, {}, read_only=True, shared=False)
        with context.role(context.VOLUME):
            manager.tidy_exports(context.admin_context())
        self.assertEqual([volume["attachments"][0]["attachment_id"]], list(self.board.all()))

    def test_a_deleted_server_gives_its_volumes_back(self) -> None:
        server_id = self.boot()
        volume = self.attached(server_id)
        self.assertEqual(204, self.call("DELETE", f"/servers/{server_id}").status)
        self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assertEqual({}, self.board.all())

    def test_swap(self) -> None:
        server_id = self.boot()
        old = self.attached(server_id)
        new = self.make_volume()
        answer = self.call(
            "PUT", f"/servers/{server_id}/os-volume_attachments/{old['id']}",
            {"volumeAttachment": {"volumeId": new["id"]}}, by=self.operator,
        )
        self.assertEqual(202, answer.status, answer)
        self.volume_when(new["id"], Vol.IN_USE)
        self.volume_when(old["id"], Vol.AVAILABLE)
        self.assertEqual([new["id"]], list(self.hypervisor.volumes(server_id)))
        self.assertEqual(1, len(self.board.all()))

    def test_secrets_stay_out_of_the_database(self) -> None:
        server_id = self.boot()
        volume = self.attached(server_id)

        def look() -> Any:
            with engine.reader() as conn:
                return attachments.full(conn, volume_id=volume["id"])

        [row] = self.cloud.in_role(look)
        self.assertEqual(Attach.ATTACHED, row["status"])
        self.assertEqual("fake", row["connection_info"]["driver_volume_type"])


class EncryptedTest(AttachCase):
    """On a backend that can't make a snapshot of a volume while somebody writes to it."""

    def options(self) -> dict[str, Any]:
        return {**super().options(), "backends": {"disks": {"volume_driver": "file"}}}

    def test_snapshot_of_what_a_guest_uses_is_encrypted(self) -> None:
        luks = {
            "provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64",
            "key_size": 256,
        }
        kind = {"volume_type": {"name": "secret"}}
        made = self.volume_call("POST", "/types", kind, by=self.operator)
        type_id = made.body["volume_type"]["id"]
        path = f"/types/{type_id}/encryption"
        answer = self.volume_call("POST", path, {"encryption": luks}, by=self.operator)
        self.assertEqual(200, answer.status, answer)
        server_id = self.boot()
        volume = self.attached(server_id, volume_type="secret")
        # the hypervisor refuses to copy it without the passphrase
        self.assertRaises(
            exceptions.EncryptionRefused, self.hypervisor.copy_volume,
            server_id, volume["id"], Path("/nowhere"), "raw",
        )
        self.hypervisor.faults.set(faults.Fault("copy_volume"))
        self.make_snapshot(volume["id"], force=True, status=Snap.ERROR)
        self.hypervisor.faults.set()
        self.make_snapshot(volume["id"], force=True)


class StalledTest(AttachCase):
    """A guest pauses because its disk does not answer."""

    def status_when(self, server_id: str, status: str) -> None:
        def look() -> bool:
            found = self.call("GET", f"/servers/{server_id}").body["server"]
            return bool(found["status"] == status)

        self.cloud.wait(look, what=f"server {server_id} to be {status}")

    def test_it_goes_on_by_itself(self) -> None:
        server_id = self.boot()
        self.attached(server_id)
        for _ in range(2):
            self.hypervisor.break_disk(server_id)
            self.status_when(server_id, "PAUSED")
            self.hypervisor.mend_disk(server_id)
            self.status_when(server_id, "ACTIVE")
            self.assertFalse(self.hypervisor.io_error(server_id))
