"""A second machine joins the cloud by one command: another network, another file system."""

import base64
import datetime
import json
import os
import pwd
import signal
import unittest
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import testtools

from mycloud import client
from mycloud.common import clock, node_token
from mycloud.db import models
from mycloud.disk import processes
from mycloud.local import credentials
from mycloud.local.layout import Layout
from tests.fixtures import postgresql, rabbitmq, second_machine
from tests.fixtures.local_cloud import LocalCloud
from tests.fixtures.program import wait_for
from tests.fixtures.second_machine import CONTROL, NODE, OwnNetwork, SecondMachine

_WHY_NOT = rabbitmq.why_not() or postgresql.why_not() or second_machine.why_not()
_DATABASE_PASSWORD = "the-word-for-the-database"
#: Of the hosts' account of the broker, as docs/howto/add-a-compute-host.md has them.
_PERMISSIONS = (
    r"^(compute|reply_|openstack$)", r"^(compute|reply_|openstack$|amq\.default$)",
    r"^(compute|reply_|openstack$)",
)
NAME = "second"


@unittest.skipIf(_WHY_NOT, _WHY_NOT)
class JoinFakeTest(testtools.TestCase):
    hypervisor = "fake"

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(OwnNetwork())
        self.machine = self.useFixture(SecondMachine())
        bus = self.useFixture(rabbitmq.RabbitMQ(CONTROL, {"hosts": _PERMISSIONS}))
        database = self.useFixture(postgresql.PostgreSQL())
        self.database_url = database.url.replace("mycloud@", f"mycloud:{_DATABASE_PASSWORD}@")
        self.cloud = self.useFixture(LocalCloud())
        config_dir = self.cloud.state / "mycloud.conf.d"
        config_dir.mkdir(parents=True)
        (config_dir / "node.conf").write_text(
            f"[node]\ntransport_url = {bus.url_of('hosts')}\n"
        )
        self.cloud.up(
            "--hypervisor", "fake", "--processes", "--listen", CONTROL,
            "--transport-url", bus.url, "--database", self.database_url,
        )
        layout = Layout(self.cloud.state)
        self.admin = client.connect(None, **credentials.of(layout, credentials.ADMIN))

    def token(self, **values: Any) -> str:
        text = self.admin.node_tokens.create(**values).token
        assert text is not None
        return text

    def join(self, token: str, *more: str, check: bool = True) -> Any:
        return self.machine.mycloud(
            "node", "join", token, "--name", NAME, "--hypervisor", self.hypervisor, *more,
            check=check,
        )

    def refused(self, token: str, words: str) -> None:
        done = self.join(token, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn(words, done.stderr)
        self.assertFalse(self.machine.path(self.machine.state).exists(), done.stderr)
        self.assertEqual([], self.machine.pids())

    def states(self) -> dict[str, str]:
        return {host.service_host: host.state for host in self.admin.hosts.list()}

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.machine.mycloud("node", "status", "--format", "json").stdout
        )
        return found

    def test_a_whole_life(self) -> None:
        token = self.token()
        said = self.join(token)
        self.assertIn(f"{NAME} has joined", said.stderr)
        self.assertIn(f"agent: https://{NODE}:", said.stderr)
        self.assertEqual("up", self.states()[NAME])
        self.assertEqual(NODE, next(
            host.address for host in self.admin.hosts.list() if host.service_host == NAME
        ))
        self.assertIn("root helper: ", said.stderr)
        self._check_secrets()
        status = self.status()
        self.assertEqual(("up", NAME, NODE), tuple(
            status[name] for name in ("health", "name", "address")
        ))
        owners = {
            name: pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name
            for name, pid in status["pids"].items()
        }
        self.assertEqual(
            {f"mycloud-compute-{NAME}": "mycloud", "mycloud-privileged": "root"}, owners
        )
        self._check_again(token, status)
        self._check_kill(status)
        self._check_server()
        self._check_leave()

    def _check_secrets(self) -> None:
        """Nothing there knows of the database, of identities, or of the authority's key."""
        passwords = [
            credentials.of(Layout(self.cloud.state), name)["password"]
            for name in (credentials.ADMIN, credentials.MEMBER)
        ]
        keys = [
            "".join(path.read_text().splitlines()[1:-1])
            for path in (self.cloud.state / "authority").rglob("*-key.pem")
        ]
        self.assertTrue(keys)
        secrets = [
            self.database_url, _DATABASE_PASSWORD, "mycloud-pg-", "guest:guest", *passwords, *keys,
        ]
        files = self.machine.files()
        self.assertIn("node.json", {path.name for path in files})
        everything = "\n".join(path.read_text(errors="replace") for path in files)
        everything += self.machine.environments()
        joined = everything.replace("\n", "")
        # what is looked for can be found
        self.assertIn(f"hosts:hosts@{CONTROL}:", joined)
        self.assertEqual([], [secret for secret in secrets if secret in joined])
        for path in files:
            if path.suffix in (".pem", ".conf", ".json"):
                self.assertEqual(0, path.stat().st_mode & 0o077, path)

    def _check_again(self, token: str, status: dict[str, Any]) -> None:
        said = self.join(token)
        self.assertIn("already", said.stderr)
        self.assertEqual(status["pids"], self.status()["pids"])

    def _check_kill(self, status: dict[str, Any]) -> None:
        pid = status["pids"][f"mycloud-compute-{NAME}"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not processes.alive(pid), "it is gone")
        self.assertIsNone(self.status()["pids"][f"mycloud-compute-{NAME}"])
        self.assertIn("was started", self.join("whatever").stderr)
        self.assertEqual("up", self.status()["health"])

    def _check_server(self) -> None:
        """A server that only the second machine can take."""
        for service in self.admin.services.list(binary="mycloud-compute"):
            if service.host != NAME:
                self.admin.services.update(service.id, enabled=False)
        flavor = self.admin.flavors.create({"name": "nano", "vcpus": 1, "ram": 64, "disk": 1})
        image = self.admin.images.create(client.NewImage("words", "raw"))
        path = Path(self.cloud.state, "words")
        path.write_bytes(b"words" * 1000)
        with path.open("rb") as file:
            self.admin.images.upload(image.id, file)
        [accepted] = self.admin.servers.create(client.NewServer("one", flavor.id, image.id))
        server = self.admin.servers.wait(accepted, timeout=60)
        refused = self.machine.mycloud("node", "leave", check=False)
        self.assertIn("1 servers", refused.stderr)
        self.assertEqual("up", self.status()["health"])
        self.admin.servers.delete(server.id)
        wait_for(lambda: not [*self.admin.servers.list()], "the server is deleted")

    def _check_leave(self) -> None:
        self.machine.mycloud("node", "leave", "--remove-state")
        self.assertFalse(self.machine.path(self.machine.state).exists())
        self.assertEqual([], self.machine.pids())
        [service] = self.admin.services.list(host=NAME)
        self.assertEqual("disabled", service.status)
        done = self.machine.mycloud("node", "status", check=False)
        self.assertIn("node join", done.stderr)
        self.join(self.token(name=NAME))
        self.assertEqual("enabled", next(iter(self.admin.services.list(host=NAME))).status)
        self.machine.mycloud("node", "leave")

    def test_tokens_that_are_refused(self) -> None:
        used = self.token()
        self.join(used)
        self.machine.mycloud("node", "leave", "--remove-state")
        self.refused(used, "used by second already")
        expired = self.token()
        self.expire(node_token.NodeToken.parse(expired).id)
        self.refused(expired, "was good until")
        good = self.token()
        self.refused(good[:-3], "damaged")
        for changes, words in (
            ({"s": base64.b64encode(b"x" * 32).decode()}, "not one of this cloud"),
            ({"u": ["http://10.213.7.9:1"]}, "can't be reached"),
        ):
            self.refused(self.tampered(good, changes), words)
        # none of that has used it up
        self.join(good)

    def expire(self, token_id: str) -> None:
        """Let time pass for one token."""
        database = sa.create_engine(self.database_url)
        table = models.node_tokens
        with database.begin() as conn:
            before = clock.now() - datetime.timedelta(seconds=1)
            conn.execute(
                table.update().where(table.c.id == token_id).values(expires_at=before)
            )
        database.dispose()

    def tampered(self, text: str, changes: dict[str, Any]) -> str:
        """A token that somebody has made of another one."""
        token = node_token.NodeToken.parse(text)
        names = {"s": "secret", "u": "urls"}
        values = {
            names[name]: base64.b64decode(value) if name == "s" else
            tuple(value) if isinstance(value, list) else value
            for name, value in changes.items()
        }
        return node_token.NodeToken(**{**vars(token), **values}).text()


if __name__ == "__main__":
    unittest.main()
