"""The name of a file tells what it is, and no name leads out of the directory."""

from pathlib import Path

import fixtures
import testtools

from mycloud.volume.drivers.layout import Entry, Layout, checked


class LayoutTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.layout = Layout(self.root, "me")

    def test_names_come_back_as_they_went(self):
        made = [
            Entry(self.layout.volume_path("a-1", "raw"), "raw", "a-1"),
            Entry(self.layout.volume_path("b", "qcow2"), "qcow2", "b"),
            Entry(self.layout.snapshot_path("a-1", "s", "raw"), "raw", "a-1", "s"),
            Entry(self.layout.snapshot_path("b", "s", "qcow2"), "qcow2", "b", "s"),
            Entry(self.layout.volume_path("qcow2", "raw"), "raw", "qcow2"),
        ]
        for each in made:
            each.path.touch()
        self.assertEqual(sorted(made, key=lambda each: each.path), self.layout.entries())
        self.assertEqual("qcow2", self.layout.volume("b").format)
        self.assertIsNone(self.layout.volume("s"))

    def test_what_is_not_whole_is_neither_ours_nor_a_stranger(self):
        self.layout.begun_path("a", "s", "raw").touch()
        mine = self.layout.part_path("volume-a", "1")
        mine.touch()
        Layout(self.root, "other").part_path("volume-a", "1").touch()
        self.assertEqual([], self.layout.entries())
        self.assertEqual([], self.layout.strangers())
        self.assertEqual([mine], self.layout.parts())

    def test_strangers(self):
        for name in ("disk.raw", "volume-a b", "volume-", "snapshot-x", "volume-a.raw"):
            (self.root / name).touch()
        (self.root / "below").mkdir()
        (self.root / "link").symlink_to("disk.raw")
        self.assertEqual(
            ["disk.raw", "snapshot-x", "volume-", "volume-a b", "volume-a.raw"],
            [path.name for path in self.layout.strangers()],
        )

    def test_names(self):
        for good in ("a", "A-1_b", "x" * 64, "0"):
            self.assertEqual(good, checked(good))
        for bad in ("", ".", "..", "a.b", "a/b", "-a", "_a", "a\n", "x" * 65, "ä", "a\0"):
            self.assertRaises(ValueError, checked, bad)

    def test_longest_names_fit_into_a_file_system(self):
        path = self.layout.snapshot_path("x" * 64, "y" * 64, "qcow2")
        for each in (
            path, self.layout.part_path(path.name, "0" * 36),
            self.layout.begun_path("x" * 64, "y" * 64, "qcow2"),
        ):
            self.assertLess(len(each.name), 230)
