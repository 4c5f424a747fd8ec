"""The directories of guests: what is there, what is half gone, and what the console said."""

import itertools
from pathlib import Path

import fixtures
import testtools

from mycloud.common import clock
from mycloud.compute.drivers.base import GuestSpec
from mycloud.compute.drivers.libvirt.files import GuestFiles
from mycloud.disk import qemu_img
from mycloud.disk.image_cache import ImageCache


class GuestFilesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.files = GuestFiles(self.root / "instances", ImageCache(self.root / "_base"))
        self.me = clock.new_id()

    def say(self, suffix, text):
        path = self.files.path(self.me, f"console.log{suffix}")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text)

    def test_what_disks_may_still_grow(self):
        self.assertEqual(0, self.files.unwritten_bytes())
        home = self.root / "instances" / self.me
        home.mkdir()
        qemu_img.create_empty(home / "disk", 2 << 30)
        with (home / "disk.eph0").open("wb") as file:
            # as if the guest had written the header of an immense disk to it
            file.write(b"QFI\xfb\0\0\0\3" + bytes(16) + b"\x7f" * 8)
            file.truncate(1 << 30)
        for name in ("disk.base", "disk.config", "disk.snapshot.one"):
            with (home / name).open("wb") as file:
                file.truncate(5 << 30)
        gone = self.root / "instances" / f".{clock.new_id()}.deleted"
        gone.mkdir()
        (gone / "disk").symlink_to(home / "disk")
        left = (3 << 30) - self.files.unwritten_bytes()
        self.assertTrue(0 < left < 1 << 20, left)

    def test_console_reads_rotated_parts_in_order(self):
        self.say(".10", b"one\n")
        self.say(".2", b"two\n")
        self.say(".0", b"three\nfo")
        self.say("", b"ur\nfive\n")
        self.say(".old", b"not a part\n")
        self.assertEqual("one\ntwo\nthree\nfour\nfive\n", self.files.console(self.me, None))
        self.assertEqual("four\nfive\n", self.files.console(self.me, 2))
        self.assertEqual("", self.files.console(self.me, 0))
        self.assertEqual(5, len(self.files.console(self.me, 99).splitlines()))

    def test_console_gives_the_end_of_what_is_too_much(self):
        self.say(".0", b"x" * (1 << 20))
        self.say("", b"the end\n")
        said = self.files.console(self.me, None)
        self.assertEqual(256 << 10, len(said))
        self.assertTrue(said.endswith("xthe end\n"))

    def test_console_that_is_no_text(self):
        self.say("", b"\xff\xfe broken \xc3")
        self.assertIn("broken", self.files.console(self.me, None))

    def test_half_removed_directory_is_told_and_goes(self):
        gone = self.root / "instances" / f".{self.me}.deleted"
        gone.mkdir()
        (gone / "disk").write_text("")
        self.assertEqual([self.me], self.files.server_ids())
        self.assertTrue(self.files.exist(self.me))
        self.files.delete(self.me)
        self.assertEqual([], self.files.server_ids())
        self.assertEqual([], list((self.root / "instances").iterdir()))

    def test_removed_again_beside_a_half_removed_one(self):
        self.say("", b"")
        (self.root / "instances" / f".{self.me}.deleted").mkdir()
        self.files.delete(self.me)
        self.assertEqual([], list((self.root / "instances").iterdir()))

    def test_what_a_killed_process_left_goes_with_the_next_try(self):
        self.say("", b"")
        directory = self.files.path(self.me)
        (directory / ".disk.config.torn").write_text("half")
        (directory / "disk").write_text("made before")
        spec = GuestSpec(self.me, "n", 1, 64, 1, config_files={"a": b"b"})
        self.assertFalse(self.files.ready(spec))
        self.files.create(spec)
        self.assertTrue(self.files.ready(spec))
        self.assertEqual(
            ["console.log", "disk", "disk.config"],
            sorted(path.name for path in directory.iterdir()),
        )
        self.assertEqual("made before", (directory / "disk").read_text())

    def test_ids_that_lead_elsewhere_are_refused(self):
        for bad, verb in itertools.product(
            ("..", "../x", "a/b", "", ".hidden"), (self.files.delete, self.files.exist)
        ):
            self.assertRaises(ValueError, verb, bad)
