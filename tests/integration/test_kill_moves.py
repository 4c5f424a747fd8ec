"""kill -9 at every point of moving a volume: it is whole in one place, and nothing is left.

The points come from a first life that is left alone (see tests/fixtures/crash.py).
"""

from tests.fixtures import crash_moves
from tests.fixtures.kill_case import KillCase


class TestKillMoves(KillCase):
    story = crash_moves.__name__

    def test_migrate(self) -> None:
        self.check("migrate", 20, every=3)

    def test_migrate_in_use(self) -> None:
        self.check("migrate_in_use", 25, every=3)

    def test_retype(self) -> None:
        self.check("retype", 20, every=5)
