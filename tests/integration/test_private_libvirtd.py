"""Private libvirtds: several side by side, found again, and gone when they are told to."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

import libvirt
import testtools

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.hypervisor import proof
from mycloud.compute.hypervisor.supervisor import PrivateLibvirtd
from mycloud.disk import processes
from tests.fixtures import ordinary, tiny_guest


class PrivateLibvirtdTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        reason = ordinary.why_not() or tiny_guest.why_not()
        if reason is not None:
            raise unittest.SkipTest(reason)
        # short, as a session daemon's sockets need it
        self.root = Path(tempfile.mkdtemp(prefix="mc-"))
        self.addCleanup(shutil.rmtree, self.root)

    def private(self, *where, name=""):
        made = PrivateLibvirtd(self.root.joinpath(*where), name)
        self.addCleanup(made.stop, kill_guests=True)
        return made

    def look(self, private):
        def ask():
            conn = libvirt.open(private.uri())
            try:
                return conn.getURI(), conn.listAllDomains()
            finally:
                conn.close()

        return concurrency.run_native(ask)

    def test_two_side_by_side(self):
        one, two = self.private("a", name="h1"), self.private("a", name="h2")
        one.start()
        two.start()
        self.assertNotEqual(one.uri(), two.uri())
        self.assertNotEqual(one.status().libvirtd, two.status().libvirtd)
        names = sorted(path.name for path in (self.root / "a" / "run").glob("*.pid"))
        self.assertEqual(
            ["libvirtd-h1.pid", "libvirtd-h2.pid", "virtlogd-h1.pid", "virtlogd-h2.pid"], names
        )
        one.stop()
        self.assertRaises(exceptions.HypervisorUnavailable, one.uri)
        self.assertEqual([], self.look(two)[1])

    def test_found_again_and_started_once(self):
        first = self.private("a")
        uri, status = first.start(), first.status()
        again = self.private("a")
        self.assertEqual(status, again.status())
        self.assertEqual(uri, again.start())
        self.assertEqual(status, again.status())
        again.stop()
        self.assertFalse(first.crashed())
        self.assertIsNone(first.status().virtlogd)
        self.assertFalse(processes.alive(status.libvirtd))

    def test_many_that_start_it_start_one(self):
        tasks = [concurrency.spawn(self.private("a").start) for _ in range(4)]
        self.assertEqual(1, len({task.wait(60) for task in tasks}))

    def test_path_that_is_too_long_for_a_socket(self):
        private = self.private("x" * 60, "y" * 60)
        private.start()
        self.assertEqual([], self.look(private)[1])
        private.stop()
        self.assertEqual([], [*Path("/tmp").glob(f"mycloud-{os.geteuid()}/*")])

    def test_the_host_sees_none_of_its_mounts(self):
        self.private("a").start()
        self.assertNotIn(str(self.root), Path("/proc/self/mountinfo").read_text())

    def test_what_an_operator_has_written_stays(self):
        private = self.private("a")
        private.start()
        private.stop()
        paths = [*(self.root / "a").rglob("qemu.conf")]
        self.assertEqual(1, len(paths))
        paths[0].write_text(paths[0].read_text() + "# mine\n")
        private.start()
        self.assertIn("# mine", paths[0].read_text())

    def test_kvm_is_decided_in_time_and_nothing_stays(self):
        started = clock.monotonic()
        found = proof.virt_type(self.root, tiny_guest.directory())
        self.assertLess(clock.monotonic() - started, proof.DEADLINE_SECONDS + 10)
        self.assertIn(found.virt_type, (proof.KVM, proof.TCG))
        self.assertEqual(found, proof.virt_type(self.root, Path("/nowhere")))
        mine = str(tiny_guest.directory() / "vmlinuz")
        running = [
            pid for pid in map(int, filter(str.isdigit, (p.name for p in Path("/proc").iterdir())))
            if mine in processes.command_line(pid) and processes.alive(pid)
        ]
        self.assertEqual([], running)
