"""The journal over the API: operations, and why."""

from typing import Any

from mycloud.common import clock
from mycloud.common.faults import HANG, Fault
from tests.fixtures.cloud import PROJECT
from tests.fixtures.compute_api import OTHER_PROJECT, ComputeApiCase

OPERATION = {
    "id", "kind", "resource_type", "resource_id", "project_id", "user_id", "request_id", "state",
    "host", "attempt", "created_at", "started_at", "finished_at", "duration_s", "code", "reason",
}
STEP = {
    "seq", "name", "host", "state", "started_at", "finished_at", "duration_s", "detail",
}


class JournalApiCase(ComputeApiCase):
    def ask(self, path: str, **values: Any) -> Any:
        return self.call("GET", path, api="/cloud/v1", version=None, **values)

    def stop(self, server_id: str, **values: Any) -> dict[str, Any]:
        answer = self.call("POST", f"/servers/{server_id}/action", {"os-stop": None}, **values)
        self.assertEqual(202, answer.status, answer)
        return self.ended(answer.headers["X-Mycloud-Operation-Id"])

    def faults(self, *faults: Fault) -> None:
        self.cloud.computes["host1"].driver.faults.set(*faults)


class OperationsTest(JournalApiCase):
    def test_show(self) -> None:
        operation = self.stop(self.boot())
        found = self.ask(f"/operations/{operation['id']}").body["operation"]
        self.assertEqual(OPERATION | {"steps"}, set(found))
        self.assertEqual(("server.stop", "succeeded", "host1", PROJECT, None),
                         tuple(found[name] for name in
                               ("kind", "state", "host", "project_id", "reason")))
        self.assertGreaterEqual(found["duration_s"], 0)
        step = found["steps"][0]
        self.assertEqual(STEP, set(step))
        self.assertEqual(("power_off", "done", "host1", 1),
                         (step["name"], step["state"], step["host"], step["seq"]))
        self.assertTrue(step["started_at"].endswith("Z"))

    def test_own_project_only(self) -> None:
        operation = self.stop(self.boot())
        for name in (operation["id"], clock.new_id()):
            answer = self.ask(f"/operations/{name}", by=self.stranger)
            self.assertEqual(404, answer.status)
        self.assertEqual({"operations": []}, self.ask("/operations", by=self.stranger).body)
        self.assertEqual(
            {"operations": []}, self.ask(f"/operations?project_id={OTHER_PROJECT}").body
        )
        self.assertEqual(2, len(self.ask("/operations", by=self.operator).body["operations"]))
        path = f"/operations?project_id={OTHER_PROJECT}"
        self.assertEqual([], self.ask(path, by=self.operator).body["operations"])

    def test_what_an_operator_does_is_in_the_owners_journal(self) -> None:
        server_id = self.boot()
        operation = self.stop(server_id, by=self.operator)
        found = self.ask(f"/operations/{operation['id']}")
        self.assertEqual(200, found.status)
        self.assertEqual(self.operator.user_id, found.body["operation"]["user_id"])

    def test_filters_and_pages(self) -> None:
        first, second = self.boot(), self.boot(name="two")
        self.stop(first)

        def kinds(query: str) -> list[str]:
            body = self.ask(f"/operations?{query}").body
            return [operation["kind"] for operation in body["operations"]]

        self.assertEqual(["server.stop", "server.create"], kinds(f"resource_id={first}"))
        self.assertEqual(["server.stop"], kinds("kind=server.stop"))
        self.assertEqual(["server.create"] * 2 + ["server.stop"], kinds("sort_dir=asc"))
        self.assertEqual([], kinds("state=failed"))
        self.assertEqual(3, len(kinds("state=succeeded&resource_type=server")))
        self.assertEqual([], kinds(f"resource_id={second}&kind=server.stop"))
        seen: list[str] = []
        path = "/operations?limit=2"
        for _ in range(3):
            body = self.ask(path).body
            seen += [operation["id"] for operation in body["operations"]]
            if "links" not in body:
                break
            path = body["links"][0]["href"].partition("/cloud/v1")[2]
        self.assertEqual(3, len(set(seen)))
        for bad in ("state=x", "limit=-1", "marker=nope", "sort_dir=up", "nope=1",
                    f"marker={clock.new_id()}"):
            answer = self.ask(f"/operations?{bad}")
            self.assertEqual(400, answer.status, (bad, answer))


