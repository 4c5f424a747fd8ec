"""Root opens the service user's files below declared directories only, and through no link."""

from __future__ import annotations

import os
from pathlib import Path

import fixtures
import testtools

from mycloud.privileged import errors, roots


class RootsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.top = Path(self.useFixture(fixtures.TempDir()).path)
        self.root = self.top / "root"
        (self.root / "deep" / "er").mkdir(parents=True)
        (self.root / "deep" / "er" / "file").write_text("inside")
        (self.top / "secret").write_text("outside")
        (self.root / "link").symlink_to(self.top / "secret")
        (self.root / "near").symlink_to("deep")
        (self.root / "up").symlink_to("..")
        (self.root / "magic").symlink_to("/proc/self/root")
        self.roots = roots.Roots(self.root)

    def read(self, path: str) -> str:
        with open(self.roots.open(path)) as file:
            return file.read()

    def test_opens_what_lies_below(self) -> None:
        self.assertEqual("inside", self.read(f"{self.root}/deep/er/file"))
        self.assertEqual("inside", self.read(f"{self.root}//deep/./er/file"))
        with self.roots.held(f"{self.root}/deep/er/file") as name:
            self.assertEqual("inside", Path(name).read_text())
        self.assertFalse(os.path.exists(name))
        with self.roots.held(str(self.root), directory=True) as name:
            self.assertIn("deep", os.listdir(name))

    def test_makes_files(self) -> None:
        fd = self.roots.open(f"{self.root}/deep/new", os.O_WRONLY | os.O_CREAT, 0o640)
        os.write(fd, b"x")
        os.close(fd)
        self.assertEqual("x", (self.root / "deep" / "new").read_text())

    def test_refuses_what_lies_elsewhere(self) -> None:
        for path in (
            f"{self.top}/secret", f"{self.root}/../secret", f"{self.root}/deep/../../secret",
            f"{self.root}x", "/etc/passwd", "deep/er/file", "", f"{self.root}/a\0b",
        ):
            error = self.assertRaises(errors.Refused, self.roots.open, path)
            self.assertIn(str(self.root), error.message)

    def test_refuses_links(self) -> None:
        for name in ("link", "near/er/file", "up/secret", "magic/etc/passwd", "near"):
            for flags in (os.O_RDONLY, os.O_PATH, os.O_WRONLY | os.O_CREAT):
                path = f"{self.root}/{name}"
                self.assertRaises(errors.Refused, self.roots.open, path, flags)
        self.assertEqual("outside", (self.top / "secret").read_text())

    def test_says_what_the_kernel_says(self) -> None:
        error = self.assertRaises(errors.SystemFailed, self.roots.open, f"{self.root}/none")
        self.assertIn("No such file", error.message)

    def test_the_root_itself_may_lie_behind_a_link(self) -> None:
        """Whoever declares it is root."""
        (self.top / "alias").symlink_to(self.root)
        found = roots.Roots(self.top / "alias" / "deep")
        os.close(found.open(f"{self.top}/alias/deep/er/file"))


class OldKernelTest(RootsTest):
    """The same where there is no openat2."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("mycloud.privileged.roots._OPENAT2", 100000))
