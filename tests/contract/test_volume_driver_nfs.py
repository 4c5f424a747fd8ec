"""Volumes on a share. A file system in memory that is mounted under the share's name stands in for
it, as this kernel knows no NFS: the look at what is mounted is the real one, and only the kinds of
file systems that it takes for a share are one more."""

import dataclasses
import os
import shutil
import unittest
from pathlib import Path
from typing import ClassVar

import fixtures
import testtools

from mycloud.common import exceptions
from mycloud.disk import sparse
from mycloud.privileged import client
from mycloud.privileged.errors import HelperUnavailable, ProgramFailed
from mycloud.volume.drivers.base import GIB, BackendSettings
from mycloud.volume.drivers.nfs import NfsDriver
from tests.contract.volume_driver import VolumeDriverContract, new_name, poke
from tests.fixtures import mounts, volume_child

SHARE = "filer.example:/export/volumes"
_CHILD = "tests.contract.test_volume_driver_nfs:TmpfsDriver"


class TmpfsDriver(NfsDriver):
    FILE_SYSTEMS: ClassVar = ("tmpfs",)


class FakeHelper:
    """Mounts a file system in memory where the root helper would mount a share.

    :ivar error: what it raises instead
    """

    def __init__(self, test):
        self.asked = []
        self.error = None
        self._test = test
        before = client.current()
        client.use(self)
        test.addCleanup(client.use, before)

    def forget(self):
        pass

    def invoke(self, verb, args, kwargs):
        assert (verb, kwargs) == ("mount_nfs", {})
        if self.error is not None:
            raise self.error
        share, point, _ = args
        self.asked.append(args)
        file_system = mounts.tmpfs(Path(point), 64, share)
        file_system.__enter__()
        self._test.mounts.append(file_system)
        return True


class NfsDriverBase:
    """Mixed into a TestCase."""

    def share(self, megabytes, source=SHARE, options=""):
        """Mount a share; its directory, and the function that unmounts it."""
        point = self.root / f"share{len(os.listdir(self.root))}"
        file_system = mounts.tmpfs(point, megabytes, source, options)
        file_system.__enter__()
        self.mounts.append(file_system)
        return point

    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.mounts = []
        self.addCleanup(self.unmount)

    def unmount(self):
        while self.mounts:
            self.mounts.pop().__exit__(None, None, None)

    def options(self, point):
        return {"nfs_share": SHARE, "nfs_mount_point": str(point)}

    def make(self, point, kind=TmpfsDriver, **options):
        told = {**self.options(point), **options}
        return kind(BackendSettings("n1", "shares", self.root / "state", told))

    def start(self, point, kind=TmpfsDriver, **options):
        driver = self.make(point, kind, **options)
        driver.do_setup()
        driver.check_for_setup_error()
        return driver


