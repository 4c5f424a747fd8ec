"""A pid file is believed only if its process lives and is the right program."""

import os
import subprocess
import sys
from pathlib import Path

import fixtures
import testtools

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.hypervisor.supervisor import PrivateLibvirtd
from mycloud.disk import processes


class ProcessesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.pid_file = self.root / "pid"

    def sleeper(self):
        child = subprocess.Popen(["sleep", "60"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.pid_file.write_text(str(child.pid))
        return child

    def test_running(self):
        child = self.sleeper()
        self.assertEqual(child.pid, processes.running(self.pid_file, "sleep"))
        self.assertIsNone(processes.running(self.pid_file, "libvirtd"))

    def test_alive_until_the_last_thread_has_ended(self):
        code = (
            "import ctypes, threading, time\n"
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
            "ctypes.CDLL(None).syscall(60, 0)"
        )
        child = subprocess.Popen([sys.executable, "-c", code])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.pid_file.write_text(str(child.pid))
        deadline = clock.monotonic() + 10
        while processes.command_line(child.pid):
            self.assertLess(clock.monotonic(), deadline)
            concurrency.sleep(0.01)
        self.assertTrue(processes.alive(child.pid))
        self.assertIsNone(processes.running(self.pid_file, "python"))
        processes.wait_dying(self.pid_file, 0.1)
        child.kill()
        processes.wait_dying(self.pid_file, 10)
        self.assertFalse(processes.alive(child.pid))

    def test_a_kernel_thread_is_not_waited_for(self):
        # that of pid 2 begets all others; in a container of processes there may be none
        if processes.command_line(2) or not processes.alive(2):
            self.skipTest("no kernel threads are to be seen here")
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.concurrency.sleep", self.fail))
        self.assertEqual([], processes.command_line(2))

    def test_zombie_is_not_alive(self):
        child = self.sleeper()
        child.kill()
        self.assertTrue(processes.wait_gone(child.pid, 5))
        # not waited for yet, so it still has its pid
        os.kill(child.pid, 0)
        self.assertIsNone(processes.running(self.pid_file, "sleep"))

    def test_end(self):
        child = self.sleeper()
        processes.end(child.pid, 5)
        self.assertFalse(processes.alive(child.pid))

    def test_pid_files_that_say_nothing(self):
        self.assertIsNone(processes.running(self.pid_file, "sleep"))
        self.pid_file.write_text("")
        self.assertIsNone(processes.running(self.pid_file, "sleep"))
        self.pid_file.write_text("99999999")
        self.assertIsNone(processes.running(self.pid_file, "sleep"))

    def test_libvirtd_that_never_ran(self):
        private = PrivateLibvirtd(self.root)
        self.assertIsNone(private.status().libvirtd)
        self.assertFalse(private.crashed())
        self.assertRaises(exceptions.HypervisorUnavailable, private.uri)
        private.stop()
