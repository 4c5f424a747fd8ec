"""``mycloud server``: what is sent, what is shown, what is waited for, what is returned."""

import base64

from tests.fixtures.fake_cloud import DROP, Reply
from tests.unit.cli.case import IMAGE, OPERATION_ID, SERVER, SERVER_ID, CliCase, operation

SERVERS = "/compute/v2.1/servers"
ONE = f"{SERVERS}/{SERVER_ID}"
OPERATION = f"/cloud/v1/operations/{OPERATION_ID}"
ACCEPTED = {"X-Mycloud-Operation-Id": OPERATION_ID}


class CreateTest(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud.on("POST", SERVERS, Reply(202, {"server": {"id": SERVER_ID}}, ACCEPTED))

    def create(self, *words: str):
        return self.run_cli(
            "server", "create", "web", "--flavor", "m1.tiny", "--image", "tiny", *words
        )

    def test_names_become_ids(self) -> None:
        result = self.create("-f", "json")
        self.assertEqual((0, "web"), (result.status, result.document["name"]))
        (post,) = self.cloud.asked("POST", SERVERS)
        self.assertEqual(
            {"name": "web", "flavorRef": "1", "imageRef": IMAGE["id"], "networks": "none"},
            post.body["server"],
        )

    def test_every_option_arrives(self) -> None:
        result = self.create(
            *("--property", "a=1=2", "--tag", "t", "--key-name", "k", "--description", "d"),
            *("--user-data", self.write("user-data", "#!/bin/sh"), "--config-drive"),
            *("--availability-zone", "z", "--host", "h", "--hint", "group=g"),
        )
        self.assertEqual(0, result.status, result.err)
        body = self.cloud.asked("POST", SERVERS)[0].body
        server = body["server"]
        self.assertEqual({"a": "1=2"}, server["metadata"])
        self.assertEqual((["t"], "k"), (server["tags"], server["key_name"]))
        self.assertEqual("d", server["description"])
        self.assertEqual(b"#!/bin/sh", base64.b64decode(server["user_data"]))
        self.assertEqual((True, "z:h"), (server["config_drive"], server["availability_zone"]))
        self.assertEqual({"group": "g"}, body["os:scheduler_hints"])

    def test_wait_shows_steps_and_succeeds(self) -> None:
        self.cloud.on(
            "GET",
            OPERATION,
            Reply(200, {"operation": operation("pending")}),
            Reply(200, {"operation": operation("running", ("disk", "running"))}),
            Reply(200, {"operation": operation("succeeded", ("disk", "done"))}),
        )
        result = self.create("--wait", "-f", "value", "-c", "status")
        self.assertEqual((0, "ACTIVE\n"), (result.status, result.out))
        self.assertIn(f"server.create {SERVER_ID}: disk running on node-1", result.err)
        self.assertIn("disk done on node-1 in 0.250 s", result.err)
        self.assertIn(f"{SERVER_ID}: succeeded after 1.500 s", result.err)

    def test_wait_tells_the_reason_and_fails(self) -> None:
        reason = "No host has 4096 MiB free; the largest has 2048 MiB."
        failed = operation("failed", ("schedule", "failed"), reason=reason)
        self.cloud.on("GET", OPERATION, Reply(200, {"operation": failed}))
        result = self.create("--wait")
        self.assertEqual((1, ""), (result.status, result.out))
        self.assertIn(reason, result.err)
        self.assertIn(f"mycloud why {OPERATION_ID}", result.err)
        self.assertNotIn("Traceback", result.err)

    def test_wait_runs_out_of_time(self) -> None:
        self.cloud.on("GET", OPERATION, Reply(200, {"operation": operation("running")}))
        result = self.create("--wait", "--timeout", "0.2")
        self.assertEqual(4, result.status)
        self.assertIn("Waited 0.2 s", result.err)

    def test_wait_on_a_cloud_without_operations(self) -> None:
        self.cloud.services.remove("mycloud")
        self.cloud.on("POST", SERVERS, Reply(202, {"server": {"id": SERVER_ID}}))
        building = SERVER | {"status": "BUILD", "OS-EXT-STS:task_state": "spawning"}
        broken = SERVER | {"status": "ERROR", "fault": {"message": "the disk is full"}}
        self.cloud.on("GET", ONE, *(Reply(200, {"server": one}) for one in (building, broken)))
        result = self.create("--wait")
        self.assertEqual(1, result.status)
        self.assertIn("the disk is full", result.err)

    def test_a_lost_answer_makes_one_server(self) -> None:
        self.cloud.on("POST", SERVERS, DROP, Reply(202, {"server": {"id": SERVER_ID}}))
        result = self.create()
        self.assertEqual(0, result.status, result.err)
        keys = {seen.headers["idempotency-key"] for seen in self.cloud.asked("POST", SERVERS)}
        self.assertEqual(1, len(keys))

    def test_refusal_is_one_line(self) -> None:
        message = "Invalid input for field/attribute name: too long"
        self.cloud.on("POST", SERVERS, Reply(400, {"badRequest": {"message": message}}))
        result = self.create()
        self.assertEqual((1, f"mycloud: {message}\n"), (result.status, result.err))

    def test_count_waits_for_all(self) -> None:
        self.cloud.on("POST", SERVERS, Reply(202, {"reservation_id": "r-1"}, ACCEPTED))
        self.cloud.on(
            "GET", "/cloud/v1/operations", Reply(200, {"operations": [operation("running")]})
        )
        self.cloud.on("GET", OPERATION, Reply(200, {"operation": operation("succeeded")}))
        result = self.create("--count", "2", "--wait")
        self.assertEqual(0, result.status, result.err)
        server = self.cloud.asked("POST", SERVERS)[0].body["server"]
        self.assertEqual((2, 2), (server["min_count"], server["max_count"]))
        (listing,) = self.cloud.asked("GET", f"{SERVERS}/detail")
        self.assertEqual("r-1", listing.query["reservation_id"])

    def test_wrong_arguments_send_nothing(self) -> None:
        for words, told in (
            (("--count", "0"), "--count: '0' must be a whole number"),
            (("--property", "x"), "'x' must have the form KEY=VALUE"),
            (("--timeout", "-1"), "--timeout"),
            (("--user-data", "/does/not/exist"), "No such file"),
            (("--user-data", self.write("big", b"x" * 50000)), "at most 49151"),
        ):
            result = self.create(*words)
            self.assertEqual(2, result.status, words)
            self.assertIn(told, result.err)
        self.assertEqual([], self.cloud.asked("POST", SERVERS))

    def test_unknown_names(self) -> None:
        result = self.run_cli("server", "create", "w", "--flavor", "no", "--image", "tiny")
        self.assertEqual(1, result.status)
        self.assertEqual("mycloud: No flavor has the name or id 'no'\n", result.err)


class LookTest(CliCase):
    def test_list_in_every_format(self) -> None:
        result = self.run_cli("server", "list", "-f", "json")
        expected = {"ID": SERVER_ID, "Name": "web", "Status": "ACTIVE", "Image": "tiny"}
        self.assertEqual([expected | {"Flavor": "m1.tiny"}], result.document)
        self.assertIn("| web ", self.run_cli("server", "list").out)
        self.assertEqual("web\n", self.run_cli("server", "list", "-f", "value", "-c", "Name").out)
        csv = self.run_cli("server", "list", "-f", "csv", "-c", "Name", "-c", "Status").out
        self.assertEqual(['"Name","Status"', '"web","ACTIVE"'], csv.split())
        self.assertIn("Name: web", self.run_cli("server", "list", "-f", "yaml").out)

    def test_show_by_name_and_id_in_every_format(self) -> None:
        for name in ("web", SERVER_ID):
            shown = self.run_cli("server", "show", name, "-f", "json").document
            self.assertEqual({"role": "front"}, shown["properties"])
            self.assertEqual(["a", "b"], shown["tags"])
        for style in ("table", "yaml", "value", "csv", "shell"):
            result = self.run_cli("server", "show", "web", "-f", style)
            self.assertEqual(0, result.status, result.err)
            self.assertIn("front", result.out)

    def test_ambiguous_name_lists_the_ids(self) -> None:
        twins = [SERVER | {"id": "a"}, SERVER | {"id": "b"}]
        self.cloud.on("GET", f"{SERVERS}/detail", Reply(200, {"servers": twins}))
        result = self.run_cli("server", "show", "web")
        self.assertEqual(1, result.status)
        self.assertIn("2 servers are called 'web'; give one of their ids: a, b", result.err)

    def test_a_name_that_is_a_pattern_is_taken_literally(self) -> None:
        odd = SERVER | {"name": "w(1)", "id": "odd"}
        self.cloud.on("GET", f"{SERVERS}/detail", Reply(200, {"servers": [SERVER, odd]}))
        result = self.run_cli("server", "show", "w(1)", "-f", "json")
        self.assertEqual("odd", result.document["id"])
        self.assertNotIn("name", self.cloud.asked("GET", f"{SERVERS}/detail")[0].query)

    def test_names_that_would_be_other_paths(self) -> None:
        for name in ("", ".", ".."):
            result = self.run_cli("server", "show", name)
            self.assertEqual(1, result.status)
            self.assertIn(f"No server has the name or id '{name}'", result.err)

    def test_limit(self) -> None:
        many = [SERVER | {"id": str(number)} for number in range(5)]
        self.cloud.on("GET", f"{SERVERS}/detail", Reply(200, {"servers": many}))
        result = self.run_cli("server", "list", "--limit", "2", "-f", "json")
        self.assertEqual(2, len(result.document))

    def test_console_log(self) -> None:
        self.cloud.on("POST", f"{ONE}/action", Reply(200, {"output": "READY"}))
        for words in ("server console log", "server console-log", "console log show"):
            result = self.run_cli(*words.split(), "web", "--lines", "5")
            self.assertEqual((0, "READY\n"), (result.status, result.out))
        body = self.cloud.asked("POST", f"{ONE}/action")[0].body
        self.assertEqual({"os-getConsoleOutput": {"length": 5}}, body)

    def test_events(self) -> None:
        events = [{"action": "create", "request_id": "req-1", "start_time": "now"}]
        self.cloud.on("GET", f"{ONE}/os-instance-actions", Reply(200, {"instanceActions": events}))
        result = self.run_cli("server", "events", "web", "-f", "json")
        self.assertEqual("create", result.document[0]["Action"])


class ActTest(CliCase):
    def test_actions(self) -> None:
        for verb, options, body in (
            ("start", (), {"os-start": None}),
            ("stop", (), {"os-stop": None}),
            ("reboot", (), {"reboot": {"type": "SOFT"}}),
            ("reboot", ("--hard",), {"reboot": {"type": "HARD"}}),
            ("lock", (), {"lock": None}),
            ("unlock", (), {"unlock": None}),
        ):
            self.cloud.seen.clear()
            self.cloud.on("POST", f"{ONE}/action", Reply(202))
            result = self.run_cli("server", verb, "web", *options)
            self.assertEqual((0, "", ""), (result.status, result.out, result.err))
            self.assertEqual(body, self.cloud.asked("POST", f"{ONE}/action")[0].body)

    def test_one_failure_does_not_stop_the_others(self) -> None:
        self.cloud.on("POST", f"{ONE}/action", Reply(202))
        result = self.run_cli("server", "stop", "nope", "web")
        self.assertEqual(1, result.status)
        self.assertIn("No server has the name or id 'nope'", result.err)
        self.assertEqual(1, len(self.cloud.asked("POST", f"{ONE}/action")))

    def test_conflict_names_the_operation(self) -> None:
        busy = {"conflictingRequest": {"code": 409, "message": "It is being deleted."}}
        self.cloud.on("POST", f"{ONE}/action", Reply(409, busy, ACCEPTED))
        result = self.run_cli("server", "stop", "web")
        self.assertEqual(1, result.status)
        self.assertEqual(
            f"mycloud: It is being deleted. (see: mycloud why {OPERATION_ID})\n", result.err
        )

    def test_delete_and_wait(self) -> None:
        self.cloud.on("DELETE", ONE, Reply(204, headers=ACCEPTED))
        self.cloud.on("GET", OPERATION, Reply(200, {"operation": operation("succeeded")}))
        gone = Reply(404, {"itemNotFound": {"message": "gone"}})
        self.cloud.on("GET", ONE, Reply(200, {"server": SERVER}), gone)
        result = self.run_cli("server", "delete", SERVER_ID, "--wait")
        self.assertEqual(0, result.status, result.err)

    def test_quiet_shows_no_steps(self) -> None:
        self.cloud.on("DELETE", ONE, Reply(204, headers=ACCEPTED))
        done = operation("succeeded", ("x", "done"))
        self.cloud.on("GET", OPERATION, Reply(200, {"operation": done}))
        gone = Reply(404, {"itemNotFound": {"message": "gone"}})
        self.cloud.on("GET", ONE, Reply(200, {"server": SERVER}), gone)
        result = self.run_cli("-q", "server", "delete", SERVER_ID, "--wait")
        self.assertEqual((0, ""), (result.status, result.err))

    def test_set_and_unset(self) -> None:
        self.cloud.on("PUT", ONE, Reply(200, {"server": SERVER}))
        self.cloud.on("POST", f"{ONE}/metadata", Reply(200, {"metadata": {}}))
        self.cloud.on("PUT", f"{ONE}/tags/x%2Fy", Reply(201))
        self.cloud.on("DELETE", f"{ONE}/metadata/k", Reply(204))
        words = ("--name", "n", "--property", "k=v", "--tag", "x/y")
        self.assertEqual(0, self.run_cli("server", "set", "web", *words).status)
        self.assertEqual({"server": {"name": "n"}}, self.cloud.asked("PUT", ONE)[0].body)
        self.assertEqual(0, self.run_cli("server", "unset", "web", "--property", "k").status)
        self.assertEqual(0, self.run_cli("server", "rename", "web", "m").status)
        self.assertEqual({"server": {"name": "m"}}, self.cloud.asked("PUT", ONE)[1].body)
        self.assertEqual(2, self.run_cli("server", "set", "web").status)
        self.assertEqual(2, self.run_cli("server", "unset", "web").status)
