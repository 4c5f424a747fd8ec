"""kill -9 at points of what is done to volumes, snapshots and attachments: nothing is lost,
leaked, stuck or doubled, whatever the next life finds broken.

The points come from a first life that is left alone (see tests/fixtures/crash_volumes.py). Only
every Nth of them is tried, since all take many minutes; ``MYCLOUD_KILL=all`` tries every one.
"""

from tests.fixtures import crash_volumes
from tests.fixtures.kill_case import KillCase


class TestKillVolumes(KillCase):
    story = crash_volumes.__name__

    def test_create(self) -> None:
        self.check("create", 14, every=3)

    def test_create_from_something(self) -> None:
        self.check("create_from_snapshot", 14, every=6)
        self.check("clone", 14, every=6)
        self.check("create_from_image", 18, every=6)

    def test_delete(self) -> None:
        self.check("delete", 12, every=5)
        self.check("delete_with_snapshots", 14, every=5)

    def test_extend(self) -> None:
        self.check("extend", 12, every=6)
        self.check("extend_in_use", 14, every=5)

    def test_snapshot(self) -> None:
        self.check("snapshot", 12, every=6)
        self.check("snapshot_in_use", 12, every=6)
        self.check("delete_snapshot", 12, every=6)

    def test_attach(self) -> None:
        self.check("attach", 20, every=3)

    def test_detach(self) -> None:
        self.check("detach", 18, every=3)

    def test_swap(self) -> None:
        self.check("swap", 30, every=6)

    def test_servers(self) -> None:
        self.check("server_with_volumes", 40, every=12)
        self.check("delete_server", 25, every=8)

    def test_a_server_that_is_deleted_meanwhile(self) -> None:
        self.check("attach_and_delete_server", 30, every=10)
        self.check("detach_and_delete_server", 30, every=10)
        self.check("server_given_up", 25, every=10)

    def test_what_is_broken_in_the_next_life(self) -> None:
        """An attachment that was done and not journalled is undone, all of it."""
        self.check("attach_broken", 20, every=5)
        self.check("attach_held", 20, every=6)
        self.check("swap_half_broken", 30, every=12)
