"""kill -9 at every point of what is done with backups: nothing is lost, doubled or made twice.

The points come from a first life that is left alone (see tests/fixtures/crash_backups.py).
"""

from tests.fixtures import crash_backups
from tests.fixtures.kill_case import KillCase


class TestKillBackups(KillCase):
    story = crash_backups.__name__

    def test_create(self) -> None:
        self.check("create", 18)

    def test_create_in_use(self) -> None:
        self.check("create_in_use", 22)

    def test_restore(self) -> None:
        self.check("restore", 10)

    def test_restore_to_new(self) -> None:
        self.check("restore_to_new", 14)

    def test_delete(self) -> None:
        self.check("delete", 10)
