"""Volumes on a share of a real NFS server, which the root helper mounts for an ordinary user."""

import os
import time
import unittest
from pathlib import Path

from mycloud.common import exceptions
from mycloud.disk import sparse
from mycloud.privileged import client, errors, mounts
from mycloud.volume.drivers.base import GIB, BackendSettings
from mycloud.volume.drivers.nfs import NfsDriver
from tests.contract.volume_driver import VolumeDriverContract, peek
from tests.fixtures import volume_child
from tests.guest.root import STATE, run

EXPORTS = Path("/run/export")
#: of the guest: for most tests, and one that is soon full
DISKS = {"big": "/dev/vdb", "small": "/dev/vdc"}
OPTIONS = ["vers=4.2", "hard"]


def serve():
    """Start the kernel's NFS server, with a share on each disk."""
    run("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd")
    run("mkdir", "-p", "/var/lib/nfs/v4recovery")
    run("touch", "/etc/exports", "/var/lib/nfs/etab", "/var/lib/nfs/rmtab")
    for number, (name, disk) in enumerate(DISKS.items(), 1):
        place = EXPORTS / name
        run("mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", disk)
        run("mkdir", "-p", place)
        run("mount", disk, place)
        run("chown", "mycloud:mycloud", place)
        run("exportfs", "-o", f"rw,no_subtree_check,fsid={number}", f"127.0.0.1:{place}")
    run("rpc.mountd", "--no-nfs-version", "3")
    run("rpc.nfsd", "--no-nfs-version", "3", "--grace-time", "10", "--lease-time", "10", "2")
    # no client was there before: none needs the time to claim its locks
    run("sh", "-c", "echo Y >/proc/fs/nfsd/v4_end_grace")


class NfsTest(VolumeDriverContract, unittest.TestCase):
    parallel = 3

    @classmethod
    def setUpClass(cls):
        serve()
        cls.driver = cls.on_share("big")
        cls.driver.do_setup()
        cls.driver.check_for_setup_error()

    @staticmethod
    def on_share(name, **options):
        told = {
            "nfs_share": f"127.0.0.1:{EXPORTS / name}", "nfs_mount": True,
            "nfs_mount_options": OPTIONS, **options,
        }
        return NfsDriver(BackendSettings(f"nfs-{name}", "shares", STATE / f"of-{name}", told))

    def setUp(self):
        super().setUp()
        self.point = STATE / "of-big" / "share"

    def small_driver(self):
        driver = self.on_share("small")
        driver.do_setup()
        return driver

    def free(self, size):
        # the server has a file that was used open for some seconds more
        deadline = time.monotonic() + 30
        while abs(size - self.driver.pools()[0].free_gb) >= 0.005:
            self.assertLess(time.monotonic(), deadline, self.driver.pools())
            time.sleep(0.2)

    def half_make(self, volume):
        volume_child.killed_while_cloning(
            "mycloud.volume.drivers.nfs:NfsDriver", self.driver.settings, volume
        )

    def foreign(self, data):
        name = f"theirs{len(os.listdir(self.point))}"
        sparse.copy(self.image("raw", data, GIB + 4096).path, self.point / name)
        return {"source-name": name}

    # -- beyond the contract --------------------------------------------------

    def test_how_it_is_mounted(self):
        found = mounts.at(str(self.point))
        self.assertEqual(("nfs4", f"127.0.0.1:{EXPORTS / 'big'}"), (found.kind, found.source))
        self.assertLessEqual({"nosuid", "nodev", "rw", "vers=4.2", "hard"}, found.options)
        staged = [
            line for line in Path("/proc/self/mountinfo").read_text().splitlines()
            if "/privileged/mounts/" in line
        ]
        self.assertEqual([], staged)

    def test_it_is_mounted_again(self):
        name = self.made(1, b"data")
        # what was written may be on its way still
        deadline = time.monotonic() + 30
        while mounts.at(str(self.point)) is not None:
            try:
                client.call.mount_remove(str(self.point))
            except errors.Refused as error:
                self.assertIn("in use", error.message)
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.5)
        self.assertEqual([], os.listdir(self.point))
        self.assertIn(name, self.driver.names())
        self.assertEqual(b"data", peek(self.driver.source(name), 0, 4))

    def test_locks_are_known_to_the_server(self):
        [pool] = self.driver.pools()
        self.assertTrue(pool.capabilities["file_locking"], pool.capabilities)

    def test_who_has_a_volume_open(self):
        path = self.driver.source(self.made(1, b"data")).path
        with open(path, "rb") as file:
            [told] = client.call.open_files(str(path))
            self.assertEqual([f"fd {file.fileno()}"], told["uses"])
        self.assertEqual((os.getpid(), os.getuid()), (told["pid"], told["uid"]))

    def test_what_can_t_be_mounted(self):
        for options, words in (
            ({"nfs_share": f"127.0.0.1:{EXPORTS}/none"}, "No such file"),
            ({"nfs_mount_options": ["vers=4.2", "port=9"]}, "refused"),
            ({"nfs_mount_options": ["suid"]}, "an option of NFS mounts"),
            ({"nfs_mount_point": "/tmp/elsewhere"}, "does not lie below"),
        ):
            driver = self.on_share("away", **options)
            with self.assertRaises(exceptions.BackendFailed) as caught:
                driver.do_setup()
            self.assertIn("could not mount it", str(caught.exception))
            self.assertIn(words, str(caught.exception))
        self.assertIsNone(mounts.at(str(STATE / "of-away" / "share")))
