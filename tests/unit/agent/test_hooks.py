"""The operator's hooks: what is run, what it is told, and what becomes of its end."""

import json
import os
from pathlib import Path
from typing import Any

import fixtures
import testtools

from mycloud.agent.hooks import AFTER, BEFORE, Hooks
from mycloud.agent.host import Host
from mycloud.agent.registry import verb
from mycloud.common import clock, exceptions
from mycloud.disk import processes
from tests.fixtures.agent_port import AgentPort
from tests.fixtures.program import wait_for


class HooksTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.hooks_dir = self.folder / "hooks"
        self.hooks_dir.mkdir()
        self.hooks = Hooks(self.hooks_dir, "here", timeout=10)

    def hook(self, event: str, name: str, script: str, mode: int = 0o755) -> Path:
        place = self.hooks_dir / event
        place.mkdir(exist_ok=True)
        path = place / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(mode)
        return path

    def refused(self, about: dict[str, Any] | None = None) -> exceptions.HookRefused:
        return self.assertRaises(
            exceptions.HookRefused, self.hooks.before, "server_create", about or {}
        )

    def test_nothing_there(self) -> None:
        self.assertFalse(self.hooks.any(BEFORE, "server_create"))
        self.hooks.before("server_create", {})
        self.hooks.after("server_create", {})
        Hooks(self.folder / "nowhere", "here", timeout=1).before("server_create", {})

    def test_what_it_is_told(self) -> None:
        seen = self.folder / "seen"
        script = f"cat >{seen}; env >{seen}.env; pwd >>{seen}.env"
        self.hook("before_server_create", "10-look", script)
        self.hooks.before(
            "server_create",
            {"resource": {"id": "x"}, "payload": {"name": "n", "admin_pass": "hush"}},
        )
        told = json.loads(seen.read_text())
        self.assertEqual(
            {"event": "before_server_create", "host": "here", "resource": {"id": "x"},
             "payload": {"name": "n", "admin_pass": "***"}},
            told,
        )
        environment = (self.folder / "seen.env").read_text().splitlines()
        self.assertIn("MYCLOUD_EVENT=before_server_create", environment)
        self.assertIn("MYCLOUD_HOST=here", environment)
        self.assertEqual("/", environment[-1])
        self.assertNotIn("HOME", {line.partition("=")[0] for line in environment})

    def test_in_the_order_of_names_until_one_refuses(self) -> None:
        seen = self.folder / "seen"
        for name in ("20-two", "10-one", "30-three"):
            self.hook("before_server_create", name, f"echo {name} >>{seen}")
        self.hooks.before("server_create", {})
        self.assertEqual(["10-one", "20-two", "30-three"], seen.read_text().split())
        seen.unlink()
        self.hook(
            "before_server_create", "20-two",
            "echo 'Not on a Monday,\tplease.'; echo why >&2; exit 3",
        )
        error = self.refused()
        self.assertEqual(
            "The hook before_server_create/20-two of the host refuses it: Not on a Monday, "
            "please.",
            error.message,
        )
        self.assertEqual(409, error.status)
        self.assertEqual(["10-one"], seen.read_text().split())

    def test_ends(self) -> None:
        for script, words in (
            ("exit 3", "it ended with status 3"),
            ("kill -9 $$", "it was ended by signal 9"),
            ("printf '\\033[31mred\\n'; exit 1", "[31mred"),
            ("head -c 5000 /dev/zero | tr '\\0' x; exit 1", "x" * 497 + "..."),
        ):
            self.hook("before_server_create", "one", script)
            error = self.refused()
            self.assertTrue(error.message.endswith(words), error.message)
            self.assertNotIn("\033", error.message)
        path = self.hook("before_server_create", "one", "")
        path.write_text("#!/no/such/program\n")
        self.assertIn("can't be started", self.refused().message)

    def test_input_that_is_not_read_is_no_failure(self) -> None:
        self.hook("before_server_create", "one", "exit 0")
        self.hooks.before("server_create", {"payload": "x" * 1_000_000})

    def test_a_hook_that_hangs_is_killed_with_its_children(self) -> None:
        pids = self.folder / "pids"
        self.hook(
            "before_server_create", "one", f"sleep 1000 & echo $! >>{pids}; echo $$ >>{pids}; wait"
        )
        self.hooks = Hooks(self.hooks_dir, "here", timeout=0.3)
        self.assertIn("did not end within 0.3 s", self.refused().message)
        for pid in map(int, pids.read_text().split()):
            wait_for(lambda pid=pid: not processes.alive(pid), "it is gone")

    def test_what_goes_on_in_the_background_holds_up_nobody(self) -> None:
        self.hook("before_server_create", "one", "setsid sleep 2 & exit 0")
        begun = clock.monotonic()
        self.hooks.before("server_create", {})
        self.assertLess(clock.monotonic() - begun, 1.5)

    def test_too_much_output(self) -> None:
        self.hook("before_server_create", "one", "yes")
        self.assertIn("y y y", self.refused().message)

    def test_after_hooks_stop_nothing(self) -> None:
        seen = self.folder / "seen"
        self.hook("after_server_create", "10-bad", "exit 1")
        self.hook("after_server_create", "20-good", f"echo good >>{seen}")
        self.assertTrue(self.hooks.any(AFTER, "server_create"))
        self.hooks.after("server_create", {})
        self.assertEqual("good\n", seen.read_text())

    def test_what_is_no_hook(self) -> None:
        for name in ("one~", ".one", "one.bak", "#one#", "one.swp"):
            self.hook("before_server_create", name, "exit 1")
        self.hook("before_server_create", "README", "exit 1", mode=0o644)
        (self.hooks_dir / "before_server_create" / "folder").mkdir()
        (self.hooks_dir / "before_server_create" / "gone").symlink_to("/no/where")
        self.assertFalse(self.hooks.any(BEFORE, "server_create"))
        self.hooks.before("server_create", {})

    def test_what_others_may_write_is_not_run(self) -> None:
        seen = self.folder / "seen"
        path = self.hook("before_server_create", "one", f"echo ran >>{seen}")
        for place in (path, path.parent, self.hooks_dir):
            for mode in (0o775, 0o757):
                place.chmod(mode)
                self.assertIn("may be written by others", self.refused().message)
                place.chmod(0o755)
        if os.geteuid() == 0:
            for place in (path, path.parent, self.hooks_dir):
                os.chown(place, 12345, -1)
                self.assertIn("not owned by root", self.refused().message)
                os.chown(place, 0, -1)
        # what a link leads to counts
        elsewhere = self.folder / "elsewhere"
        elsewhere.write_text(f"#!/bin/sh\necho ran >>{seen}\n")
        elsewhere.chmod(0o777)
        path.unlink()
        path.symlink_to(elsewhere)
        self.assertIn("may be written by others", self.refused().message)
        self.assertFalse(seen.exists())
        elsewhere.chmod(0o755)
        self.hooks.before("server_create", {})
        self.assertEqual("ran\n", seen.read_text())