@mounts.needs_root
@unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
class NfsContractTest(NfsDriverBase, VolumeDriverContract, testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.point = self.share(512)
        self.driver = self.start(self.point)

    def small_driver(self):
        return self.start(self.share(64))

    def half_make(self, volume):
        volume_child.killed_while_cloning(_CHILD, self.driver.settings, volume)

    def foreign(self, data):
        name = f"theirs{len(os.listdir(self.point))}"
        sparse.copy(self.image("raw", data, GIB + 4096).path, self.point / name)
        return {"source-name": name}


@mounts.needs_root
class NfsDriverTest(NfsDriverBase, testtools.TestCase):
    def refused(self, driver, *words):
        for call in (driver.do_setup, driver.check_for_setup_error):
            error = self.assertRaises(exceptions.BackendFailed, call)
            for word in words:
                self.assertIn(word, str(error))
            self.assertNotIn(str(self.root), str(error))

    def test_nothing_is_mounted(self):
        point = self.root / "empty"
        point.mkdir()
        self.refused(self.make(point), "n1", "nothing is mounted", f"mount -t nfs {SHARE}")
        self.assertEqual([], os.listdir(point))

    def test_another_share_is_mounted(self):
        point = self.share(16, "other:/volumes")
        self.refused(self.make(point), "other:/volumes", SHARE)
        self.assertEqual([], os.listdir(point))

    def test_what_is_mounted_is_no_share(self):
        self.refused(self.make(self.share(16), NfsDriver), "tmpfs is mounted")

    def test_directory_inside_a_share_is_not_the_share(self):
        point = self.share(16) / "below"
        point.mkdir()
        self.refused(self.make(point), "nothing is mounted")

    def test_share_that_can_not_be_written_to(self):
        self.refused(self.make(self.share(16, options=",ro")), "Read-only", "rw")

    def test_the_helper_mounts_it(self):
        helper = FakeHelper(self)
        driver = self.start("", nfs_mount=True, nfs_mount_options=["vers=4.2", "hard"])
        point = str(self.root / "state" / "share")
        self.assertEqual([(SHARE, point, ["vers=4.2", "hard"])], helper.asked)
        driver.create(new_name(), 1)
        self.assertEqual(1, len(helper.asked))
        # it is gone, and comes back
        self.unmount()
        self.assertEqual([], driver.names())
        self.assertEqual(2, len(helper.asked))

    def test_the_helper_can_t_mount_it(self):
        helper = FakeHelper(self)
        helper.error = ProgramFailed(
            f"/usr/sbin/mount.nfs failed: access denied while mounting on {self.root / 'point'}"
        )
        driver = self.make(self.root / "point", nfs_mount=True)
        self.refused(driver, "n1", "the root helper could not mount it", "access denied")
        helper.error = HelperUnavailable("it does not answer")
        self.refused(driver, "it does not answer")
        blocked = self.root / "file"
        blocked.touch()
        self.refused(self.make(blocked / "point", nfs_mount=True), "nfs_mount_point", "make it")
        self.assertEqual([], helper.asked)

    def test_options_that_are_missing(self):
        point = self.share(16)
        for option, wrong in (
            ("nfs_share", None), ("nfs_share", "filer"), ("nfs_share", ""),
            ("nfs_mount_point", None), ("nfs_mount_point", "share"),
        ):
            self.refused(self.make(point, **{option: wrong}), option)

    def test_name_of_the_share_may_end_with_a_slash(self):
        self.start(self.share(16, f"{SHARE}/"))

    def test_volumes_are_not_gone_when_the_share_is(self):
        driver = self.start(self.share(16))
        name, snapshot = new_name(), new_name()
        driver.create(name, 1)
        self.unmount()
        for call in (
            lambda: driver.exists(name),
            lambda: driver.names(),
            lambda: driver.delete(name),
            lambda: driver.create(new_name(), 1),
            lambda: driver.snapshot(name, snapshot),
            lambda: driver.snapshot_exists(name, snapshot),
            lambda: driver.source(name),
            driver.pools,
        ):
            error = self.assertRaises(exceptions.BackendFailed, call)
            self.assertIn("nothing is mounted", str(error))

    def test_locks_that_work(self):
        pool = self.start(self.share(16)).pools()[0]
        self.assertTrue(pool.capabilities["file_locking"])
        self.assertNotIn("file_locking_reason", pool.capabilities)
        self.assertTrue(pool.multiattach)
        self.assertEqual("nfs", pool.storage_protocol)

    def test_locks_that_only_this_host_sees(self):
        # a file system in memory takes no such option: the line of the table is a share's
        for option in ("nolock", "local_lock=all", "local_lock=posix"):
            driver = self.start(self.share(16), LocalLocksDriver, told=option)
            pool = driver.pools()[0]
            self.assertFalse(pool.capabilities["file_locking"])
            self.assertIn(option, pool.capabilities["file_locking_reason"])
            self.assertFalse(pool.multiattach)

    def test_no_multiattach_of_qcow2(self):
        pool = self.start(self.share(16), volume_format="qcow2").pools()[0]
        self.assertTrue(pool.capabilities["file_locking"])
        self.assertFalse(pool.multiattach)

    def test_hosts_that_share_it_leave_each_other_alone(self):
        point = self.share(64)
        here = self.start(point)
        there = TmpfsDriver(
            BackendSettings("n1", "shares", self.root / "state2", self.options(point))
        )
        there.do_setup()
        name = new_name()
        here.create(name, 1)
        poke(there.source(name), 0, b"x" * (1 << 20))
        volume_child.killed_while_cloning(_CHILD, here.settings, name)
        self.assertEqual([], there.clean_temporary())
        self.assertEqual(1, len(here.clean_temporary()))


class LocalLocksDriver(TmpfsDriver):
    def _mount(self):
        found = super()._mount()
        told = self.settings.options["told"]
        return found and dataclasses.replace(found, options=found.options | {told})
