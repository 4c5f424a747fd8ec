"""The agents of a cloud in processes of its own, in green and in native threads."""

import contextlib
import json
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import requests
import testtools

from mycloud.common import exceptions, pki
from mycloud.disk import host_transfer
from mycloud.disk.host_transfer import Pass
from mycloud.local import agent_ports
from tests.fixtures.agent_port import Client
from tests.fixtures.local_cloud import LocalCloud

MODES = ("eventlet", "threading")


class Case(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(LocalCloud())
        self.session = requests.Session()
        self.session.trust_env = False
        self.addCleanup(self.session.close)

    def up(self, mode: str, *options: str) -> None:
        self.cloud.mycloud(
            "up", "--port", str(self.cloud.port), "--hypervisor", "fake", *options,
            MYCLOUD_CONCURRENCY=mode,
        )

    @property
    def ports(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(
            (self.cloud.state / "settings.json").read_text())["agent_ports"]
        return found

    def log(self) -> str:
        return (self.cloud.state / "log" / "mycloud-all.log").read_text()


class PlainTest(Case):
    def setUp(self) -> None:
        super().setUp()
        # so that its hosts get ports that no other cloud of this machine wants
        for number in range(2):
            with contextlib.suppress(OSError):
                taken = socket.create_server(("127.0.0.1", agent_ports.FIRST + number))
                self.addCleanup(taken.close)

    def test_in_both_modes(self) -> None:
        kept: list[dict[str, int]] = []
        for mode in MODES:
            self.up(mode, "--hosts", "2")
            ports = self.ports
            kept.append(ports)
            for host, port in ports.items():
                url = f"http://127.0.0.1:{port}"
                told = self.session.get(f"{url}/healthz", timeout=10)
                self.assertEqual((200, host, "ok"), (
                    told.status_code, told.json()["host"], told.json()["status"]))
                page = self.session.get(f"{url}/metrics", timeout=10).text
                self.assertIn("mycloud_agent_workers 8", page)
                self.assertIn("mycloud_host_cpus", page)
                client = Client(socket.create_connection(("127.0.0.1", port), 10), None)
                self.assertEqual({"host": host}, client.call("agent.ping")["result"])
                refused = client.call("transfer.cancel", id="x")
                self.assertEqual("verb_not_allowed", refused["error"]["data"]["code"])
                client.close()
            self.cloud.mycloud("down")
            self.assertEqual([], [p for p in ports.values() if _listens(p)])
            self.assertNotIn("Traceback", self.log())
        # the port of a host stays its own
        self.assertEqual(kept[0], kept[1])


class TlsTest(Case):
    def setUp(self) -> None:
        super().setUp()
        state = self.cloud.state
        self.names = ("one", "two")
        for name in self.names:
            bundle = pki.ensure_host(state.parent / "authority", name, ("127.0.0.1",))
            pki.install(bundle, state / "hosts" / name / "pki")
        (state / "mycloud.conf.d").mkdir()
        (state / "mycloud.conf.d" / "agent.conf").write_text(
            "[agent]\ntls = true\nport = 0\n[embedded]\ncompute_hosts = one, two\n"
        )

    def pki_dir(self, name: str) -> Path:
        return self.cloud.state / "hosts" / name / "pki"

    def urls(self) -> dict[str, str]:
        """Where the agents listen, from what they log."""
        found = [line.rpartition(" at ")[2] for line in self.log().splitlines()
                 if "The agent listens at " in line]
        return dict(zip(self.names, found[-2:], strict=True))

    def connect(self, url: str, who: str) -> Client:
        context = ssl.create_default_context(cafile=str(self.pki_dir(who) / "ca-cert.pem"))
        context.load_cert_chain(
            self.pki_dir(who) / "client-cert.pem", self.pki_dir(who) / "client-key.pem")
        port = int(url.rpartition(":")[2])
        client = Client(socket.create_connection(("127.0.0.1", port), 10), context)
        self.addCleanup(client.close)
        return client

    def offer(self, url: str, **more: Any) -> Any:
        path = self.cloud.state / "hosts" / "one" / "instances" / "disk"
        return self.connect(url, more.pop("who", "one")).call(
            "transfer.offer", path=str(path), peer="two", **more)

    def assert_not_given(self, shown: Pass, who: str) -> None:
        self.assertRaises(
            exceptions.Unavailable, host_transfer.fetch, shown, self.cloud.state / "none",
            self.pki_dir(who),
        )

    def test_files_between_hosts(self) -> None:
        data = os.urandom(3_000_000)
        for mode in MODES:
            self.up(mode)
            url = self.urls()["one"]
            self.assertTrue(url.startswith("https://"))
            directory = self.cloud.state / "hosts" / "one" / "instances"
            directory.mkdir(exist_ok=True)
            (directory / "disk").write_bytes(data)
            refused = self.offer(url, who="two")["error"]
            self.assertIn("'two' does not do for that", refused["message"])
            told = self.offer(url)["result"]
            shown = Pass(told["url"], told["token"], told["size"])
            target = self.cloud.state / "copy"
            self.assert_not_given(shown, "one")
            host_transfer.fetch(shown, target, self.pki_dir("two"))
            self.assertEqual(data, target.read_bytes())
            # once
            self.assert_not_given(shown, "two")
            address = ("127.0.0.1", int(url.rpartition(":")[2]))
            with socket.create_connection(address, 10) as sock:
                sock.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
                self.assertNotIn(b"HTTP", sock.recv(100))
            self.cloud.mycloud("down")
            self.assertNotIn("Traceback", self.log())


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
