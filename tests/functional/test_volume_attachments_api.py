"""Who has a volume: attachments of their own, the older actions, and that nobody takes a volume
from a server behind its back."""

from typing import Any

from mycloud.common import clock
from mycloud.common.faults import Fault
from mycloud.common.states import Attach, Vol
from mycloud.db import attachments, block_devices, engine, journal
from mycloud.journal import submit
from mycloud.objects.attachment import AttachmentList
from tests.fixtures.cloud import PROJECT
from tests.fixtures.volume_api import VolumeApiCase

UNKNOWN = "99999999-2222-4333-8444-555555555555"
CONNECTOR = {"host": "metal1", "ip": "192.0.2.7", "initiator": "iqn.2001-01.test:metal1",
             "machine": "this one"}


class _Case(VolumeApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.make_volume()["id"]
        self.board = self.cloud.volumes["disks"].board
        self.service = self.cloud.context(roles=["service", "member", "reader"])

    def status(self) -> str:
        return str(self.shown(self.volume_id)["status"])

    def create(self, *, by: Any = None, version: str | None = None, **values: Any) -> Any:
        body = {"attachment": {"volume_uuid": self.volume_id, **values}}
        more = {"version": version} if version else {}
        return self.volume_call("POST", "/attachments", body, by=by, **more)

    def made(self, **values: Any) -> dict[str, Any]:
        answer = self.create(**values)
        self.assertEqual(200, answer.status, answer)
        found: dict[str, Any] = answer.body["attachment"]
        return found

    def connect(self, attachment_id: str, connector: Any = CONNECTOR, **more: Any) -> Any:
        return self.volume_call(
            "PUT", f"/attachments/{attachment_id}", {"attachment": {"connector": connector}},
            **more)

    def disk_of_a_server(self, server_id: str, status: Attach) -> str:
        """An attachment as a server's own: it has a device."""
        attachment_id = clock.new_id()
        now = clock.now()

        def insert() -> None:
            with engine.writer() as conn:
                conn.execute(attachments.attachments.insert().values(
                    id=attachment_id, project_id=PROJECT, volume_id=self.volume_id,
                    server_id=server_id, status=status, host="host1", connector=CONNECTOR,
                    created_at=now))
                block_devices.insert(conn, [{
                    "id": clock.new_id(), "server_id": server_id, "source_type": "volume",
                    "destination_type": "volume", "volume_id": self.volume_id,
                    "attachment_id": attachment_id, "created_at": now}])
                attachments.follow(conn, self.volume_id, now)

        self.cloud.in_role(insert)
        return attachment_id


class AttachmentsTest(_Case):
    def test_life(self) -> None:
        made = self.made()
        self.assertEqual(
            (Attach.RESERVED, None, self.volume_id, "rw", {}),
            (made["status"], made["instance"], made["volume_id"], made["attach_mode"],
             made["connection_info"]))
        self.assertEqual(Vol.RESERVED, self.status())
        answer = self.connect(made["id"])
        self.assertEqual(200, answer.status, answer)
        found = answer.body["attachment"]
        self.assertEqual("fake", found["connection_info"]["driver_volume_type"])
        self.assertEqual((Attach.ATTACHING, Vol.ATTACHING), (found["status"], self.status()))
        self.assertEqual({made["id"]: True}, self.board.all())
        for _ in range(2):
            answer = self.volume_call(
                "POST", f"/attachments/{made['id']}/action", {"os-complete": made["id"]})
            self.assertEqual((204, b""), (answer.status, answer.raw))
        shown = self.shown(self.volume_id)
        self.assertEqual(Vol.IN_USE, shown["status"])
        self.assertEqual([made["id"]], [row["attachment_id"] for row in shown["attachments"]])
        # the same host again, and another one
        self.assertEqual(200, self.connect(made["id"]).status)
        self.assertEqual(400, self.connect(made["id"], {"host": "other"}).status)
        answer = self.volume_call("DELETE", f"/attachments/{made['id']}")
        self.assertEqual((200, {"attachments": []}), (answer.status, answer.body))
        self.assertEqual((Vol.AVAILABLE, {}), (self.status(), self.board.all()))
        self.assertEqual(404, self.volume_call("GET", f"/attachments/{made['id']}").status)

    def test_with_a_connector_at_once(self) -> None:
        made = self.made(connector=CONNECTOR, mode="ro")
        self.assertEqual((Attach.ATTACHING, "ro"), (made["status"], made["attach_mode"]))
        self.assertEqual("ro", made["connection_info"]["access_mode"])

    def test_before_there_was_complete(self) -> None:
        made = self.made(connector=CONNECTOR, version="3.43")
        self.assertEqual((Attach.ATTACHED, Vol.IN_USE), (made["status"], self.status()))
        answer = self.volume_call(
            "POST", f"/attachments/{made['id']}/action", {"os-complete": {}}, version="3.43")
        self.assertEqual(404, answer.status)

    def test_what_is_refused(self) -> None:
        for values, status in (
            ({"volume_uuid": UNKNOWN}, 404),
            ({"volume_uuid": "x"}, 400),
            ({"volume_uuid": None}, 400),
            ({"instance_uuid": UNKNOWN}, 400),
            ({"instance_uuid": "x"}, 400),
            ({"connector": "x"}, 400),
            ({"mode": "wr"}, 400),
            ({"nonsense": 1}, 400),
        ):
            answer = self.create(**values)
            self.assertEqual(status, answer.status, (values, answer))
        self.assertEqual(400, self.create(mode="ro", version="3.53").status)
        self.assertEqual(404, self.create(version="3.26").status)
        self.assertEqual(403, self.create(by=self.reader).status)
        self.assertEqual(404, self.create(by=self.stranger).status)
        self.assertEqual(Vol.AVAILABLE, self.status())
        made = self.made()
        self.assertEqual(400, self.create().status)
        for connector in ({}, None, "x"):
            self.assertEqual(400, self.connect(made["id"], connector).status)
        answer = self.volume_call(
            "POST", f"/attachments/{made['id']}/action", {"os-complete": {}})
        self.assertEqual(400, answer.status, answer)
        for verb, body in (("GET", None), ("DELETE", None),
                           ("PUT", {"attachment": {"connector": CONNECTOR}})):
            path = f"/attachments/{made['id']}"
            self.assertEqual(404, self.volume_call(verb, path, body, by=self.stranger).status)
        answer = self.volume_call("DELETE", f"/volumes/{self.volume_id}")
        self.assertEqual(400, answer.status, answer)

    def test_read_only_volumes(self) -> None:
        self.act(self.volume_id, "os-update_readonly_flag", {"readonly": True})
        self.assertEqual(400, self.create().status)
        self.made(mode="ro")

    def test_an_export_that_fails_leaves_it_reserved(self) -> None:
        made = self.made()
        faults = self.cloud.volumes["disks"].driver.faults
        faults.set(Fault("source"))
        self.assertEqual(500, self.connect(made["id"]).status)
        self.assertEqual(Vol.RESERVED, self.status())
        self.volume_call("DELETE", f"/attachments/{made['id']}")
        self.assertEqual(500, self.create(connector=CONNECTOR).status)
        self.assertEqual(Vol.AVAILABLE, self.status())
        self.assertEqual([], self.volume_call("GET", "/attachments").body["attachments"])

    def test_several(self) -> None:
        self.ask_operator("POST", "/types", {"volume_type": {
            "name": "shared", "extra_specs": {"multiattach": "<is> True"}}})
        self.volume_id = self.make_volume(volume_type="shared")["id"]
        ids = [self.made(connector={"host": f"metal{number}"})["id"] for number in range(2)]
        for each in ids:
            self.volume_call("POST", f"/attachments/{each}/action", {"os-complete": {}})
        answer = self.volume_call("DELETE", f"/attachments/{ids[0]}")
        self.assertEqual([ids[1]], [row["id"] for row in answer.body["attachments"]])
        self.assertEqual(Vol.IN_USE, self.status())

    def ask_operator(self, verb: str, path: str, body: Any) -> None:
        answer = self.volume_call(verb, path, body, by=self.operator)
        self.assertEqual(200, answer.status, answer)

    def test_lists(self) -> None:
        first = self.made()
        self.volume_id = self.make_volume()["id"]
        second = self.made(connector=CONNECTOR)
        for path, fields in (("/attachments", {"id", "status", "instance", "volume_id"}),
                             ("/attachments/detail", set(second))):
            for query, expected in (
                ("", [second["id"], first["id"]]),
                (f"volume_id={self.volume_id}", [second["id"]]),
                ("status=reserved", [first["id"]]),
                ("status=nonsense", []),
                (f"instance_id={UNKNOWN}", []),
                ("limit=1", [second["id"]]),
                (f"marker={second['id']}", [first["id"]]),
            ):
                rows = self.volume_call("GET", f"{path}?{query}").body["attachments"]
                self.assertEqual(expected, [row["id"] for row in rows], query)
                if rows:
                    self.assertEqual(fields, set(rows[0]))
        self.assertEqual([], self.volume_call(
            "GET", "/attachments", by=self.stranger).body["attachments"])
        self.assertEqual(404, self.volume_call("GET", f"/attachments?marker={UNKNOWN}").status)


class BehindTheServersBackTest(_Case):
    """CVE-2023-2088."""

    def setUp(self) -> None:
        super().setUp()
        self.server_id = clock.new_id()

    def refused(self, attachment_id: str, by: Any) -> None:
        path = f"/attachments/{attachment_id}"
        for verb, target, body in (
            ("DELETE", path, None),
            ("PUT", path, {"attachment": {"connector": CONNECTOR}}),
            ("POST", f"{path}/action", {"os-complete": {}}),
            *(
                ("POST", f"/volumes/{self.volume_id}/action", body)
                for body in (
                    {"os-detach": {}},
                    {"os-detach": {"attachment_id": attachment_id}},
                    {"os-force_detach": {"attachment_id": attachment_id}},
                    {"os-terminate_connection": {"connector": CONNECTOR}},
                    {"os-terminate_connection": {"connector": None}},
                    {"os-begin_detaching": {}},
                    {"os-reset_status": {"status": "available", "attach_status": "detached"}},
                    {"os-force_delete": {}},
                )
            ),
        ):
            answer = self.volume_call(verb, target, body, by=by)
            self.assertIn(answer.status, (400, 403, 409), (verb, body, answer))
            if by is self.operator and (body is None or "os-begin" not in str(body)):
                self.assertEqual(409, answer.status, (verb, body, answer))
                self.assertIn(self.server_id, answer.message)

    def test_in_every_status(self) -> None:
        for status in (Attach.ATTACHED, Attach.ATTACHING, Attach.DETACHING, Attach.RESERVED):
            self.volume_id = self.make_volume()["id"]
            attachment_id = self.disk_of_a_server(self.server_id, status)
            before = self.status()
            self.refused(attachment_id, self.member)
            self.refused(attachment_id, self.operator)
            row = self.cloud.in_role(self.row, attachment_id)
            self.assertEqual(status, row["status"])
            self.assertEqual(before, self.status())

    def row(self, attachment_id: str) -> Any:
        with engine.reader() as conn:
            return attachments.get(conn, attachment_id)

    def test_the_connection_is_nobodys_business(self) -> None:
        attachment_id = self.disk_of_a_server(self.server_id, Attach.ATTACHED)

        self.cloud.in_role(self.change, attachment_id, {"connection_info": {
            "driver_volume_type": "local", "data": {"device_path": "/secret/place"}}})
        for path in (f"/attachments/{attachment_id}", "/attachments/detail"):
            self.assertNotIn(b"secret", self.volume_call("GET", path).raw)
        answer = self.volume_call("GET", f"/attachments/{attachment_id}", by=self.service)
        self.assertIn(b"/secret/place", answer.raw)

    def test_services_may(self) -> None:
        attachment_id = self.disk_of_a_server(self.server_id, Attach.ATTACHED)
        answer = self.volume_call("DELETE", f"/attachments/{attachment_id}", by=self.service)
        self.assertEqual(200, answer.status, answer)
        self.assertEqual(Vol.AVAILABLE, self.status())

    def test_what_is_no_disk_no_host_connects(self) -> None:
        """An attachment that a tenant makes up for a server is none of its disks."""
        self.assertEqual(400, self.create(instance_uuid=self.server_id).status)
        made = self.made()
        self.cloud.in_role(self.change, made["id"], {"server_id": self.server_id})
        self.assertEqual([], self.cloud.in_role(self.disks))
        self.assertEqual(200, self.volume_call("DELETE", f"/attachments/{made['id']}").status)
        attachment_id = self.disk_of_a_server(self.server_id, Attach.ATTACHED)
        self.assertEqual([attachment_id], self.cloud.in_role(self.disks))

    def disks(self) -> list[str]:
        found = AttachmentList.of_server(self.cloud.context(), self.server_id)
        return [each.id for each in found.objects]

    def change(self, attachment_id: str, changes: dict[str, Any]) -> None:
        with engine.writer() as conn:
            attachments.update(conn, attachment_id, changes)

    def test_what_a_server_changes_over_to(self) -> None:
        made = self.made()
        self.cloud.in_role(self.change, made["id"], {"server_id": self.server_id})
        operation = submit.operation(
            self.member, "server.swap_volume", ("server", self.server_id), topic="compute",
            host="nowhere", payload={"new_attachment_id": made["id"]})

        def insert() -> None:
            with engine.writer() as conn:
                journal.insert(conn, operation)

        self.cloud.in_role(insert)
        answer = self.volume_call("DELETE", f"/attachments/{made['id']}")
        self.assertEqual(409, answer.status, answer)


class LegacyTest(_Case):
    def test_reserve(self) -> None:
        for name, status, shown in (
            ("os-reserve", 202, Vol.ATTACHING),
            ("os-reserve", 400, Vol.ATTACHING),
            ("os-unreserve", 202, Vol.AVAILABLE),
            ("os-unreserve", 400, Vol.AVAILABLE),
        ):
            answer = self.act(self.volume_id, name, {})
            self.assertEqual(status, answer.status, answer)
            self.assertEqual(shown, self.status())
        for name in ("os-reserve", "os-unreserve", "os-detach", "os-begin_detaching"):
            for wrong in (UNKNOWN, "xxx"):
                self.assertEqual(404, self.act(wrong, name, {}).status)
            self.assertEqual(404, self.act(self.volume_id, name, {}, by=self.stranger).status)

    def test_attach_to_a_host(self) -> None:
        self.assertEqual(202, self.act(self.volume_id, "os-reserve", {}).status)
        answer = self.act(
            self.volume_id, "os-attach", {"host_name": "metal1", "mountpoint": "/dev/vdx"})
        self.assertEqual((202, b""), (answer.status, answer.raw))
        shown = self.shown(self.volume_id, by=self.operator)
        [attachment] = shown["attachments"]
        self.assertEqual(
            (Vol.IN_USE, "metal1", "/dev/vdx", None),
            (shown["status"], attachment["host_name"], attachment["device"],
             attachment["server_id"]))
        for name, shown in (("os-begin_detaching", Vol.DETACHING),
                            ("os-roll_detaching", Vol.IN_USE),
                            ("os-begin_detaching", Vol.DETACHING),
                            ("os-detach", Vol.AVAILABLE)):
            self.assertEqual(202, self.act(self.volume_id, name, {}).status, name)
            self.assertEqual(shown, self.status())
        self.assertEqual(202, self.act(self.volume_id, "os-detach", None).status)

    def test_attach_is_refused(self) -> None:
        for inner in (
            {"mountpoint": "/dev/vdx"},
            {"host_name": "a"},
            {"host_name": "a", "instance_uuid": UNKNOWN, "mountpoint": "/dev/vdx"},
            {"instance_uuid": UNKNOWN, "mountpoint": "/dev/vdx"},
            {"host_name": "a", "mountpoint": "/dev/vdx", "mode": "x"},
            {"host_name": "a", "mountpoint": ""},
        ):
            answer = self.act(self.volume_id, "os-attach", inner)
            self.assertEqual(400, answer.status, (inner, answer))
        self.assertEqual(Vol.AVAILABLE, self.status())

    def test_the_whole_chain_of_a_service(self) -> None:
        self.act(self.volume_id, "os-reserve", {}, by=self.service)
        answer = self.act(self.volume_id, "os-initialize_connection", {"connector": CONNECTOR},
                          by=self.service)
        self.assertEqual(200, answer.status, answer)
        self.assertEqual("fake", answer.body["connection_info"]["driver_volume_type"])
        [attachment_id] = self.board.all()
        # once more is the same
        self.act(self.volume_id, "os-initialize_connection", {"connector": CONNECTOR},
                 by=self.service)
        self.assertEqual([attachment_id], list(self.board.all()))
        self.act(self.volume_id, "os-attach", {"host_name": "metal1", "mountpoint": "/dev/sdb"},
                 by=self.service)
        [attachment] = self.shown(self.volume_id)["attachments"]
        self.assertEqual(attachment_id, attachment["attachment_id"])
        answer = self.act(self.volume_id, "os-terminate_connection", {"connector": CONNECTOR},
                          by=self.service)
        self.assertEqual((202, b""), (answer.status, answer.raw))
        self.assertEqual((Vol.IN_USE, {}), (self.status(), self.board.all()))
        self.act(self.volume_id, "os-detach", {}, by=self.service)
        self.assertEqual(Vol.AVAILABLE, self.status())

    def test_tenants_may_not_connect(self) -> None:
        for name in ("os-initialize_connection", "os-terminate_connection", "os-force_detach"):
            answer = self.act(self.volume_id, name, {"connector": CONNECTOR})
            self.assertEqual(403, answer.status, (name, answer))

    def test_force_detach(self) -> None:
        self.act(self.volume_id, "os-attach", {"host_name": "a", "mountpoint": "/dev/vdx"})
        [attachment] = self.shown(self.volume_id)["attachments"]
        self.act(self.volume_id, "os-reset_status", {"status": "error"}, by=self.operator)
        answer = self.act(
            self.volume_id, "os-force_detach",
            {"attachment_id": attachment["attachment_id"], "connector": None}, by=self.operator)
        self.assertEqual((202, b""), (answer.status, answer.raw))
        shown = self.shown(self.volume_id)
        self.assertEqual((Vol.AVAILABLE, []), (shown["status"], shown["attachments"]))
        answer = self.act(self.volume_id, "os-force_detach", {"attachment_id": UNKNOWN},
                          by=self.operator)
        self.assertEqual(404, answer.status)

    def test_reset_lets_go_of_what_is_no_servers(self) -> None:
        self.act(self.volume_id, "os-attach", {"host_name": "a", "mountpoint": "/dev/vdx"})
        answer = self.act(
            self.volume_id, "os-reset_status",
            {"status": "available", "attach_status": "detached"}, by=self.operator)
        self.assertEqual(202, answer.status, answer)
        shown = self.shown(self.volume_id)
        self.assertEqual((Vol.AVAILABLE, []), (shown["status"], shown["attachments"]))
