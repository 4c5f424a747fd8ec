"""Which verbs the helper offers, and with which it does not start."""

from __future__ import annotations

import os
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.privileged import discovery

VERB = '''
from mycloud.privileged.expose import expose

@expose(touches="nothing")
def {name}({parameters}):
    """A verb."""

def unmarked():
    """None."""
'''


@unittest.skipIf(os.geteuid() != 0, "an operator's folder belongs to root")
class DiscoveryTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)

    def write(self, file: str, *, name: str = "mine", parameters: str = "") -> None:
        (self.folder / file).write_text(VERB.format(name=name, parameters=parameters))

    def refused(self, words: str) -> None:
        error = self.assertRaises(discovery.DiscoveryFailed, discovery.find, self.folder, "site")
        self.assertIn(words, str(error))

    def test_own_verbs(self) -> None:
        found = discovery.find()
        self.assertTrue({"helper_ping", "helper_verbs", "tap_open"} <= set(found))
        for verb in found.values():
            self.assertTrue(verb.exposed.touches, verb.name)
            self.assertTrue(verb.function.__doc__, verb.name)

    def test_a_file_that_is_dropped_in(self) -> None:
        self.write("a.py", parameters="x: int")
        self.write("b.py", name="other")
        found = discovery.find(self.folder, "site")
        self.assertEqual({"site_mine", "site_other"}, set(found) - set(discovery.find()))
        self.assertEqual(str(self.folder / "a.py"), found["site_mine"].source)

    def test_names_twice(self) -> None:
        self.write("a.py")
        self.write("b.py")
        self.refused("Two verbs are called site_mine")

    def test_files_that_are_no_verbs(self) -> None:
        self.write("a.py", parameters="x")
        self.refused("site_mine of")
        self.write("a.py", parameters="*x: int")
        self.refused("can't be called")
        (self.folder / "a.py").write_text("def (")
        self.refused("can't be loaded")
        (self.folder / "a.py").write_text("import nothing_of_that_name")
        self.refused("can't be loaded")

    def test_who_may_write_there_would_be_root(self) -> None:
        self.write("a.py")
        for path, mode in ((self.folder / "a.py", 0o666), (self.folder, 0o1777)):
            before = path.stat().st_mode
            path.chmod(mode)
            self.refused("nobody else may write to it")
            path.chmod(before)
        os.chown(self.folder / "a.py", 65534, 65534)
        self.refused("must belong to root")
        (self.folder / "a.py").unlink()
        (self.folder / "a.py").symlink_to("/etc/hosts")
        self.refused("must belong to root")

    def test_prefix(self) -> None:
        self.assertRaises(discovery.DiscoveryFailed, discovery.find, self.folder, "")
        self.assertRaises(discovery.DiscoveryFailed, discovery.find, self.folder, "a-b")
        missing = self.folder / "none"
        self.assertRaises(discovery.DiscoveryFailed, discovery.find, missing, "site")
