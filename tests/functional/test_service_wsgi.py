"""The HTTP server: TLS, limits, keeping connections, draining, starting again."""

import hashlib
import logging
import socket
import ssl
import unittest
from collections.abc import Callable, Iterable
from typing import Any

import fixtures
import requests
import testtools

from mycloud.common import clock, concurrency, exceptions, wsgi_server
from tests.fixtures.pki import Authority
from tests.fixtures.program import wait_for


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Tells the path and the body's digest; /slow answers after half a second."""
    if environ["PATH_INFO"] == "/slow":
        concurrency.sleep(0.5)
    digest = hashlib.sha256()
    while block := environ["wsgi.input"].read(65536):
        digest.update(block)
    body = f"{environ['PATH_INFO']} {digest.hexdigest()}".encode()
    if environ["PATH_INFO"] == "/large":
        body = bytes(3 << 20)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class WsgiServerTest(testtools.TestCase):
    def serve(self, **settings: Any) -> wsgi_server.Server:
        sock = wsgi_server.listen("127.0.0.1", 0)
        server = wsgi_server.Server(
            application, sock, wsgi_server.ServerSettings(**settings)
        )
        server.start()
        self.addCleanup(server.close)
        return server

    def talk(self, server: wsgi_server.Server, data: bytes) -> bytes:
        """Everything that the server says to these bytes, up to its closing."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
            sock.sendall(data)
            said = b""
            while block := sock.recv(65536):
                said += block
        return said

    def ask(self, sock: socket.socket) -> None:
        """One request and its whole answer, on an open connection."""
        sock.sendall(b"GET /k HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        while not said.endswith(hashlib.sha256().hexdigest().encode()):
            block = sock.recv(65536)
            self.assertNotEqual(b"", block)
            said += block
        self.assertIn(b"200 OK", said)

    def test_port_0_is_a_real_port(self) -> None:
        server = self.serve()
        self.assertGreater(server.port, 0)
        self.assertEqual(200, requests.get(f"{server.url}/x", timeout=5).status_code)

    def test_a_taken_port_names_the_option(self) -> None:
        server = self.serve()
        error = self.assertRaises(
            exceptions.ConfigError, wsgi_server.listen, "127.0.0.1", server.port
        )
        self.assertIn("[api]/port", error.message)

    def test_stop_and_start_again(self) -> None:
        server = self.serve()
        url = server.url
        for _ in range(2):
            self.assertEqual(200, requests.get(url, timeout=5).status_code)
            server.stop()
            server.start()
        self.assertEqual(url, server.url)
        self.assertRaises(RuntimeError, server.start)

    def test_a_long_url_is_refused_with_414(self) -> None:
        server = self.serve(url_length_limit=300)
        self.assertEqual(200, requests.get(f"{server.url}/{'a' * 200}", timeout=5).status_code)
        self.assertEqual(414, requests.get(f"{server.url}/{'a' * 400}", timeout=5).status_code)

    def test_a_connection_serves_many_requests(self) -> None:
        server = self.serve()
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
            for _ in range(3):
                self.ask(sock)

    def test_keepalive_can_be_switched_off(self) -> None:
        server = self.serve(keepalive=False)
        said = self.talk(server, b"GET /k HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(1, said.count(b"200 OK"))

    def test_a_silent_connection_is_closed(self) -> None:
        server = self.serve(idle_timeout=1)
        started = clock.monotonic()
        self.talk(server, b"")
        self.assertLess(clock.monotonic() - started, 8)

    def test_large_bodies_go_both_ways_whole(self) -> None:
        server = self.serve()
        body = b"0123456789abcdef" * (1 << 17)
        answer = requests.put(f"{server.url}/up", data=body, timeout=20)
        self.assertEqual(f"/up {hashlib.sha256(body).hexdigest()}", answer.text)
        chunks = (body[start : start + 50000] for start in range(0, len(body), 50000))
        answer = requests.put(f"{server.url}/up", data=chunks, timeout=20)
        self.assertEqual(f"/up {hashlib.sha256(body).hexdigest()}", answer.text)
        self.assertEqual(3 << 20, len(requests.get(f"{server.url}/large", timeout=20).content))

    def test_stop_drains_and_closes_idle_connections(self) -> None:
        server = self.serve()
        idle = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.addCleanup(idle.close)
        self.ask(idle)
        slow = concurrency.spawn(requests.get, f"{server.url}/slow", timeout=10)
        concurrency.sleep(0.2)
        server.stop()
        self.assertEqual(200, slow.wait(5).status_code)
        self.assertEqual(b"", idle.recv(100))
        # the socket is kept: who comes now is answered when it starts again
        late = concurrency.spawn(requests.get, server.url, timeout=10)
        self.assertFalse(late.ended(0.3))
        server.start()
        self.assertEqual(200, late.wait(5).status_code)

    def test_requests_are_logged_in_the_format_that_was_asked_for(self) -> None:
        logger = self.useFixture(fixtures.FakeLogger("mycloud.access", level=logging.INFO))
        server = self.serve(access_log_format="%(method)s|%(path)s|%(status)s|%(query)s")
        requests.get(f"{server.url}/seen?a=1", timeout=5)
        wait_for(lambda: "GET|/seen|200|a=1" in logger.output, "the line")


class TlsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.authority = self.useFixture(Authority())

    def serve(self, **more: Any) -> str:
        context = wsgi_server.tls_context(*self.authority.issue("server"), **more)
        server = wsgi_server.Server(
            application,
            wsgi_server.listen("127.0.0.1", 0),
            wsgi_server.ServerSettings(tls=context),
        )
        server.start()
        self.addCleanup(server.close)
        self.assertTrue(server.url.startswith("https://"))
        return server.url

    def test_https_with_our_own_authority(self) -> None:
        url = self.serve()
        session = requests.Session()
        self.addCleanup(session.close)
        session.trust_env = False
        session.verify = self.authority.ca_file
        for _ in range(3):
            self.assertEqual(200, session.get(url, timeout=10).status_code)
        body = b"0123456789abcdef" * (1 << 16)
        answer = session.put(f"{url}/up", data=body, timeout=20)
        self.assertEqual(f"/up {hashlib.sha256(body).hexdigest()}", answer.text)
        self.assertEqual(3 << 20, len(session.get(f"{url}/large", timeout=20).content))

    def test_strangers_do_not_trust_it(self) -> None:
        self.assertRaises(requests.exceptions.SSLError, requests.get, self.serve(), timeout=10)

    def test_plain_http_gets_no_answer_and_does_no_harm(self) -> None:
        url = self.serve()
        plain = url.replace("https", "http")
        self.assertRaises(requests.ConnectionError, requests.get, plain, timeout=10)
        answer = requests.get(url, verify=self.authority.ca_file, timeout=10)
        self.assertEqual(200, answer.status_code)

    def test_clients_may_have_to_show_a_certificate(self) -> None:
        url = self.serve(client_ca_file=self.authority.ca_file)
        self.assertRaises(
            requests.ConnectionError,
            requests.get, url, verify=self.authority.ca_file, timeout=10,
        )
        answer = requests.get(
            url, verify=self.authority.ca_file, cert=self.authority.issue("client"), timeout=10
        )
        self.assertEqual(200, answer.status_code)

    def test_a_missing_certificate_names_the_option(self) -> None:
        error = self.assertRaises(
            exceptions.ConfigError, wsgi_server.tls_context, "/nonexistent/cert", None
        )
        self.assertIn("tls_cert_file", error.message)

    def test_old_protocols_are_refused(self) -> None:
        url = self.serve()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            self.assertRaises(OSError, context.wrap_socket, sock)


if __name__ == "__main__":
    unittest.main()
