"""The ``mycloud`` command and the client library against the whole cloud."""

import json
import os
import struct
import subprocess
import sys
from typing import Any

from mycloud import client as library
from mycloud.client.transport import Request
from tests.fixtures import seeds
from tests.fixtures.command_case import CommandCase
from tests.fixtures.live_cloud import ADMIN, DEMO


class JourneyTest(CommandCase):
    def test_from_nothing_to_a_server_and_back(self) -> None:
        self.run_cli("flavor", "create", "small", "--ram", "128", "--disk", "1", cloud=ADMIN)
        disk = self.cloud.state / "disk.raw"
        disk.write_bytes(b"\x5a" * 100_000)
        image = self.ask("image", "create", "tiny", "--file", str(disk))
        self.assertEqual(("active", 100_000), (image["status"], image["size"]))

        create = ("server", "create", "web", "--flavor", "small", "--image", "tiny", "--wait")
        status, out, steps = self.attempt(*create, "--property", "a=b", "-f", "json")
        self.assertEqual(0, status, steps)
        server = json.loads(out)
        self.assertEqual(("ACTIVE", "small"), (server["status"], server["flavor"]))
        self.assertIn("server.create", steps)

        self.assertEqual("tiny", self.ask("server", "list")[0]["Image"])
        self.run_cli("server", "stop", "web", "--wait")
        self.assertEqual("SHUTOFF", self.ask("server", "show", "web")["status"])
        self.run_cli("server", "start", "web", "--wait")
        self.run_cli("server", "reboot", "--hard", "web", "--wait")
        self.assertIn("READY", self.run_cli("server", "console", "log", "web"))
        self.assertEqual("reboot", self.ask("server", "events", "web")[0]["Action"])

        self.run_cli("server", "set", "web", "--property", "c=d", "--tag", "t", "--name", "www")
        shown = self.ask("server", "show", "www")
        self.assertEqual({"a": "b", "c": "d"}, shown["properties"])
        self.assertEqual(["t"], shown["tags"])

        story = self.ask("why", "www")
        kinds = [operation["kind"] for operation in story["operations"]]
        self.assertEqual("server.create", kinds[0])
        self.assertIn("server.stop", kinds)
        operations = self.ask("operation", "list", "--server", "www")
        self.assertEqual(len(kinds), len(operations))
        self.assertIn("succeeded", self.run_cli("operation", "show", operations[0]["ID"]))
        request_id = self.ask("server", "events", "www")[-1]["Request ID"]
        for one in (operations[-1]["ID"], request_id):
            told = self.ask("why", one)
            self.assertEqual("server.create", told["operations"][0]["kind"])
        self.assertEqual(1, self.attempt("why", "req-of-nobody")[0])

        everything = self.ask("server", "list", "--all-projects", "--long", cloud=ADMIN)
        self.assertEqual(["www"], [one["Name"] for one in everything])
        for words in (("--status", "active"), ("--name", "ww"), ("--flavor", "small")):
            self.assertEqual(1, len(self.ask("server", "list", *words)), words)
        self.assertEqual([], self.ask("server", "list", "--status", "shutoff"))

        self.run_cli("server", "delete", "www", "--wait")
        self.assertEqual([], self.ask("server", "list"))
        self.run_cli("image", "delete", "tiny")
        self.run_cli("flavor", "delete", "small", cloud=ADMIN)

    def test_a_failure_tells_its_reason(self) -> None:
        self.run_cli("flavor", "create", "huge", "--ram", "99999999", cloud=ADMIN)
        seeds.image(self.cloud, name="tiny")
        self.run_cli("quota", "set", "demo", "--ram", "-1", cloud=ADMIN)
        create = ("server", "create", "big", "--flavor", "huge", "--image", "tiny", "--wait")
        status, out, err = self.attempt(*create)
        self.assertEqual((1, ""), (status, out), err)
        self.assertIn("99999999", err)
        self.assertIn("mycloud why ", err)
        self.assertIn("Cause: ", self.run_cli("why", "big"))

    def test_several_at_once(self) -> None:
        seeds.basics(self.cloud)
        create = ("server", "create", "n", "--flavor", "m1.test", "--image", "test")
        self.run_cli(*create, "--count", "3", "--wait")
        listed = self.ask("server", "list")
        self.assertEqual({"n-1", "n-2", "n-3"}, {server["Name"] for server in listed})
        self.assertEqual({"ACTIVE"}, {server["Status"] for server in listed})
        self.run_cli("server", "delete", "n-1", "n-2", "n-3", "--wait")

    def test_as_a_program_of_its_own(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "mycloud.cli.main", "--os-cloud", DEMO, "keypair", "list"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual((0, ""), (done.returncode, done.stderr))


class NounsTest(CommandCase):
    def test_keypairs(self) -> None:
        key = self.cloud.state / "key"
        self.run_cli("keypair", "create", "k", "--private-key", str(key))
        self.assertIn("PRIVATE KEY", key.read_text())
        self.assertEqual(0o600, key.stat().st_mode & 0o777)
        self.assertEqual("k", self.ask("keypair", "list")[0]["Name"])
        self.assertIn("ssh-", self.ask("keypair", "show", "k")["public_key"])
        self.run_cli("keypair", "delete", "k")
        status, _, err = self.attempt("keypair", "show", "k")
        self.assertEqual((1, "mycloud: No key pair has the name or id 'k'\n"), (status, err))

    def test_identities(self) -> None:
        def admin(*words: str) -> Any:
            return self.ask(*words, cloud=ADMIN)

        project = admin("project", "create", "p", "--description", "d")
        user = admin("user", "create", "u", "--password", "first password", "--project", "p")
        self.assertEqual(project["id"], user["default_project_id"])
        self.run_cli("role", "add", "member", "--user", "u", "--project", "p", cloud=ADMIN)
        assignments = admin("role", "assignments", "--user", "u")
        self.assertEqual(
            [("member", "p@Default")], [(one["Role"], one["Project"]) for one in assignments]
        )
        words = ("--os-username", "u", "--os-password", "first password", "--os-project-name", "p")
        self.assertEqual([], self.ask(*words, "server", "list"))
        self.run_cli("role", "remove", "member", "--user", "u", "--project", "p", cloud=ADMIN)
        self.run_cli("user", "set", "u", "--disable", cloud=ADMIN)
        self.assertFalse(admin("user", "show", "u")["enabled"])
        status, _, err = self.attempt("--no-token-cache", *words, "server", "list")
        self.assertEqual(3, status, err)
        self.run_cli("user", "delete", "u", cloud=ADMIN)
        self.run_cli("project", "delete", "p", cloud=ADMIN)
        self.assertNotIn("p", [one["Name"] for one in admin("project", "list")])
        as_system = self.ask("--os-system-scope", "all", "project", "list", cloud=ADMIN)
        self.assertIn("demo", [one["Name"] for one in as_system])

    def test_administration(self) -> None:
        quota = self.ask("quota", "show")
        self.assertIn("cores", [row["Resource"] for row in quota])
        self.run_cli("quota", "set", "demo", "--cores", "7", cloud=ADMIN)
        cores = next(row for row in self.ask("quota", "show") if row["Resource"] == "cores")
        self.assertEqual(7, cores["Limit"])
        (host,) = self.ask("host", "list", cloud=ADMIN)
        self.assertEqual("up", self.ask("host", "show", host["Name"], cloud=ADMIN)["state"])
        services = self.ask("service", "list", cloud=ADMIN)
        compute = next(one for one in services if one["Binary"].endswith("-compute"))
        words = ("service", "set", compute["Host"], "--disable", "--reason", "repair")
        self.run_cli(*words, cloud=ADMIN)
        changed = next(
            one
            for one in self.ask("service", "list", cloud=ADMIN)
            if one["ID"] == compute["ID"]
        )
        self.assertEqual(("disabled", "repair"), (changed["Status"], changed["Reason"]))

    def test_what_a_member_may_not_do(self) -> None:
        for words in (("host", "list"), ("service", "list"), ("flavor", "create", "x")):
            status, out, err = self.attempt(*words)
            self.assertEqual((1, ""), (status, out))
            self.assertEqual(1, err.count("\n"), err)

    def test_images(self) -> None:
        content = os.urandom(2_500_000)
        disk = self.cloud.state / "disk.raw"
        disk.write_bytes(content)
        words = ("--property", "os_distro=tiny", "--tag", "t", "--min-ram", "64")
        self.ask("image", "create", "i", "--file", str(disk), *words)
        saved = self.cloud.state / "saved.raw"
        self.run_cli("image", "save", "i", "--file", str(saved))
        self.assertEqual(content, saved.read_bytes())
        self.run_cli("image", "set", "i", "--property", "a=b", "--name", "j", "--protected")
        shown = self.ask("image", "show", "j")
        self.assertEqual({"a": "b", "os_distro": "tiny"}, shown["properties"])
        self.assertEqual(1, self.attempt("image", "delete", "j")[0])
        self.run_cli("image", "unset", "j", "--property", "a")
        self.run_cli("image", "set", "j", "--unprotected", "--shared")
        admin_project = self.ask("project", "show", "admin", cloud=ADMIN)["id"]
        self.run_cli("image", "member", "add", "j", admin_project)
        self.run_cli("image", "member", "set", shown["id"], "accepted", cloud=ADMIN)
        self.assertEqual("accepted", self.ask("image", "member", "list", "j")[0]["Status"])
        self.run_cli("image", "member", "remove", "j", admin_project)
        self.run_cli("image", "delete", "j")

    def test_bytes_of_another_format_leave_nothing(self) -> None:
        disk = self.cloud.state / "disk.qcow2"
        # the head of an empty qcow2 of version 2
        disk.write_bytes(struct.pack(">4sIQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1 << 20) + bytes(1000))
        words = ("--disk-format", "raw", "--file", str(disk))
        status, _, err = self.attempt("image", "create", "i", *words)
        self.assertEqual(1, status, err)
        self.assertIn("qcow2", err)
        self.assertEqual([], self.ask("image", "list"))


class LibraryTest(CommandCase):
    def test_paging_filters_and_keys(self) -> None:
        seeds.basics(self.cloud)
        cloud = library.connect(DEMO)
        new = library.NewServer("s", seeds.FLAVOR_ID, seeds.IMAGE_ID, count=5)
        accepted = cloud.servers.create(new)
        self.assertEqual(5, len({one.resource_id for one in accepted}))
        servers = [cloud.servers.wait(one) for one in accepted]
        self.assertEqual({"ACTIVE"}, {server.status for server in servers})
        # two on a page: three requests, each server once
        listed = [server.id for server in cloud.servers.list(limit=2)]
        self.assertEqual(sorted(server.id for server in servers), sorted(listed))
        operations = list(cloud.operations.list(kind="server.create", limit=2))
        self.assertEqual(5, len({operation.id for operation in operations}))

    def test_steps_are_seen_live(self) -> None:
        seeds.basics(self.cloud)
        cloud = library.connect(DEMO)
        (accepted,) = cloud.servers.create(
            library.NewServer("s", seeds.FLAVOR_ID, seeds.IMAGE_ID)
        )
        self.assertIsNotNone(accepted.operation_id)
        looks: list[Any] = []
        cloud.servers.wait(accepted, on_change=looks.append)
        self.assertTrue(looks[-1].succeeded)
        self.assertTrue(looks[-1].steps)
        self.assertIsNotNone(looks[-1].steps[0].host)

    def test_one_key_makes_one_server(self) -> None:
        seeds.basics(self.cloud)
        cloud = library.connect(DEMO)
        body = library.NewServer("s", seeds.FLAVOR_ID, seeds.IMAGE_ID).to_body()
        request = Request(
            "compute", "POST", "/servers", body=body, headers={"Idempotency-Key": "one"}
        )
        ids = {cloud.transport.send(request).body["server"]["id"] for _ in range(2)}
        self.assertEqual(1, len(ids))

    def test_errors_are_typed(self) -> None:
        cloud = library.connect(DEMO)
        missing = self.assertRaises(library.NotFound, cloud.servers.get, "no-such-server")
        self.assertTrue(missing.request_id)
        self.assertTrue(missing.code)
