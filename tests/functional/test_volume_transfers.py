"""Volumes that go from one project to another."""

from typing import Any

from mycloud.common.states import Vol
from mycloud.db import engine
from mycloud.db.models import volume_transfers
from tests.fixtures.compute_api import OTHER_PROJECT, OTHER_USER
from tests.fixtures.volume_api import VolumeApiCase

UNKNOWN = "99999999-2222-4333-8444-555555555555"


class TransfersTest(VolumeApiCase):
    base, version = "/os-volume-transfer", "3.0"

    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.make_volume(size=2)["id"]

    def ask(self, verb: str, path: str = "", body: Any = None, **more: Any) -> Any:
        return self.volume_call(verb, self.base + path, body, version=self.version, **more)

    def offer(self, **values: Any) -> dict[str, Any]:
        answer = self.ask("POST", "", {"transfer": {"volume_id": self.volume_id, **values}})
        self.assertEqual(202, answer.status, answer)
        found: dict[str, Any] = answer.body["transfer"]
        return found

    def accept(self, transfer: dict[str, Any], **more: Any) -> Any:
        more = {"by": self.stranger, **more}
        key = more.pop("key", transfer["auth_key"])
        return self.ask("POST", f"/{transfer['id']}/accept", {"accept": {"auth_key": key}}, **more)

    def test_life(self) -> None:
        made = self.offer(name="for you")
        common = {"id", "volume_id", "name", "links", "created_at", *self.more_fields()}
        self.assertEqual(common | {"auth_key"}, set(made))
        self.assertEqual(Vol.AWAITING_TRANSFER, self.shown(self.volume_id)["status"])
        shown = self.ask("GET", f"/{made['id']}").body["transfer"]
        self.assertEqual(common, set(shown))
        self.assertEqual("for you", shown["name"])
        [brief] = self.ask("GET").body["transfers"]
        self.assertEqual({"id", "volume_id", "name", "links"}, set(brief))
        self.assertIn(self.base, brief["links"][0]["href"])
        [detail] = self.ask("GET", "/detail").body["transfers"]
        self.assertEqual(common, set(detail))
        answer = self.accept(made)
        self.assertEqual(202, answer.status, answer)
        self.assertEqual({"id", "volume_id", "name", "links"}, set(answer.body["transfer"]))
        shown = self.shown(self.volume_id, by=self.stranger)
        self.assertEqual(
            (Vol.AVAILABLE, OTHER_PROJECT, OTHER_USER),
            (shown["status"], shown["os-vol-tenant-attr:tenant_id"], shown["user_id"]))
        self.assertEqual(404, self.volume_call("GET", f"/volumes/{self.volume_id}").status)
        self.assertEqual([], self.ask("GET").body["transfers"])
        self.assertEqual(404, self.accept(made).status)

    def more_fields(self) -> set[str]:
        return set()

    def test_taken_back(self) -> None:
        made = self.offer()
        self.assertEqual(404, self.ask("DELETE", f"/{made['id']}", by=self.stranger).status)
        answer = self.ask("DELETE", f"/{made['id']}")
        self.assertEqual((202, b""), (answer.status, answer.raw))
        self.assertEqual(Vol.AVAILABLE, self.shown(self.volume_id)["status"])
        self.assertEqual(404, self.accept(made).status)
        self.assertEqual(404, self.ask("DELETE", f"/{made['id']}").status)

    def test_the_key_is_not_kept(self) -> None:
        made = self.offer()

        def kept() -> str:
            with engine.reader() as conn:
                return str(conn.execute(volume_transfers.select()).mappings().all())

        self.assertNotIn(made["auth_key"], self.cloud.in_role(kept))

    def test_who_has_no_key_learns_nothing(self) -> None:
        made = self.offer()
        wrong = self.accept(made, key="x")
        unknown = self.accept({"id": UNKNOWN, "auth_key": "x"})
        self.assertEqual((404, 404), (wrong.status, unknown.status))
        self.assertEqual(
            wrong.message.replace(made["id"], ""), unknown.message.replace(UNKNOWN, ""))
        by = self.stranger
        self.assertEqual(404, self.ask("GET", f"/{made['id']}", by=by).status)
        self.assertEqual([], self.ask("GET", "/detail", by=by).body["transfers"])
        self.assertEqual(403, self.accept(made, by=self.reader).status)

    def test_what_is_refused(self) -> None:
        for body, status in (
            ({"volume_id": UNKNOWN}, 404), ({"volume_id": "x"}, 400), ({}, 400),
            ({"volume_id": self.volume_id, "name": "x" * 256}, 400),
            ({"volume_id": self.volume_id, "name": 1}, 400),
        ):
            answer = self.ask("POST", "", {"transfer": body})
            self.assertEqual(status, answer.status, (body, answer))
        body = {"transfer": {"volume_id": self.volume_id}}
        self.assertEqual(404, self.ask("POST", "", body, by=self.stranger).status)
        made = self.offer()
        self.assertEqual(400, self.ask("POST", "", body).status)
        self.assertEqual(400, self.volume_call("DELETE", f"/volumes/{self.volume_id}").status)
        for body in ({}, {"accept": {}}, {"accept": {"auth_key": None}}):
            answer = self.ask("POST", f"/{made['id']}/accept", body, by=self.stranger)
            self.assertEqual(400, answer.status, answer)

    def test_quota_of_who_accepts(self) -> None:
        for limits in ({"volumes": 0}, {"gigabytes": 1}):
            made = self.offer()
            self.volume_call("PUT", f"/os-quota-sets/{OTHER_PROJECT}", {"quota_set": limits},
                             by=self.operator)
            answer = self.accept(made)
            self.assertEqual(413, answer.status, answer)
            self.volume_call("DELETE", f"/os-quota-sets/{OTHER_PROJECT}", by=self.operator)
            self.ask("DELETE", f"/{made['id']}")

    def test_snapshots_go_along(self) -> None:
        snapshot_id = self.make_snapshot(self.volume_id)["id"]
        made = self.offer()
        self.assertEqual(202, self.accept(made).status)
        path = f"/snapshots/{snapshot_id}"
        self.assertEqual(404, self.volume_call("GET", path).status)
        self.assertEqual(200, self.volume_call("GET", path, by=self.stranger).status)

    def test_a_private_type_does_not_travel(self) -> None:
        answer = self.volume_call("POST", "/types", {"volume_type": {
            "name": "ours", "os-volume-type-access:is_public": False}}, by=self.operator)
        type_id = answer.body["volume_type"]["id"]
        self.volume_call("POST", f"/types/{type_id}/action", {
            "addProjectAccess": {"project": self.member.project_id}}, by=self.operator)
        self.volume_id = self.make_volume(volume_type="ours")["id"]
        self.assertEqual(404, self.accept(self.offer()).status)


class NewerTransfersTest(TransfersTest):
    base, version = "/volume-transfers", "3.57"

    def more_fields(self) -> set[str]:
        return {"no_snapshots", "source_project_id", "destination_project_id", "accepted"}

    def test_snapshots_stay(self) -> None:
        snapshot_id = self.make_snapshot(self.volume_id)["id"]
        self.assertEqual(202, self.accept(self.offer(no_snapshots=True)).status)
        self.assertEqual(200, self.volume_call("GET", f"/snapshots/{snapshot_id}").status)

    def test_was_not_there_before(self) -> None:
        answer = self.volume_call("GET", self.base, version="3.54")
        self.assertEqual(404, answer.status)
        answer = self.volume_call(
            "POST", "/os-volume-transfer",
            {"transfer": {"volume_id": self.volume_id, "no_snapshots": True}}, version="3.54")
        self.assertEqual(400, answer.status)