class WhyTest(JournalApiCase):
    def why(self, name: str, **values: Any) -> dict[str, Any]:
        answer = self.ask(f"/why/{name}", **values)
        self.assertEqual(200, answer.status, answer)
        found: dict[str, Any] = answer.body
        return found

    def test_nothing_is_wrong(self) -> None:
        server_id = self.boot()
        found = self.why(server_id)
        self.assertEqual(
            {"type": "server", "id": server_id, "name": "one", "status": "ACTIVE"},
            found["resource"],
        )
        self.assertEqual(["server.create"], [op["kind"] for op in found["operations"]])
        self.assertTrue(found["operations"][0]["steps"])
        self.assertRegex(found["cause"], r"^Nothing is wrong: server.create succeeded after ")

    def test_a_failed_create(self) -> None:
        self.faults(Fault("spawn"))
        answer = self.call("POST", "/servers", self.body())
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual("failed", operation["state"])
        server_id = answer.body["server"]["id"]
        self.assertEqual("ERROR", self.call("GET", f"/servers/{server_id}").body["server"]
                         ["status"])
        causes = []
        for name in (server_id, operation["id"], operation["request_id"]):
            found = self.why(name)
            self.assertEqual("ERROR", found["resource"]["status"])
            self.assertEqual([operation["id"]], [op["id"] for op in found["operations"]])
            causes.append(found["cause"])
        self.assertEqual(1, len(set(causes)))
        self.assertRegex(
            causes[0], r"^server.create failed at step spawn on host1 after \d+\.\d+ s: .+\.$"
        )
        self.assertIn(operation["reason"].rstrip("."), causes[0])

    def test_no_host(self) -> None:
        answer = self.call(
            "POST", "/servers", self.body(**{"availability_zone": "nova:nowhere"}),
            by=self.operator,
        )
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        cause = self.why(answer.body["server"]["id"], by=self.operator)["cause"]
        self.assertIn(operation["reason"].rstrip("."), cause)
        self.assertTrue(cause.startswith("server.create failed "), cause)

    def test_under_way(self) -> None:
        server_id = self.boot()
        self.faults(Fault("power_off", HANG))
        answer = self.call("POST", f"/servers/{server_id}/action", {"os-stop": None})
        operation = answer.headers["X-Mycloud-Operation-Id"]
        self.cloud.wait(
            lambda: self.ask(f"/operations/{operation}").body["operation"]["steps"],
            what="the step",
        )
        self.assertRegex(
            self.why(server_id)["cause"],
            r"^server.stop is under way: step power_off on host1 has been running for ",
        )
        self.faults()
        self.ended(operation)

    def test_of_a_deleted_server(self) -> None:
        server_id = self.boot()
        answer = self.call("DELETE", f"/servers/{server_id}")
        self.ended(answer.headers["X-Mycloud-Operation-Id"])
        found = self.why(server_id)
        self.assertEqual("DELETED", found["resource"]["status"])
        self.assertEqual(
            ["server.create", "server.delete"], [op["kind"] for op in found["operations"]]
        )

    def test_foreign_and_unknown_are_the_same(self) -> None:
        server_id = self.boot()
        texts = []
        for name, by in ((server_id, self.stranger), (clock.new_id(), self.member)):
            answer = self.ask(f"/why/{name}", by=by)
            self.assertEqual(404, answer.status)
            texts.append(answer.body["error"]["message"].replace(name, "ID"))
        self.assertEqual(texts[0], texts[1])
