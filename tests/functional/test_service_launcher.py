"""Launchers with real processes: workers, respawn, signals, the parent's death, sd_notify."""

import os
import signal
import socket
import tempfile
import time
import unittest
from pathlib import Path

import fixtures
import requests
import testtools

from mycloud.common import concurrency, launcher
from mycloud.disk import processes
from tests.fixtures.program import Program, wait_for


class Idle(launcher.Launchable):
    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


class LaunchArgumentsTest(testtools.TestCase):
    def test_what_is_no_service_is_refused(self) -> None:
        self.assertRaises(TypeError, launcher.launch, object())
        self.assertRaises(TypeError, launcher.launch, object(), workers=2)

    def test_fewer_than_one_worker_is_refused(self) -> None:
        self.assertRaises(ValueError, launcher.launch, Idle(), workers=0)
        self.assertRaises(ValueError, launcher.launch, Idle(), workers=-1)

    def test_an_unknown_restart_method_is_refused(self) -> None:
        self.assertRaises(ValueError, launcher.launch, Idle(), restart_method="again")

    def test_one_process_has_one_worker(self) -> None:
        alone = launcher.ServiceLauncher()
        self.assertRaises(ValueError, alone.launch_service, Idle(), workers=2)

    def test_a_process_launcher_runs_one_service(self) -> None:
        many = launcher.ProcessLauncher()
        self.assertRaises(TypeError, many.launch_service, object(), workers=2)


class LauncherTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.options = folder / "mycloud.conf"
        self.options.write_text("[DEFAULT]\ndebug = false\n")

    def serve(self, *args: str, **env: str) -> tuple[Program, str]:
        program = self.useFixture(
            Program(
                "tests.fixtures.served", "--config-file", str(self.options), *args, env=env
            )
        )
        url = program.line(containing="http://").split()[-1]
        return program, url

    def ask(self, url: str, path: str = "/") -> dict:
        return requests.get(url + path, headers={"Connection": "close"}, timeout=10).json()

    def pids(self, url: str, want: int) -> set[int]:
        """The pids of the workers, once so many answer."""
        found: set[int] = set()

        def enough() -> bool:
            try:
                found.add(self.ask(url)["pid"])
            except requests.ConnectionError:
                return False
            return len(found) >= want

        wait_for(enough, f"{want} workers answer")
        return found

    def test_three_workers_are_three_children(self) -> None:
        program, url = self.serve("--workers", "3")
        wait_for(lambda: len(program.children()) == 3, "three children")
        self.assertEqual(3, len(program.children()))
        self.assertTrue(self.pids(url, 1) <= set(program.children()))

    def test_one_worker_is_the_program_itself(self) -> None:
        program, url = self.serve()
        self.assertEqual({program.pid}, self.pids(url, 1))
        self.assertEqual([], program.children())

    def test_children_draw_different_random_numbers(self) -> None:
        _, url = self.serve("--workers", "2")
        numbers: dict[int, float] = {}

        def both() -> bool:
            answer = self.ask(url)
            numbers.setdefault(answer["pid"], answer["number"])
            return len(numbers) == 2

        wait_for(both, "both workers answer")
        self.assertEqual(2, len(set(numbers.values())))

    def test_a_killed_child_is_replaced_and_the_port_stays(self) -> None:
        program, url = self.serve("--workers", "2")
        wait_for(lambda: len(program.children()) == 2, "two children")
        before = set(program.children())
        victim = min(before)
        os.kill(victim, signal.SIGKILL)

        def replaced() -> bool:
            now = set(program.children())
            return len(now) == 2 and victim not in now

        wait_for(replaced, "a new child")
        self.pids(url, 1)
        program.send(signal.SIGTERM)
        self.assertEqual(0, program.ended())
        self.assertFalse(any(processes.alive(pid) for pid in before))

    def test_sigterm_ends_all(self) -> None:
        program, url = self.serve("--workers", "2")
        pids = self.pids(url, 1)
        program.send(signal.SIGTERM)
        self.assertEqual(0, program.ended())
        self.assertFalse(any(processes.alive(pid) for pid in pids))
        self.assertRaises(requests.ConnectionError, self.ask, url)

    def test_sigterm_drains(self) -> None:
        for workers in ("1", "2"):
            program, url = self.serve("--workers", workers)
            self.pids(url, 1)
            slow = concurrency.spawn(self.ask, url, "/slow")
            concurrency.sleep(0.2)
            program.send(signal.SIGTERM)
            self.assertIn("pid", slow.wait(10))
            self.assertEqual(0, program.ended())

    def test_children_end_soon_after_the_parent_was_killed(self) -> None:
        program, url = self.serve("--workers", "2")
        wait_for(lambda: len(program.children()) == 2, "two children")
        self.pids(url, 2)
        children = program.children()
        program.send(signal.SIGKILL)
        program.ended()
        wait_for(
            lambda: not any(processes.alive(pid) for pid in children),
            "children end within a second",
            timeout=1,
        )

    def test_a_child_that_can_not_start_is_not_forked_too_often(self) -> None:
        program, _ = self.serve("--workers", "2", "--fail")
        seen: set[int] = set()
        until = time.monotonic() + 5
        while time.monotonic() < until:
            seen |= set(program.children())
            concurrency.sleep(0.01)
        # two at once, then two in each second
        self.assertLessEqual(len(seen), 12)
        self.assertGreaterEqual(len(seen), 4)
        self.assertTrue(any("Forking too fast" in line for line in program.said))

    def test_a_service_that_can_not_start_ends_the_program(self) -> None:
        program, _ = self.serve("--fail")
        self.assertEqual(1, program.ended())
        wait_for(lambda: any("no disk" in line for line in program.said), "the reason is told")
        self.assertTrue(any("Served can't start" in line for line in program.said))

    def test_sighup_mutates_without_dropping_a_request(self) -> None:
        for workers in ("1", "2"):
            self.options.write_text("[DEFAULT]\ndebug = false\n")
            program, url = self.serve("--workers", workers)
            before = self.pids(url, int(workers))
            self.assertFalse(self.ask(url)["debug"])
            slow = concurrency.spawn(self.ask, url, "/slow")
            concurrency.sleep(0.1)
            self.options.write_text("[DEFAULT]\ndebug = true\n")
            program.send(signal.SIGHUP)
            self.assertIn("pid", slow.wait(10))
            wait_for(lambda: self.ask(url)["debug"], "debug is on")  # noqa: B023
            self.assertLessEqual(self.pids(url, int(workers)), before)
            program.line(containing="reset")

    def test_sighup_reloads_when_told(self) -> None:
        program, url = self.serve("--workers", "2", "--restart", "reload")
        before = self.pids(url, 2)
        program.send(signal.SIGHUP)
        wait_for(
            lambda: len(program.children()) == 2 and not before & set(program.children()),
            "new children",
        )
        self.pids(url, 1)
        self.assertIsNone(program.process.poll())

    def test_systemd_is_told_once(self) -> None:
        folder = tempfile.mkdtemp()
        self.addCleanup(os.rmdir, folder)
        for workers in ("1", "3"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
                path = f"{folder}/notify"
                bell.bind(path)
                self.addCleanup(os.unlink, path) if workers == "3" else None
                bell.settimeout(10)
                program, url = self.serve("--workers", workers, NOTIFY_SOCKET=path)
                self.assertEqual(b"READY=1", bell.recv(100))
                self.ask(url)
                bell.settimeout(0.3)
                self.assertRaises(TimeoutError, bell.recv, 100)
                program.send(signal.SIGTERM)
                program.ended()
            if workers == "1":
                os.unlink(path)


if __name__ == "__main__":
    unittest.main()