class VerbHooksTest(testtools.TestCase):
    def test_around_verbs_that_change_the_host(self) -> None:
        done: list[str] = []

        @verb("network.apply", changes=True)
        def apply(host: Host, *, spec: dict[str, Any]) -> dict[str, Any]:
            done.append("applied")
            return {"changed": 2}

        @verb("network.status")
        def status(host: Host) -> str:
            return "well"

        port = self.useFixture(AgentPort(apply, status))
        hooks = port.folder / "hooks"
        seen = port.folder / "seen"
        for event, script in (
            ("before_network_apply", "grep -q br0 || { echo br0 is a must; exit 1; }"),
            ("after_network_apply", f"cat >{seen}"),
            ("before_network_status", "exit 1"),
        ):
            (hooks / event).mkdir(parents=True)
            path = hooks / event / "one"
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)

        def call(name: str, **params: Any) -> Any:
            return port.agent.call(name, params, timeout=10)

        error = self.assertRaises(
            exceptions.HookRefused, call, "network.apply", spec={"name": "br1"}
        )
        self.assertIn("br0 is a must", error.message)
        self.assertEqual([], done)
        self.assertFalse(seen.exists())
        self.assertEqual({"changed": 2}, call("network.apply", spec={"name": "br0"}))
        told = json.loads(seen.read_text())
        self.assertEqual({"changed": 2}, told["result"])
        self.assertEqual({"spec": {"name": "br0"}}, told["params"])
        self.assertEqual("well", call("network.status"))
