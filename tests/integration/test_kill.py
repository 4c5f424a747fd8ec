"""kill -9 at every point of what is done to servers: nothing is lost or doubled.

The points come from a first life that is left alone (see tests/fixtures/crash_servers.py).
"""

from tests.fixtures import crash_servers
from tests.fixtures.kill_case import KillCase


class TestKill(KillCase):
    story = crash_servers.__name__

    def test_create(self) -> None:
        self.check("create", 20)

    def test_stop(self) -> None:
        self.check("stop", 10)

    def test_start(self) -> None:
        self.check("start", 10)

    def test_reboot(self) -> None:
        self.check("reboot", 10)

    def test_create_image(self) -> None:
        self.check("create_image", 15)

    def test_delete(self) -> None:
        self.check("delete", 10)
