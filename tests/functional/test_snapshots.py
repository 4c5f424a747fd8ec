"""Snapshots through the API: taken, listed, turned into volumes, deleted, and what is refused."""

from typing import Any

from mycloud.common.faults import HANG, Fault
from mycloud.common.states import Snap, Vol
from tests.fixtures.volume_api import VolumeApiCase

UNKNOWN = "99999999-2222-4333-8444-555555555555"


class SnapshotsTest(VolumeApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.driver = self.cloud.volumes["disks"].driver
        self.volume_id = self.make_volume(size=2)["id"]

    def act_on(self, snapshot_id: str, name: str, inner: Any, **more: Any) -> Any:
        return self.volume_call("POST", f"/snapshots/{snapshot_id}/action", {name: inner}, **more)

    def status(self, snapshot_id: str) -> str:
        found = self.volume_call("GET", f"/snapshots/{snapshot_id}").body["snapshot"]
        return str(found["status"])

    def test_life(self) -> None:
        self.driver.write(self.volume_id, "before")
        made = self.make_snapshot(
            self.volume_id, name="one", description="of today", metadata={"a": "1"})
        self.assertEqual(
            ("one", "of today", 2, self.volume_id, {"a": "1"}, "100%"),
            (made["name"], made["description"], made["size"], made["volume_id"],
             made["metadata"], made["os-extended-snapshot-attributes:progress"]))
        self.driver.write(self.volume_id, "after")
        volume = self.make_volume(size=None, snapshot_id=made["id"])
        self.assertEqual((2, made["id"]), (volume["size"], volume["snapshot_id"]))
        self.assertEqual("before", self.driver.read(volume["id"]))
        answer = self.volume_call(
            "PUT", f"/snapshots/{made['id']}", {"snapshot": {"name": "two", "description": None}})
        found = answer.body["snapshot"]
        self.assertEqual((200, "two", None), (answer.status, found["name"], found["description"]))
        answer = self.volume_call("DELETE", f"/snapshots/{made['id']}")
        self.assertEqual((202, b""), (answer.status, answer.raw))
        self.cloud.wait(
            lambda: self.volume_call("GET", f"/snapshots/{made['id']}").status == 404)
        self.assertEqual([], self.driver.snapshot_names())
        # what was made from it stays
        self.assertEqual("before", self.driver.read(volume["id"]))

    def test_fields_by_version(self) -> None:
        snapshot_id = self.make_snapshot(self.volume_id)["id"]
        common = {"id", "name", "description", "status", "size", "volume_id", "metadata",
                  "created_at", "updated_at"}
        extended = {"os-extended-snapshot-attributes:progress",
                    "os-extended-snapshot-attributes:project_id"}
        for version, more in (("3.0", set()), ("3.14", {"group_snapshot_id"}),
                              ("3.41", {"group_snapshot_id", "user_id"}),
                              ("3.65", {"group_snapshot_id", "user_id", "consumes_quota"})):
            shown = self.volume_call("GET", f"/snapshots/{snapshot_id}", version=version)
            self.assertEqual(common | extended | more, set(shown.body["snapshot"]))
            listed = self.volume_call("GET", "/snapshots/detail", version=version)
            self.assertEqual(common | extended | more, set(listed.body["snapshots"][0]))
            brief = self.volume_call("GET", "/snapshots", version=version)
            self.assertEqual(common, set(brief.body["snapshots"][0]))
            made = self.volume_call("PUT", f"/snapshots/{snapshot_id}",
                                    {"snapshot": {"name": None}}, version=version)
            self.assertEqual(common | more, set(made.body["snapshot"]))

    def test_what_is_refused(self) -> None:
        for body, status in (
            ({"volume_id": UNKNOWN}, 404),
            ({"volume_id": None}, 404),
            ({"volume_id": "x"}, 404),
            ({}, 400),
            ({"volume_id": 1}, 400),
            ({"volume_id": self.volume_id, "force": "maybe"}, 400),
            ({"volume_id": self.volume_id, "name": "x" * 256}, 400),
            ({"volume_id": self.volume_id, "metadata": {"a": 1}}, 400),
            ({"volume_id": self.volume_id, "size": 1}, 400),
        ):
            answer = self.volume_call("POST", "/snapshots", {"snapshot": body})
            self.assertEqual(status, answer.status, (body, answer))
        snapshot_id = self.make_snapshot(self.volume_id, metadata=None, name=None)["id"]
        for body in ({}, {"size": 3}, {"name": 1}):
            answer = self.volume_call("PUT", f"/snapshots/{snapshot_id}", {"snapshot": body})
            self.assertEqual(400, answer.status, (body, answer))
        answer = self.volume_call(
            "POST", "/volumes", {"volume": {"size": 1, "snapshot_id": snapshot_id}})
        self.assertEqual(400, answer.status, answer)

    def test_other_projects_see_nothing(self) -> None:
        snapshot_id = self.make_snapshot(self.volume_id)["id"]
        by = self.stranger
        for verb, path, body in (
            ("GET", f"/snapshots/{snapshot_id}", None),
            ("PUT", f"/snapshots/{snapshot_id}", {"snapshot": {"name": "x"}}),
            ("DELETE", f"/snapshots/{snapshot_id}", None),
            ("POST", "/snapshots", {"snapshot": {"volume_id": self.volume_id}}),
            ("POST", "/volumes", {"volume": {"size": 2, "snapshot_id": snapshot_id}}),
            ("POST", f"/snapshots/{snapshot_id}/action",
             {"os-update_snapshot_status": {"status": "error"}}),
        ):
            answer = self.volume_call(verb, path, body, by=by)
            self.assertEqual(404, answer.status, (verb, path, answer))
        self.assertEqual([], self.volume_call("GET", "/snapshots", by=by).body["snapshots"])
        self.assertEqual(403, self.volume_call(
            "DELETE", f"/snapshots/{snapshot_id}", by=self.reader).status)

    def test_of_a_volume_in_use_only_with_force(self) -> None:
        self.act(self.volume_id, "os-reset_status", {"status": Vol.IN_USE}, by=self.operator)
        body = {"snapshot": {"volume_id": self.volume_id}}
        answer = self.volume_call("POST", "/snapshots", body, version="3.59")
        self.assertEqual(400, answer.status, answer)
        self.assertIn("force", answer.message)
        # the openstack command leaves it out where 3.66 is spoken, and its SDK asks for 3.65
        answer = self.volume_call("POST", "/snapshots", body, version="3.65")
        self.assertEqual(202, answer.status, answer)
        self.make_snapshot(self.volume_id, force=True)
        # later that went without saying
        self.make_snapshot(self.volume_id)
        body["snapshot"]["force"] = False
        self.assertEqual(400, self.volume_call("POST", "/snapshots", body).status)

    def test_a_failure_is_told(self) -> None:
        self.driver.faults.set(Fault("snapshot"))
        snapshot_id = self.make_snapshot(self.volume_id, status=Snap.ERROR)["id"]
        self.driver.faults.set()
        self.assertEqual([], self.driver.snapshot_names())
        self.assertEqual(202, self.volume_call("DELETE", f"/snapshots/{snapshot_id}").status)

    def test_quota_counts_snapshots(self) -> None:
        self.volume_call(
            "PUT", f"/os-quota-sets/{self.member.project_id}", {"quota_set": {"snapshots": 1}},
            by=self.operator)
        self.make_snapshot(self.volume_id)
        body = {"snapshot": {"volume_id": self.volume_id}}
        answer = self.volume_call("POST", "/snapshots", body)
        self.assertEqual(413, answer.status, answer)

    def test_not_deleted_while_it_is_copied(self) -> None:
        snapshot_id = self.make_snapshot(self.volume_id)["id"]
        self.driver.faults.set(Fault("create_from_snapshot", mode=HANG))
        body = {"volume": {"size": 2, "snapshot_id": snapshot_id}}
        copy = self.volume_call("POST", "/volumes", body).body["volume"]["id"]
        answer = self.volume_call("DELETE", f"/snapshots/{snapshot_id}")
        self.assertEqual(400, answer.status, answer)
        self.driver.faults.set()
        self.volume_when(copy, Vol.AVAILABLE)
        self.assertEqual(202, self.volume_call("DELETE", f"/snapshots/{snapshot_id}").status)

    def test_lists(self) -> None:
        ids = [self.make_snapshot(self.volume_id, name=f"s{number}")["id"] for number in range(3)]

        def names(query: str, path: str = "/snapshots") -> list[str]:
            answer = self.volume_call("GET", f"{path}?{query}")
            self.assertEqual(200, answer.status, (query, answer))
            return [row["name"] for row in answer.body["snapshots"]]

        for path in ("/snapshots", "/snapshots/detail"):
            for query, expected in (
                ("", ["s2", "s1", "s0"]),
                ("sort_key=created_at&sort_dir=asc", ["s0", "s1", "s2"]),
                ("sort_key=name&sort_dir=desc", ["s2", "s1", "s0"]),
                ("sort_key=display_name&sort_dir=asc", ["s0", "s1", "s2"]),
                ("name=s1", ["s1"]),
                ("status=error", []),
                ("status=available&name=s0", ["s0"]),
                (f"volume_id={UNKNOWN}", []),
                ("limit=0", []),
                ("limit=1", ["s2"]),
                ("limit=100000", ["s2", "s1", "s0"]),
                (f"marker={ids[1]}", ["s0"]),
                ("offset=2", ["s0"]),
            ):
                self.assertEqual(expected, names(query, path), query)
            for query, status in (("sort_key=invalid", 400), ("limit=invalid", 400),
                                  (f"marker={UNKNOWN}", 404)):
                answer = self.volume_call("GET", f"{path}?{query}")
                self.assertEqual(status, answer.status, (query, answer))
        answer = self.volume_call("GET", "/snapshots?limit=1&with_count=true")
        self.assertEqual(3, answer.body["count"])
        self.assertIn("snapshots_links", answer.body)
        every = self.volume_call("GET", "/snapshots?all_tenants=1", by=self.operator)
        self.assertEqual(3, len(every.body["snapshots"]))

    def test_report_and_reset(self) -> None:
        snapshot_id = self.make_snapshot(self.volume_id)["id"]
        report = {"status": "error", "progress": "80%"}
        answer = self.act_on(snapshot_id, "os-update_snapshot_status", report)
        self.assertEqual(400, answer.status, answer)
        answer = self.act_on(snapshot_id, "os-reset_status", {"status": Snap.CREATING},
                             by=self.operator)
        self.assertEqual((202, b""), (answer.status, answer.raw))
        self.assertEqual(Snap.CREATING, self.status(snapshot_id))
        for wrong in ({"status": "nonsense"}, {"status": "error", "progress": "x"},
                      {"status": "error", "progress": "101%"}, {}):
            answer = self.act_on(snapshot_id, "os-update_snapshot_status", wrong)
            self.assertEqual(400, answer.status, (wrong, answer))
        answer = self.act_on(snapshot_id, "os-update_snapshot_status", report)
        self.assertEqual((202, b""), (answer.status, answer.raw))
        shown = self.volume_call("GET", f"/snapshots/{snapshot_id}").body["snapshot"]
        self.assertEqual(("error", "80%"), (
            shown["status"], shown["os-extended-snapshot-attributes:progress"]))
        for wrong in ("nonsense", "deleted", None, 1):
            answer = self.act_on(
                snapshot_id, "os-reset_status", {"status": wrong}, by=self.operator)
            self.assertEqual(400, answer.status, answer)

    def test_what_we_make_ourselves_nobody_else_reports(self) -> None:
        self.driver.faults.set(Fault("snapshot", mode=HANG))
        body = {"snapshot": {"volume_id": self.volume_id}}
        answer = self.volume_call("POST", "/snapshots", body)
        snapshot_id = answer.body["snapshot"]["id"]
        answer = self.act_on(
            snapshot_id, "os-update_snapshot_status", {"status": "available"})
        self.assertEqual(400, answer.status, answer)
        self.driver.faults.set()
        self.snapshot_when(snapshot_id, Snap.AVAILABLE)

    def test_force_delete(self) -> None:
        for status in (Snap.CREATING, Snap.DELETING, Snap.ERROR, Snap.ERROR_DELETING):
            snapshot_id = self.make_snapshot(self.volume_id)["id"]
            self.act_on(snapshot_id, "os-reset_status", {"status": status}, by=self.operator)
            answer = self.act_on(snapshot_id, "os-force_delete", {}, by=self.operator)
            self.assertEqual(202, answer.status, answer)
            self.cloud.wait(
                lambda gone=snapshot_id: self.volume_call("GET", f"/snapshots/{gone}").status
                == 404)
        self.assertEqual([], self.driver.snapshot_names())
