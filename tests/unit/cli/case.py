"""The ground of the tests of the command: it runs in this process against the fake cloud."""

import os
from pathlib import Path
from typing import Any

import fixtures
import testtools

from tests.fixtures import command
from tests.fixtures.command import Result
from tests.fixtures.fake_cloud import FakeCloud, Reply, Seen

FLAVOR = {"id": "1", "name": "m1.tiny", "vcpus": 1, "ram": 256, "disk": 1, "swap": ""}
IMAGE = {"id": "22222222-2222-4222-8222-222222222222", "name": "tiny", "status": "active"}
SERVER_ID = "11111111-1111-4111-8111-111111111111"
SERVER = {
    "id": SERVER_ID,
    "name": "web",
    "status": "ACTIVE",
    "OS-EXT-STS:task_state": None,
    "OS-EXT-STS:power_state": 1,
    "flavor": {"original_name": "m1.tiny", "vcpus": 1, "ram": 256, "disk": 1},
    "image": {"id": IMAGE["id"]},
    "tenant_id": "p",
    "user_id": "u",
    "metadata": {"role": "front"},
    "tags": ["a", "b"],
    "created": "2026-01-01T00:00:00Z",
    "updated": "2026-01-01T00:00:00Z",
}
VOLUME_ID = "44444444-4444-4444-8444-444444444444"
VOLUME = {
    "id": VOLUME_ID,
    "name": "data",
    "status": "available",
    "size": 2,
    "volume_type": "fast",
    "bootable": "false",
    "attachments": [],
    "metadata": {"kept": "yes"},
    "os-vol-tenant-attr:tenant_id": "p",
}
OPERATION_ID = "33333333-3333-4333-8333-333333333333"


def operation(state: str, *steps: tuple[str, str], **more: Any) -> dict[str, Any]:
    """An operation as the API shows it; each step is a name and a state."""
    return {
        "id": OPERATION_ID,
        "kind": "server.create",
        "resource_type": "server",
        "resource_id": SERVER_ID,
        "project_id": "p",
        "user_id": "u",
        "request_id": "req-1",
        "state": state,
        "host": "node-1",
        "attempt": 1,
        "created_at": "2026-01-01T00:00:00Z",
        "started_at": None,
        "finished_at": None,
        "duration_s": 1.5,
        "code": None,
        "reason": None,
        "steps": [
            {
                "seq": number,
                "name": name,
                "host": "node-1",
                "state": step_state,
                "duration_s": 0.25,
                "detail": None,
            }
            for number, (name, step_state) in enumerate(steps, 1)
        ],
    } | more


class CliCase(testtools.TestCase):
    """``run_cli`` runs a command line; ``cloud`` is what it talks to."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(FakeCloud())
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        for name in list(os.environ):
            if name.startswith("OS_") or name == "COLUMNS":
                self.useFixture(fixtures.EnvironmentVariable(name))
        settings = {
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "OS_AUTH_URL": self.cloud.auth_url,
            "OS_USERNAME": "demo",
            "OS_PASSWORD": "secret",
            "OS_PROJECT_NAME": "demo",
        }
        for name, value in settings.items():
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        self.serve_basics()

    def serve_basics(self) -> None:
        """A flavor, an image, a server and a volume."""
        compute, image = "/compute/v2.1", "/image/v2"
        self.cloud.on("GET", f"{compute}/flavors/detail", Reply(200, {"flavors": [FLAVOR]}))
        self.cloud.on("GET", f"{compute}/flavors/1", Reply(200, {"flavor": FLAVOR}))
        self.cloud.on("GET", f"{image}/images", self._images)
        self.cloud.on("GET", f"{image}/images/{IMAGE['id']}", Reply(200, IMAGE))
        self.cloud.on("GET", f"{compute}/servers/detail", Reply(200, {"servers": [SERVER]}))
        self.cloud.on("GET", f"{compute}/servers/{SERVER_ID}", Reply(200, {"server": SERVER}))
        volume = "/volume/v3"
        self.cloud.on("GET", f"{volume}/volumes/detail", self._volumes)
        self.cloud.on("GET", f"{volume}/volumes/{VOLUME_ID}", Reply(200, {"volume": VOLUME}))

    @staticmethod
    def _volumes(seen: Seen) -> Reply:
        found = seen.query.get("name") in (None, VOLUME["name"])
        return Reply(200, {"volumes": [VOLUME] if found else []})

    @staticmethod
    def _images(seen: Seen) -> Reply:
        name = seen.query.get("name")
        return Reply(200, {"images": [IMAGE] if name in (None, IMAGE["name"]) else []})

    def run_cli(self, *words: str) -> Result:
        return command.run(*words)

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        return str(path)


