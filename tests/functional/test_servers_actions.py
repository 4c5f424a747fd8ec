"""Actions on servers, and the record of them."""

from typing import Any

from mycloud.common import clock
from mycloud.common.faults import Fault
from mycloud.db import engine
from mycloud.db.models import servers
from tests.fixtures.compute_api import ComputeApiCase


class ActionCase(ComputeApiCase):
    def act(self, server_id: str, name: str, inner: Any = None, **values: Any) -> Any:
        return self.call("POST", f"/servers/{server_id}/action", {name: inner}, **values)

    def act_and_wait(self, server_id: str, name: str, inner: Any = None) -> dict[str, Any]:
        answer = self.act(server_id, name, inner)
        self.assertEqual((202, b""), (answer.status, answer.raw), answer)
        return self.ended(answer.headers["X-Mycloud-Operation-Id"])

    def shown(self, server_id: str, **values: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/servers/{server_id}", **values).body["server"]
        return found

    def set_row(self, server_id: str, **values: Any) -> None:
        def write() -> None:
            with engine.writer() as conn:
                conn.execute(
                    servers.update().where(servers.c.id == server_id).values(**values)
                )

        self.cloud.in_role(write)


class PowerTest(ActionCase):
    def test_stop_start_reboot(self) -> None:
        server_id = self.boot()
        for name, inner, status, power in (
            ("os-stop", None, "SHUTOFF", 4), ("os-start", None, "ACTIVE", 1),
            ("reboot", {"type": "SOFT"}, "ACTIVE", 1), ("os-stop", {}, "SHUTOFF", 4),
            ("reboot", {"type": "Hard"}, "ACTIVE", 1),
        ):
            operation = self.act_and_wait(server_id, name, inner)
            self.assertEqual("succeeded", operation["state"])
            shown = self.shown(server_id)
            self.assertEqual(
                (status, power, None),
                (shown["status"], shown["OS-EXT-STS:power_state"],
                 shown["OS-EXT-STS:task_state"]),
            )

    def test_conflicts_name_the_state_or_the_operation(self) -> None:
        server_id = self.boot()
        answer = self.act(server_id, "os-start")
        self.assertEqual(409, answer.status)
        self.assertIn("start", answer.message)
        self.assertIn("vm_state active", answer.message)
        self.set_row(server_id, vm_state="stopped")
        answer = self.act(server_id, "reboot", {"type": "SOFT"})
        self.assertEqual(409, answer.status)
        self.assertIn("vm_state stopped", answer.message)

    def test_the_same_key_stops_once(self) -> None:
        server_id = self.boot()
        first = self.act(server_id, "os-stop", Idempotency_Key="stop")
        again = self.act(server_id, "os-stop", Idempotency_Key="stop")
        self.assertEqual((202, 202), (first.status, again.status))
        self.assertEqual(
            first.headers["X-Mycloud-Operation-Id"], again.headers["X-Mycloud-Operation-Id"]
        )

    def test_bad_bodies(self) -> None:
        server_id = self.boot()
        for body in (
            {}, [], None, {"os-stop": None, "os-start": None}, {"nope": None}, {"rebuild": {}},
            {"reboot": None}, {"reboot": {}}, {"reboot": {"type": "warm"}}, {"": None},
            {"reboot": {"type": "SOFT", "x": 1}}, {"os-getConsoleOutput": {"length": -2}},
            {"os-getConsoleOutput": {"length": "x"}}, {"os-getConsoleOutput": {"length": 1.5}},
        ):
            raw = body if body is not None else b"null"
            answer = self.call("POST", f"/servers/{server_id}/action", raw)
            self.assertEqual(400, answer.status, (body, answer))


class LockTest(ActionCase):
    def test_a_locked_server_stays_as_it_is(self) -> None:
        server_id = self.boot()
        self.assertEqual((202, b""), (self.act(server_id, "lock").status,
                                      self.act(server_id, "lock").raw))
        self.assertTrue(self.shown(server_id)["locked"])
        for name, inner in (("os-stop", None), ("reboot", {"type": "HARD"})):
            answer = self.act(server_id, name, inner)
            self.assertEqual(409, answer.status)
            self.assertIn("locked", answer.message)
        self.assertEqual(409, self.call("DELETE", f"/servers/{server_id}").status)
        self.assertEqual(
            409, self.call("POST", f"/servers/{server_id}/metadata", {"metadata": {}}).status
        )
        # an operator may
        self.assertEqual(202, self.act(server_id, "os-stop", by=self.operator).status)
        self.assertEqual(202, self.act(server_id, "unlock", {}).status)
        self.assertFalse(self.shown(server_id)["locked"])

    def test_what_an_operator_locks_an_operator_unlocks(self) -> None:
        server_id = self.boot()
        self.act(server_id, "lock", by=self.operator)
        # an owner's lock does not loosen it
        self.act(server_id, "lock")
        answer = self.act(server_id, "unlock")
        self.assertEqual(403, answer.status, answer)
        self.assertEqual(202, self.act(server_id, "unlock", by=self.operator).status)
        self.assertFalse(self.shown(server_id)["locked"])


class ConsoleTest(ActionCase):
    def test_the_last_lines(self) -> None:
        server_id = self.boot()
        whole = self.act(server_id, "os-getConsoleOutput", {}).body["output"]
        self.assertIn("READY", whole)
        for length in (2, "2"):
            answer = self.act(server_id, "os-getConsoleOutput", {"length": length})
            self.assertEqual(whole.splitlines()[-2:], answer.body["output"].split("\n"))
        for length in (None, -1, "-1"):
            answer = self.act(server_id, "os-getConsoleOutput", {"length": length})
            self.assertEqual(whole, answer.body["output"])
        self.act_and_wait(server_id, "os-stop")
        answer = self.act(server_id, "os-getConsoleOutput", {"length": 0})
        self.assertEqual({"output": ""}, answer.body)

    def test_on_no_host_it_is_not_ready(self) -> None:
        server_id = self.boot()
        self.set_row(server_id, host=None)
        answer = self.act(server_id, "os-getConsoleOutput", {})
        self.assertEqual(409, answer.status, answer)


class ResetStateTest(ActionCase):
    def test_operators_set_the_state(self) -> None:
        server_id = self.boot()
        self.set_row(server_id, task_state="rebooting")
        for state, status in (("error", "ERROR"), ("active", "ACTIVE")):
            inner = {"state": state}
            self.assertEqual(403, self.act(server_id, "os-resetState", inner).status)
            answer = self.act(server_id, "os-resetState", inner, by=self.operator)
            self.assertEqual(202, answer.status, answer)
            shown = self.shown(server_id)
            self.assertEqual((status, None), (shown["status"], shown["OS-EXT-STS:task_state"]))
        for bad in ({}, {"state": "deleted"}, None):
            answer = self.act(server_id, "os-resetState", bad, by=self.operator)
            self.assertEqual(400, answer.status, answer)


class InstanceActionsTest(ActionCase):
    def actions(self, server_id: str, query: str = "", **values: Any) -> Any:
        return self.call("GET", f"/servers/{server_id}/os-instance-actions{query}", **values)

    def test_newest_first_with_what_was_asked(self) -> None:
        server_id = self.boot()
        self.act_and_wait(server_id, "os-stop")
        found = self.actions(server_id, version="2.57").body["instanceActions"]
        self.assertEqual(["stop", "create"], [action["action"] for action in found])
        self.assertEqual(
            {"action", "instance_uuid", "request_id", "user_id", "project_id", "start_time",
             "message"},
            set(found[0]),
        )
        self.assertEqual(server_id, found[0]["instance_uuid"])
        self.assertIsNone(found[0]["message"])
        found = self.actions(server_id, version="2.58").body["instanceActions"]
        self.assertIn("updated_at", found[0])

    def test_pages_from_2_58(self) -> None:
        server_id = self.boot()
        self.act_and_wait(server_id, "os-stop")
        self.act_and_wait(server_id, "os-start")
        seen: list[str] = []
        query = "?limit=2"
        for _ in range(3):
            body = self.actions(server_id, query).body
            seen += [action["action"] for action in body["instanceActions"]]
            if "links" not in body:
                break
            query = "?" + body["links"][0]["href"].partition("?")[2]
        self.assertEqual(["start", "stop", "create"], seen)
        later = clock.now().isoformat(timespec="seconds")
        found = self.actions(server_id, f"?changes-since={later[:4]}-01-01T00:00:00Z").body
        self.assertEqual(3, len(found["instanceActions"]))
        for bad in ("?limit=-1", "?limit=x", "?marker=nope", "?changes-since=x", "?nope=1"):
            self.assertEqual(400, self.actions(server_id, bad).status, bad)
        # before, the query was not looked at
        self.assertEqual(200, self.actions(server_id, "?limit=x", version="2.57").status)

    def test_one_with_its_events(self) -> None:
        server_id = self.boot()
        first = self.actions(server_id).body["instanceActions"][0]["request_id"]
        path = f"/{first}"
        for version, by, keys in (
            ("2.1", self.member, None),
            ("2.1", self.operator, {"traceback"}),
            ("2.51", self.member, set()),
            ("2.51", self.operator, {"traceback"}),
        ):
            found = self.actions(server_id, path, version=version, by=by).body["instanceAction"]
            if keys is None:
                self.assertNotIn("events", found)
                continue
            event = found["events"][-1]
            self.assertEqual(
                {"event", "start_time", "finish_time", "result"} | keys, set(event)
            )
            self.assertEqual("Success", event["result"])
        answer = self.actions(server_id, "/req-nope")
        self.assertEqual(404, answer.status)

    def test_what_needs_no_host_is_told_too(self) -> None:
        server_id = self.boot()
        for name, inner, by in (
            ("lock", None, self.member), ("unlock", None, self.operator),
            ("os-resetState", {"state": "error"}, self.operator),
        ):
            answer = self.act(server_id, name, inner, by=by)
            operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
            self.assertEqual(("succeeded", by.user_id),
                             (operation["state"], operation["user_id"]))
        found = self.actions(server_id).body["instanceActions"]
        self.assertEqual(
            ["reset_state", "unlock", "lock", "create"], [action["action"] for action in found]
        )

    def test_of_a_deleted_server_from_2_21(self) -> None:
        server_id = self.boot()
        operation = self.call("DELETE", f"/servers/{server_id}").headers["X-Mycloud-Operation-Id"]
        self.ended(operation)
        self.assertEqual(404, self.actions(server_id, version="2.20").status)
        found = self.actions(server_id, version="2.21").body["instanceActions"]
        self.assertEqual(["delete", "create"], [action["action"] for action in found])
        self.assertEqual(404, self.actions(server_id, by=self.stranger).status)

    def test_a_failure_says_why(self) -> None:
        server_id = self.boot()
        self.cloud.computes["host1"].driver.faults.set(Fault("power_off"))
        operation = self.act_and_wait(server_id, "os-stop")
        self.assertEqual("failed", operation["state"])
        found = self.actions(server_id).body["instanceActions"][0]
        self.assertEqual(operation["reason"], found["message"])
        path = f"/{found['request_id']}"
        event = self.actions(server_id, path).body["instanceAction"]["events"][0]
        self.assertEqual("Error", event["result"])
        self.assertNotIn("traceback", event)
        event = self.actions(server_id, path, by=self.operator).body["instanceAction"]["events"][0]
        self.assertIn("Traceback", event["traceback"])
