"""A driver that is killed in the middle of a verb: the next one finishes it."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import testtools

from mycloud.common import clock
from mycloud.compute.drivers.base import PowerState
from mycloud.compute.drivers.loader import load
from mycloud.compute.hypervisor.supervisor import PrivateLibvirtd
from tests.contract.compute_driver import wait_until
from tests.fixtures import driver_child, ordinary, tiny_guest

UP = ("ensure_image", "create_disk", "spawn")
DOWN = ("destroy", "delete_disk")


class KilledDriverTest(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        reason = ordinary.why_not() or tiny_guest.why_not()
        if reason is not None:
            raise unittest.SkipTest(reason)
        cls.root = Path(tempfile.mkdtemp(prefix="mc-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.libvirtd = PrivateLibvirtd(cls.root)
        cls.addClassCleanup(cls.libvirtd.stop, kill_guests=True)
        cls.image_bytes = str(tiny_guest.directory() / "guest.qcow2")

    def setUp(self):
        super().setUp()
        self.driver = load("libvirt", driver_child.settings(self.root))
        self.addCleanup(self.driver.close)
        self.driver.init_host("host", lambda event: None)
        self.me = clock.new_id()
        self.addCleanup(self.run_verbs, DOWN)

    def run_verbs(self, verbs):
        for verb in verbs:
            driver_child.call(self.driver, verb, self.me, self.image_bytes)

    def kill_child_when(self, verbs, seen, what):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.fixtures.driver_child"],
            stdin=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )
        try:
            with child.stdin as pipe:
                json.dump(
                    {
                        "state_dir": str(self.root), "image_bytes": self.image_bytes,
                        "server_id": self.me, "verbs": verbs,
                    },
                    pipe,
                )
            wait_until(seen, 60, what)
        finally:
            child.kill()
            child.wait()

    def finish(self):
        self.run_verbs(UP)
        self.assertTrue(self.driver.spawned(self.me))
        self.assertEqual(1, len(self.libvirtd.guest_pids()))
        self.run_verbs(DOWN)
        self.assertIsNone(self.driver.guest(self.me))
        self.assertEqual([], self.libvirtd.guest_pids())
        self.assertEqual([], self.driver.leftovers())
        self.assertEqual([], [*(self.root / "_base").glob("*.*")])

    def test_while_the_image_comes(self):
        base = self.root / "_base"
        shutil.rmtree(base, ignore_errors=True)
        self.kill_child_when(UP, lambda: [*base.glob("*.fetched")], "the image is half here")
        self.finish()

    def test_while_the_disk_is_made(self):
        directory = self.root / "instances" / self.me
        self.kill_child_when(UP, directory.exists, "the guest has a directory")
        self.finish()

    def test_while_the_guest_starts(self):
        self.kill_child_when(
            UP, lambda: self.driver.guest(self.me) is not None, "the guest is defined"
        )
        self.finish()

    def test_while_the_guest_is_destroyed(self):
        self.run_verbs(UP)
        self.kill_child_when(
            DOWN, lambda: not self.driver.spawned(self.me), "the guest does not run"
        )
        self.run_verbs(DOWN)
        self.finish()

    def test_restarted_after_the_kill_it_runs_once(self):
        self.kill_child_when(
            UP, lambda: self.driver.guest(self.me) is not None, "the guest is defined"
        )
        self.run_verbs(["spawn"])
        self.assertEqual(PowerState.RUNNING, self.driver.guest(self.me).power_state)
        self.assertEqual(1, len(self.libvirtd.guest_pids()))
