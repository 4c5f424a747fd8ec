"""The ``openstack`` command, unmodified, on a cloud that ``mycloud up`` has made."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import testtools

from mycloud.common import clock
from tests.fixtures.local_cloud import LocalCloud
from tests.fixtures.openstack_shell import OpenStackShell
from tests.fixtures.program import wait_for

_COMMAND = Path(sys.executable).with_name("openstack")
_HOSTS = 2
#: seconds for what a fake host does at once; the machine may be busy
_SOON = 60


def named(rows: list[dict[str, Any]], name: str, column: str = "Name") -> dict[str, Any]:
    """The row of a list that has the name."""
    found = [row for row in rows if row[column] == name]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} of {name} in {rows}")
    return found[0]


@unittest.skipUnless(_COMMAND.exists(), "python-openstackclient is not installed")
class OpenStackCommandTest(testtools.TestCase):
    cloud: LocalCloud
    member: OpenStackShell
    admin: OpenStackShell

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.cloud = LocalCloud()
        cls._use(cls.cloud)
        cls.cloud.up("--hypervisor", "fake", "--hosts", str(_HOSTS))
        cls.config = {"OS_CLIENT_CONFIG_FILE": str(cls.cloud.state / "clouds.yaml")}
        cls.member = OpenStackShell({**cls.config, "OS_CLOUD": "mycloud"})
        cls.admin = OpenStackShell({**cls.config, "OS_CLOUD": "mycloud-admin"})
        cls._use(cls.member)
        cls._use(cls.admin)
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)

    @classmethod
    def _use(cls, fixture: Any) -> None:
        fixture.setUp()
        cls.addClassCleanup(fixture.cleanUp)

    def file(self, content: bytes) -> str:
        path = Path(self.scratch.name) / clock.new_id()
        path.write_bytes(content)
        return str(path)

    def process(self, *words: str, **env: str) -> subprocess.CompletedProcess:
        """One command in a process of its own."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        return subprocess.run(
            [str(_COMMAND), *words],
            env={**clean, **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def status(self, server: str) -> str:
        found: str = self.member.ask("server", "show", server)["status"]
        return found

    def wait_status(self, server: str, status: str) -> None:
        wait_for(lambda: self.status(server) == status, f"{server} is {status}", _SOON)

    def make_flavor(self, name: str) -> None:
        self.admin.do("flavor", "create", name, "--ram", "128", "--disk", "1", "--vcpus", "1")
        self.addCleanup(self.admin.do, "flavor", "delete", name)

    def make_image(self, name: str) -> None:
        self.member.do(
            "image", "create", name, "--disk-format", "raw", "--container-format", "bare",
            "--file", self.file(bytes(1 << 20)),
        )
        self.addCleanup(self.member.do, "image", "delete", name)

    # -- servers -------------------------------------------------------------------------------

    def test_servers(self) -> None:
        do, ask = self.member.do, self.member.ask
        self.make_flavor("s.nano")
        self.make_image("s-image")
        do("keypair", "create", "s-key")
        self.addCleanup(do, "keypair", "delete", "s-key")
        made = ask(
            "server", "create", "s1", "--flavor", "s.nano", "--image", "s-image",
            "--key-name", "s-key", "--property", "tier=web", "--config-drive", "True",
            "--user-data", self.file(b"#!/bin/sh\necho hello\n"), "--wait",
        )
        self.assertEqual(("s1", "ACTIVE"), (made["name"], made["status"]))
        row = named(ask("server", "list"), "s1")
        self.assertEqual(
            ("ACTIVE", "s-image", "s.nano"), (row["Status"], row["Image"], row["Flavor"])
        )
        shown = ask("server", "show", "s1")
        self.assertEqual(made["id"], shown["id"])
        self.assertEqual("s-key", shown["key_name"])
        self.assertEqual({"tier": "web"}, shown["properties"])
        self.assertIn("READY", do("console", "log", "show", "s1"))
        self.assertEqual(1, len(do("console", "log", "show", "s1", "--lines", "1").splitlines()))

        with self.subTest("power"):
            do("server", "stop", "s1")
            self.wait_status("s1", "SHUTOFF")
            self.assertNotEqual(0, self.member.run("server", "reboot", "s1", "--soft").status)
            do("server", "start", "s1")
            self.wait_status("s1", "ACTIVE")
            do("server", "reboot", "s1", "--wait")
            do("server", "reboot", "s1", "--hard", "--wait")
            self.wait_status("s1", "ACTIVE")

        with self.subTest("set"):
            do(
                "server", "set", "s1", "--name", "s2", "--property", "tier=db",
                "--property", "rack=7",
            )
            do("server", "unset", "s2", "--property", "rack")
            self.assertEqual({"tier": "db"}, ask("server", "show", "s2")["properties"])
            found = ask("server", "list", "--name", "^s2$", "--status", "ACTIVE")
            self.assertEqual([made["id"]], [row["ID"] for row in found])

        with self.subTest("lock"):
            do("server", "lock", "s2")
            self.assertIn("409", self.member.run("server", "stop", "s2").err)
            do("server", "unlock", "s2")

        with self.subTest("events"):
            events = ask("server", "event", "list", "s2")
            actions = [event["Action"] for event in events]
            for action in ("create", "stop", "start", "reboot"):
                self.assertIn(action, actions)
            create = named(events, "create", "Action")
            event = ask("server", "event", "show", "s2", create["Request ID"])
            self.assertEqual("create", event["action"])
            self.assertTrue(all(part["result"] == "Success" for part in event["events"]))

        do("server", "delete", "s2", "--wait")
        self.assertEqual([], ask("server", "list"))
        gone = self.member.run("server", "show", "s2")
        self.assertNotEqual(0, gone.status)

    def test_many_servers_and_a_group(self) -> None:
        do, ask = self.member.do, self.member.ask
        self.make_flavor("g.nano")
        self.make_image("g-image")
        group = ask("server", "group", "create", "apart", "--policy", "anti-affinity")
        self.assertEqual(["anti-affinity"], group["policies"])
        named(ask("server", "group", "list"), "apart")
        do(
            "server", "create", "many", "--flavor", "g.nano", "--image", "g-image",
            "--min", "2", "--max", "2", "--hint", f"group={group['id']}", "--wait",
        )
        rows = self.admin.ask("server", "list", "--all-projects", "--long")
        self.assertEqual(
            {("many-1", "ACTIVE"), ("many-2", "ACTIVE")},
            {(row["Name"], row["Status"]) for row in rows},
        )
        self.assertEqual(_HOSTS, len({row["Host"] for row in rows}))
        members = ask("server", "group", "show", "apart")["members"]
        self.assertEqual({row["ID"] for row in rows}, set(members))
        do("server", "delete", "many-1", "many-2", "--wait")
        do("server", "group", "delete", "apart")
        self.assertEqual([], ask("server", "group", "list"))

    def test_availability_zones_and_hosts(self) -> None:
        zones = self.member.ask("availability", "zone", "list", "--compute")
        self.assertEqual("available", named(zones, "nova", "Zone Name")["Zone Status"])
        ask, do = self.admin.ask, self.admin.do
        hypervisors = ask("hypervisor", "list")
        self.assertEqual({"up"}, {row["State"] for row in hypervisors})
        self.assertEqual(_HOSTS, len(hypervisors))
        shown = ask("hypervisor", "show", hypervisors[0]["ID"])
        self.assertEqual(hypervisors[0]["Hypervisor Hostname"], shown["hypervisor_hostname"])
        self.assertEqual("fake", shown["hypervisor_type"])
        services = ask("compute", "service", "list")
        self.assertEqual(
            {"nova-compute", "nova-conductor", "nova-scheduler"},
            {row["Binary"].replace("mycloud", "nova") for row in services},
        )
        self.assertEqual({"up"}, {row["State"] for row in services})
        compute = next(row for row in services if row["Binary"].endswith("-compute"))
        where = (compute["Host"], compute["Binary"])
        do("compute", "service", "set", *where, "--disable", "--disable-reason", "a new fan")
        row = named(
            ask("compute", "service", "list", "--service", compute["Binary"], "--long"),
            compute["Host"], "Host",
        )
        self.assertEqual(("disabled", "a new fan"), (row["Status"], row["Disabled Reason"]))
        do("compute", "service", "set", *where, "--enable")
        refused = self.member.run("hypervisor", "list")
        self.assertIn("403", refused.err)

    # -- what servers are made of --------------------------------------------------------------

    def test_flavors(self) -> None:
        do, ask = self.admin.do, self.admin.ask
        made = ask(
            "flavor", "create", "f1", "--ram", "256", "--disk", "2", "--vcpus", "2",
            "--ephemeral", "1", "--swap", "64", "--property", "hw:mem_page_size=any",
        )
        self.assertEqual((256, 2, 2), (made["ram"], made["disk"], made["vcpus"]))
        named(self.member.ask("flavor", "list"), "f1")
        do("flavor", "set", "f1", "--property", "a:b=c", "--description", "for tests")
        shown = ask("flavor", "show", "f1")
        self.assertEqual({"a:b": "c", "hw:mem_page_size": "any"}, shown["properties"])
        self.assertEqual("for tests", shown["description"])
        do("flavor", "unset", "f1", "--property", "a:b")
        self.assertNotIn("a:b", ask("flavor", "show", "f1")["properties"])
        self.assertNotEqual(0, self.member.run("flavor", "delete", "f1").status)
        do("flavor", "delete", "f1")
        ask("flavor", "create", "f2", "--ram", "64", "--disk", "1", "--vcpus", "1", "--private")
        self.assertNotEqual(0, self.member.run("flavor", "show", "f2").status)
        do("flavor", "set", "f2", "--project", "demo")
        self.assertEqual("f2", self.member.ask("flavor", "show", "f2")["name"])
        do("flavor", "unset", "f2", "--project", "demo")
        named(ask("flavor", "list", "--all"), "f2")
        do("flavor", "delete", "f2")
        self.assertEqual([], ask("flavor", "list", "--all"))

    def test_images(self) -> None:
        do, ask = self.member.do, self.member.ask
        content = bytes(range(256)) * 4096
        made = ask(
            "image", "create", "i1", "--disk-format", "raw", "--container-format", "bare",
            "--file", self.file(content), "--property", "os_distro=debian", "--min-disk", "1",
        )
        self.assertEqual("active", ask("image", "show", "i1")["status"])
        saved = Path(self.scratch.name) / "saved"
        do("image", "save", "i1", "--file", str(saved))
        self.assertEqual(content, saved.read_bytes())
        do("image", "set", "i1", "--name", "i2", "--property", "a=b", "--tag", "t")
        shown = ask("image", "show", "i2")
        self.assertEqual((made["id"], len(content)), (shown["id"], shown["size"]))
        self.assertEqual(["t"], shown["tags"])
        self.assertEqual("debian", shown["properties"]["os_distro"])
        self.assertEqual("b", shown["properties"]["a"])
        self.assertEqual("active", named(ask("image", "list"), "i2")["Status"])
        named(ask("image", "list", "--name", "i2", "--long"), "i2")
        do("image", "set", "i2", "--protected")
        self.assertNotEqual(0, self.member.run("image", "delete", "i2").status)
        do("image", "set", "i2", "--unprotected")
        do("image", "delete", "i2")
        self.assertEqual([], ask("image", "list", "--name", "i2"))

    def test_keypairs(self) -> None:
        do, ask = self.member.do, self.member.ask
        private = do("keypair", "create", "k1")
        self.assertIn("PRIVATE KEY", private)
        public = do("keypair", "show", "k1", "--public-key")
        self.assertTrue(public.startswith("ssh-"), public)
        ask("keypair", "create", "k2", "--public-key", self.file(public.encode()))
        rows = ask("keypair", "list")
        self.assertEqual(
            named(rows, "k1")["Fingerprint"], named(rows, "k2")["Fingerprint"]
        )
        self.assertEqual("k2", ask("keypair", "show", "k2")["name"])
        do("keypair", "delete", "k1", "k2")
        self.assertEqual([], ask("keypair", "list"))

    # -- limits --------------------------------------------------------------------------------

    def test_quotas_and_limits(self) -> None:
        before = {
            row["Resource"]: row["Limit"] for row in self.member.ask("quota", "show", "--compute")
        }
        self.assertGreater(before["instances"], 0)
        self.admin.do("quota", "set", "--instances", "3", "--cores", "5", "demo")
        self.addCleanup(
            self.admin.do, "quota", "set", "demo", "--instances", str(before["instances"]),
            "--cores", str(before["cores"]),
        )
        rows = self.admin.ask("quota", "show", "--compute", "demo")
        after = {row["Resource"]: row["Limit"] for row in rows}
        self.assertEqual((3, 5, before["ram"]), (after["instances"], after["cores"], after["ram"]))
        limits = {
            row["Name"]: row["Value"]
            for row in self.member.ask("limits", "show", "--absolute")
        }
        self.assertEqual((3, 5), (limits["instances"], limits["total_cores"]))
        self.assertEqual(0, limits["instances_used"])

    # -- identity ------------------------------------------------------------------------------

    def test_projects_users_and_roles(self) -> None:
        do, ask = self.admin.do, self.admin.ask
        ask("project", "create", "p1", "--description", "first")
        do("project", "set", "p1", "--description", "second")
        self.assertEqual("second", ask("project", "show", "p1")["description"])
        named(ask("project", "list"), "p1")
        ask("user", "create", "u1", "--password", "secret-1", "--project", "p1")
        do("user", "set", "u1", "--email", "u1@example.org")
        self.assertEqual("u1@example.org", ask("user", "show", "u1")["email"])
        named(ask("user", "list"), "u1")
        do("role", "add", "member", "--user", "u1", "--project", "p1")
        assigned = ask("role", "assignment", "list", "--user", "u1", "--names")
        self.assertEqual(
            [("member", "u1@Default", "p1@Default")],
            [(row["Role"], row["User"], row["Project"]) for row in assigned],
        )
        named(ask("role", "list"), "reader")

        with self.subTest("the new user, in a process of its own"):
            own = {
                "OS_AUTH_URL": f"http://127.0.0.1:{self.cloud.port}/identity",
                "OS_IDENTITY_API_VERSION": "3",
                "OS_USERNAME": "u1",
                "OS_PASSWORD": "secret-1",
                "OS_PROJECT_NAME": "p1",
                "OS_USER_DOMAIN_NAME": "Default",
                "OS_PROJECT_DOMAIN_NAME": "Default",
            }
            done = self.process("token", "issue", "-f", "json", **own)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual(ask("user", "show", "u1")["id"], json.loads(done.stdout)["user_id"])

        do("role", "remove", "member", "--user", "u1", "--project", "p1")
        self.assertEqual([], ask("role", "assignment", "list", "--user", "u1"))
        do("user", "delete", "u1")
        do("project", "delete", "p1")
        self.assertNotEqual(0, self.admin.run("project", "show", "p1").status)
        self.assertIn("403", self.member.run("user", "list").err)

    def test_tokens_and_the_catalog(self) -> None:
        token = self.member.ask("token", "issue")["id"]
        with_token = {
            "OS_AUTH_TYPE": "v3token",
            "OS_AUTH_URL": f"http://127.0.0.1:{self.cloud.port}/identity/v3",
            "OS_TOKEN": token,
            "OS_PROJECT_NAME": "demo",
            "OS_PROJECT_DOMAIN_NAME": "Default",
        }
        done = self.process("catalog", "list", "-f", "json", **with_token)
        self.assertEqual(0, done.returncode, done.stderr)
        types = {row["Type"] for row in json.loads(done.stdout)}
        self.assertLessEqual({"identity", "compute", "image"}, types)
        self.assertNotIn("network", types)
        shown = self.member.ask("catalog", "show", "compute")
        self.assertIn(
            f"http://127.0.0.1:{self.cloud.port}/compute/v2.1",
            {endpoint["url"] for endpoint in shown["endpoints"]},
        )
        self.member.do("token", "revoke", token)
        done = self.process("catalog", "list", "-f", "json", **with_token)
        self.assertNotEqual(0, done.returncode)
        named(self.admin.ask("service", "list"), "compute", "Type")
        named(self.admin.ask("region", "list"), "RegionOne", "Region")
        self.assertTrue(self.admin.ask("endpoint", "list", "--service", "image"))

    def test_application_credentials(self) -> None:
        made = self.member.ask(
            "application", "credential", "create", "robot", "--role", "reader"
        )
        named(self.member.ask("application", "credential", "list"), "robot")
        self.assertEqual(
            made["ID"], self.member.ask("application", "credential", "show", "robot")["ID"]
        )
        robot = OpenStackShell({
            "OS_AUTH_TYPE": "v3applicationcredential",
            "OS_AUTH_URL": f"http://127.0.0.1:{self.cloud.port}/identity/v3",
            "OS_APPLICATION_CREDENTIAL_ID": made["ID"],
            "OS_APPLICATION_CREDENTIAL_SECRET": made["Secret"],
        })
        self.useFixture(robot)
        self.assertEqual([], robot.ask("keypair", "list"))
        self.assertIn("403", robot.run("image", "create", "by-a-reader").err)
        self.member.do("application", "credential", "delete", "robot")
        self.assertNotEqual(0, robot.run("keypair", "list").status)


if __name__ == "__main__":
    unittest.main()
