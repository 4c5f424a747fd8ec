"""The parts of ``mycloud node join`` that need no second machine."""

import configparser
import dataclasses
import json
import os
import pwd
import socket
import ssl
import stat
import unittest
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import fixtures
import testtools

from mycloud.common import clock, concurrency, node_token, pki, pki_requests
from mycloud.local import lifecycle
from mycloud.local.layout import Layout
from mycloud.local.node import checks, cloud, join, options, record, request
from mycloud.local.node.record import Record, Wanted
from mycloud.local.settings import LocalError, Settings

Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]
ME = pwd.getpwuid(os.geteuid()).pw_name
WANTED = Wanted("node1", "127.0.0.1", "fake", ME)


class _Server(HTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that does not like the certificate is none."""


class Api(fixtures.Fixture):
    """Answers POSTs as it is told."""

    def __init__(self, answer: Answer, tls: tuple[Path, Path] | None = None):
        super().__init__()
        self.answer = answer
        self._tls = tls
        self.asked: list[dict[str, Any]] = []

    def _setUp(self) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                api.asked.append(json.loads(raw))
                self._send(*api.answer(self.path, api.asked[-1]))

            def do_GET(self) -> None:
                self._send(401, {})

            def _send(self, status: int, body: Any) -> None:
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.addCleanup(self._server.server_close)
        if self._tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        task = concurrency.spawn(self._server.serve_forever, 0.05)
        self.addCleanup(task.ended, 5)
        self.addCleanup(self._server.shutdown)
        scheme = "http" if self._tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"


class NodeCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.layout = Layout(self.folder / "state")
        self.authority = self.folder / "authority"
        self.told: list[str] = []
        self.patch("mycloud.local.node.cloud._PATIENCE", 0)

    def patch(self, name: str, value: Any) -> None:
        self.useFixture(fixtures.MonkeyPatch(name, value))

    def api(self, answer: Answer) -> Api:
        return self.useFixture(Api(answer))

    def token(self, *urls: str, **values: Any) -> node_token.NodeToken:
        fingerprint = pki.fingerprint(pki.ensure_authority(self.authority).read_bytes())
        return node_token.NodeToken(
            "an-id", node_token.secret_of(b"k", "an-id"), urls, fingerprint, **values
        )

    def good(self, token: node_token.NodeToken, **changes: Any) -> Answer:
        """The answers of a cloud."""

        def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
            words = dict(body["node_join"])
            assert node_token.proves(token.secret, words, words.pop("proof"))
            keys = {
                role: pki_requests.key_of(pem, words["name"], role)
                for role, pem in words["requests"].items()
            }
            made = pki.certify(self.authority, words["name"], keys, words["addresses"])
            told = {
                "name": words["name"],
                "certificates": {role: pem.decode() for role, pem in made.items()},
                "authority": (self.authority / pki.CA_CERTIFICATE).read_text(),
                "options": {"DEFAULT": {"transport_url": "rabbit://a:b$c@192.0.2.1/"}},
                "files": [],
                **changes,
            }
            return 200, {"node_join": {"sealed": node_token.seal(token.secret, words, told)}}

        return answer


class PinTest(NodeCase):
    """An API that speaks HTTPS, with a certificate that no authority of the machine's knows."""

    def test_only_the_certificate_of_the_token(self) -> None:
        bundle = pki.ensure_host(self.authority, "api", ["127.0.0.1"])
        certificate = bundle / pki.SERVER_CERTIFICATE
        api = self.useFixture(
            Api(lambda *_: (200, {"node": {}}), (certificate, bundle / pki.SERVER_KEY))
        )
        right = pki.fingerprint(certificate.read_bytes())
        found = cloud.Cloud((api.url,), right)
        self.assertEqual({"node": {}}, found.post("/x", {}))
        self.assertLess(abs(found.skew()), 60)
        other = pki.fingerprint((self.authority / pki.CA_CERTIFICATE).read_bytes())
        for fingerprint in (other, None):
            error = self.assertRaises(
                LocalError, cloud.Cloud((api.url,), fingerprint).post, "/x", {}
            )
            self.assertIn("certificate", str(error))
        self.assertEqual(1, len(api.asked))


class RequestTest(NodeCase):
    def setUp(self) -> None:
        super().setUp()
        self.layout.make()

    def ask(self, token: node_token.NodeToken, wanted: Wanted = WANTED) -> dict[str, Any]:
        return request.ask(self.layout, token, wanted, cloud.Cloud(token.urls, None))

    def test_files(self) -> None:
        api = self.api(lambda *_: (500, {}))
        token = self.token(api.url)
        api.answer = self.good(token)
        told = self.ask(token)
        request.install(self.layout, told)
        options.write(self.layout, WANTED, told)
        parser = configparser.RawConfigParser()
        parser.read(self.layout.compute_config("node1"))
        self.assertEqual("rabbit://a:b$$c@192.0.2.1/", parser["DEFAULT"]["transport_url"])
        self.assertEqual(
            ("node1", str(self.layout.state)),
            (parser["DEFAULT"]["host"], parser["DEFAULT"]["state_path"]),
        )
        files = [*self.layout.certificates.iterdir(), self.layout.compute_config("node1")]
        self.assertEqual(7, len(files))
        for path in files:
            self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode), path)
        # the private keys stay here
        for name in (pki.SERVER_KEY, pki.CLIENT_KEY):
            key = (self.layout.certificates / name).read_text().splitlines()[1]
            self.assertNotIn(key, json.dumps(api.asked))
        self.assertNotIn(token.secret.hex(), json.dumps(api.asked))

    def test_a_lost_answer(self) -> None:
        api = self.api(lambda *_: (200, b"half an answ"))
        token = self.token(api.url)
        self.assertRaises(LocalError, self.ask, token)
        api.answer = self.good(token)
        self.ask(token)
        first, second = api.asked
        self.assertEqual(first, second)
        self.ask(token, dataclasses.replace(WANTED, name="node2"))
        self.assertNotEqual(first, api.asked[-1])

    def test_answers_of_somebody_else(self) -> None:
        api = self.api(lambda *_: (500, {}))
        token, other = self.token(api.url), self.token(api.url)
        forger = node_token.NodeToken(
            other.id, b"x" * 32, other.urls, other.authority
        )

        def forged(path: str, body: dict[str, Any]) -> tuple[int, Any]:
            words = {**body["node_join"]}
            words.pop("proof")
            return 200, {"node_join": {"sealed": node_token.seal(forger.secret, words, {})}}

        api.answer = forged
        self.assertIn("not the cloud", str(self.assertRaises(LocalError, self.ask, token)))
        stranger = pki.ensure_authority(self.folder / "other").read_text()
        for changes, words in (
            ({"authority": stranger}, "not the cloud"),
            ({"authority": "nonsense"}, "Certificates"),
            ({"name": "node9"}, "node9"),
        ):
            api.answer = self.good(token, **changes)
            self.assertIn(words, str(self.assertRaises(LocalError, self.ask, token)))

    def test_what_a_cloud_has_no_business_with(self) -> None:
        self.layout.certificates.mkdir()
        for told in (
            {"options": {"database": {"connection": "x"}}, "files": []},
            {"options": {}, "files": [
                {"group": "api", "option": "x", "name": "x", "content": ""}
            ]},
        ):
            self.assertRaises(LocalError, options.write, self.layout, WANTED, told)
        options.write(self.layout, WANTED, {"options": {}, "files": [
            {"group": "image", "option": "endpoint_ca_file", "name": "../../x", "content": "y"}
        ]})
        self.assertEqual([], [*self.folder.glob("x")])

    def test_refusals_are_told(self) -> None:
        refusal = {"error": {"code": "node_token_used", "message": "It was used.", "status": 409}}
        api = self.api(lambda *_: (409, refusal))
        error = self.assertRaises(cloud.CloudRefuses, self.ask, self.token(api.url))
        self.assertIn("It was used.", str(error))
        api.answer = lambda *_: (404, b"<html>")
        error = self.assertRaises(cloud.CloudRefuses, self.ask, self.token(api.url))
        self.assertIn("is it the API of a cloud", str(error))

    def test_nobody_there(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
            error = self.assertRaises(LocalError, self.ask, self.token(url))
        self.assertIn(url, str(error))

    def test_the_second_url(self) -> None:
        api = self.api(lambda *_: (500, {}))
        token = self.token("http://127.0.0.1:1", api.url)
        api.answer = self.good(token)
        self.assertEqual("node1", self.ask(token)["name"])


class JoinTest(NodeCase):
    def join(self, token: node_token.NodeToken, wanted: Wanted = WANTED) -> str:
        error = self.assertRaises(
            LocalError, join.join, self.layout, token, wanted, self.told.append
        )
        return str(error)

    def test_a_refused_machine_is_as_before(self) -> None:
        refusal = {"error": {"code": "x", "message": "No.", "status": 403}}
        api = self.api(lambda *_: (403, refusal))
        self.assertIn("No.", self.join(self.token(api.url)))
        self.assertFalse(self.layout.state.exists())
        self.layout.make()
        (self.layout.config_dir / "mine.conf").write_text("")
        before = sorted(self.layout.state.rglob("*"))
        self.assertIn("No.", self.join(self.token(api.url)))
        self.assertEqual(before, sorted(self.layout.state.rglob("*")))

    def test_looked_at_before_anything_is_changed(self) -> None:
        api = self.api(lambda *_: (500, {}))
        token = self.token(api.url)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            shut = f"127.0.0.1:{free.getsockname()[1]}"
            self.assertIn(shut, self.join(self.token(api.url, brokers=(shut,))))
        self.assertIn("--name", self.join(token, dataclasses.replace(WANTED, name="-x")))
        elsewhere = dataclasses.replace(WANTED, address="192.0.2.77")
        self.assertIn("--address", self.join(token, elsewhere))
        later = clock.now().replace(year=2031)
        self.patch("mycloud.common.clock.now", lambda: later)
        self.assertIn("clock", self.join(token))
        self.assertEqual([], api.asked)
        self.assertFalse(self.layout.state.exists())

    def test_not_where_a_cloud_is(self) -> None:
        self.layout.make()
        self.layout.settings.write_text("{}")
        self.assertIn("--state", self.join(self.token("http://127.0.0.1:1")))

    def test_missing_programs(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("PATH", "/nonexistent"))
        self.patch("mycloud.local.node.checks._ROOT_PATHS", "/nonexistent")
        error = self.assertRaises(
            LocalError, checks.machine, self.layout,
            dataclasses.replace(WANTED, hypervisor="libvirt"), self.told.append,
        )
        self.assertIn("apt-get install libvirt-daemon", str(error))

    def test_damaged_token(self) -> None:
        self.assertIn("damaged", str(self.assertRaises(LocalError, join.parse, "x")))


    def test_own_address(self) -> None:
        address = cloud.own_address(["http://[nowhere:1", "http://127.0.0.1:8774"])
        self.assertEqual("127.0.0.1", address)
        error = self.assertRaises(LocalError, cloud.own_address, ["http://[nowhere:1"])
        self.assertIn("nowhere", str(error))


class RecordTest(NodeCase):
    def test_remembered(self) -> None:
        self.assertIsNone(record.load(self.layout))
        self.assertRaises(LocalError, record.joined, self.layout)
        self.layout.make()
        made = Record(WANTED, ("http://192.0.2.1",), None, "an-id", "then")
        record.save(self.layout, made)
        self.assertEqual(made, record.joined(self.layout))
        error = self.assertRaises(
            LocalError, lifecycle.up, self.layout, Settings(hosts=("x",)), self.told.append
        )
        self.assertIn("mycloud node start", str(error))
        self.layout.node.write_text("{")
        self.assertIn("damaged", str(self.assertRaises(LocalError, record.load, self.layout)))


if __name__ == "__main__":
    unittest.main()
