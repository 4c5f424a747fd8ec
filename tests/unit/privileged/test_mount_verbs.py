"""Real mounts in a directory of the test; NFS is tested against what mount.nfs would be told.

A real NFS server: tests/integration/test_nfs_guest.py.
"""

import os
from pathlib import Path

import testtools

from mycloud.privileged import allowed, errors, mounts
from mycloud.privileged.verbs import mount
from tests.fixtures.recorded_programs import RecordedPrograms, said

MIB = 1 << 20


class MountCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        if os.geteuid():
            self.skipTest("only root can mount")
        self.programs = self.useFixture(RecordedPrograms())
        self.service = self.programs.service
        self.point = self.service / "point"
        self.point.mkdir()
        self.addCleanup(self.unmount_all)

    def unmount_all(self):
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        for point in reversed([line.split(" ")[4] for line in lines]):
            if point.startswith(self.programs.root):
                mounts.unmount(point)

    def refused(self, verb, *args, **more):
        return self.assertRaises(errors.Refused, verb, *args, **more).message


class MountTest(MountCase):
    def test_tmpfs(self):
        point = str(self.point)
        self.assertTrue(mount.mount_tmpfs(point, MIB))
        self.assertFalse(mount.mount_tmpfs(point, MIB))
        found = mounts.at(point)
        self.assertEqual("tmpfs", found.kind)
        self.assertLessEqual({"nosuid", "nodev"}, found.options)
        self.assertEqual(MIB, os.statvfs(point).f_blocks * os.statvfs(point).f_frsize)
        self.assertTrue(mount.mount_remove(point))
        self.assertFalse(mount.mount_remove(point))
        self.assertIsNone(mounts.at(point))

    def test_bind(self):
        source, point = self.service / "source", str(self.point)
        source.mkdir()
        (source / "file").write_text("data")
        self.assertTrue(mount.mount_bind(str(source), point, read_only=True))
        self.assertFalse(mount.mount_bind(str(source), point))
        self.assertEqual("data", (self.point / "file").read_text())
        self.assertRaises(OSError, (self.point / "file").write_text, "other")
        self.assertLessEqual({"nosuid", "nodev", "ro"}, mounts.at(point).options)
        other = self.service / "other"
        other.mkdir()
        self.assertIn("something else", self.refused(mount.mount_bind, str(other), point))
        self.assertIn("unmount it", self.refused(mount.mount_tmpfs, point, MIB))
        mount.mount_remove(point)
        self.assertEqual([], self.left())

    def left(self):
        """What is mounted below the root of the test."""
        told = Path("/proc/self/mountinfo").read_text()
        return [line for line in told.splitlines() if self.programs.root in line]

    def test_in_use(self):
        mount.mount_tmpfs(str(self.point), MIB)
        with (self.point / "file").open("w"):
            self.assertIn("in use", self.refused(mount.mount_remove, str(self.point)))
        self.assertTrue(mount.mount_remove(str(self.point)))

    def test_outside(self):
        outside = Path(self.programs.root) / "outside"
        outside.mkdir()
        for path in (str(outside), "/", "/etc", f"{self.service}-x"):
            for call in (
                lambda path=path: mount.mount_tmpfs(path, MIB),
                lambda path=path: mount.mount_remove(path),
                lambda path=path: mount.mount_bind(path, str(self.point)),
                lambda path=path: mount.mount_nfs("server:/share", path, []),
            ):
                self.assertIn("does not lie below", self.refused(call))
        roots_list = allowed.path(allowed.MOUNT_ROOTS)
        roots_list.parent.mkdir()
        roots_list.write_text(f"{self.programs.root}\n")
        mount.mount_tmpfs(str(outside), MIB)
        self.assertIsNotNone(mounts.at(str(outside)))

    def test_links(self):
        outside = Path(self.programs.root) / "outside"
        (outside / "inner").mkdir(parents=True)
        (self.service / "link").symlink_to(outside)
        (self.service / "file").touch()
        for path, kind, told in (
            (self.service / "link", errors.Refused, "through a link"),
            (self.service / "link" / "inner", errors.Refused, "through a link"),
            (self.service / "missing", errors.SystemFailed, "No such file"),
            (self.service / "file", errors.SystemFailed, "Not a directory"),
        ):
            for call in (
                lambda path=path: mount.mount_tmpfs(str(path), MIB),
                lambda path=path: mount.mount_bind(str(path), str(self.point)),
            ):
                self.assertIn(told, self.assertRaises(kind, call).message)
        # what is mounted behind a link stays
        mounts.mount("x", str(outside / "inner"), "tmpfs", 0)
        self.refused(mount.mount_remove, str(self.service / "link" / "inner"))
        self.assertIsNotNone(mounts.at(str(outside / "inner")))
        self.assertIsNone(mounts.at(str(self.point)))


class NfsTest(MountCase):
    def test_what_mount_nfs_is_told(self):
        [stage] = self.try_nfs("server:/share", ["vers=4.2", "hard"])
        self.assertEqual(
            [["mount.nfs", "server:/share", stage, "-o",
              "nosuid,nodev,retry=0,vers=4.2,hard"]],
            self.programs.commands,
        )
        self.assertIn("/mounts/", stage)

    def try_nfs(self, share, options):
        """Where it was mounted at first: nothing is in truth."""
        mount.mount_nfs(share, str(self.point), options)
        return {command[2] for command in self.programs.commands}

    def test_it_is_not_installed(self):
        self.programs.answers["mount.nfs"] = said("", 127)
        told = self.refused(mount.mount_nfs, "server:/share", str(self.point), [])
        self.assertIn("install the package nfs-common", told)

    def test_a_server_that_refuses(self):
        self.programs.answers["mount.nfs"] = said("mount.nfs: access denied by server", 32)
        self.assertRaises(
            errors.ProgramFailed, mount.mount_nfs, "server:/share", str(self.point), []
        )
        self.assertIsNone(mounts.at(str(self.point)))

    def test_words(self):
        holds = mount.Share.__metadata__[0].holds
        for good in ("server:/", "s.example-1.org:/a/b", "[fd00::1]:/x", "192.0.2.1:/x"):
            self.assertTrue(holds(good), good)
        for bad in ("-o:/x", "server", "server:x", ":/x", "a b:/x", "s:/x y", "s:/a,b", "s:/x\n"):
            self.assertFalse(holds(bad), bad)
        holds = mount.NfsOption.__metadata__[0].holds
        for good in ("vers=3", "nfsvers=4.2", "soft", "timeo=600", "sec=krb5p", "nolock"):
            self.assertTrue(holds(good), good)
        for bad in ("suid", "dev", "exec", "vers=4,suid", "addr=192.0.2.1", "soft\n", "", "-o"):
            self.assertFalse(holds(bad), bad)
