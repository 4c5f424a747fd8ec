"""kill -9 at every point of making servers with volumes and of ending them.

The points come from a first life that is left alone (see tests/fixtures/crash.py).
"""

from tests.fixtures import crash_server_volumes
from tests.fixtures.kill_case import KillCase


class TestKill(KillCase):
    story = crash_server_volumes.__name__

    def test_create(self) -> None:
        self.check("create", 30, every=6)

    def test_delete(self) -> None:
        self.check("delete", 15, every=4)

    def test_create_image(self) -> None:
        self.check("create_image", 10, every=2)
