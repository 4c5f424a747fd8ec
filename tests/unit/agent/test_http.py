"""HTTP on the agent's port."""

import json
from typing import Any

import testtools
from prometheus_client.parser import text_string_to_metric_families

from mycloud.agent.executor import Executor
from mycloud.agent.host import Host
from mycloud.agent.metrics import Metrics
from mycloud.agent.port import settings
from mycloud.agent.registry import verb
from mycloud.common import concurrency, exceptions
from tests.fixtures.agent_port import NAME, AgentPort, Client


@verb("toy.echo")
def echo(host: Host, *, value: Any = None) -> Any:
    """Give the value back."""
    return value


class HttpTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.let_go = concurrency.Event()
        self.addCleanup(self.let_go.set)

        @verb("toy.hang")
        def hang(host: Host) -> None:
            """Hang."""
            self.let_go.wait()

        self.port = self.useFixture(
            AgentPort(
                echo, hang, executor={"workers": 1, "max_stuck": 1},
                patience=settings.Patience(idle=2, request=2, max_bytes=4096),
            )
        )
        self.client = self.port.connect()

    def ask(
        self, method: str, path: str, body: bytes = b"", *headers: str, version: str = "1.1"
    ) -> tuple[int, dict[str, str], bytes]:
        head = [f"{method} {path} HTTP/{version}", "Host: here", *headers]
        if body:
            head.append(f"Content-Length: {len(body)}")
        self.client.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        return self.answer(self.client, head=method == "HEAD")

    @staticmethod
    def answer(client: Client, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
        status = int(client.line().split()[1])
        headers = {}
        while line := client.line().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        body = b"" if head else client._file.read(int(headers.get("content-length", 0)))
        return status, headers, body

    def test_health(self) -> None:
        status, headers, body = self.ask("GET", "/healthz")
        self.assertEqual((200, "application/json"), (status, headers["content-type"]))
        self.assertEqual({"status": "ok", "host": NAME, "workers": 1, "stuck": []},
                         json.loads(body))

    def test_health_of_one_that_hangs(self) -> None:
        executor = self.port.agent.host.part(Executor)
        for _ in range(2):
            job = executor.submit(self.let_go.wait, name="hangs", timeout=0.01)
            self.assertRaises(exceptions.VerbTimedOut, job.wait)
        status, _, body = self.ask("GET", "/healthz")
        self.assertEqual((503, "stuck", 2),
                         (status, json.loads(body)["status"], len(json.loads(body)["stuck"])))

    def test_metrics(self) -> None:
        self.port.agent.host.part(Metrics).add(lambda: b"toys 5\n")
        self.ask("GET", "/healthz")
        status, headers, body = self.ask("GET", "/metrics")
        self.assertEqual(200, status)
        self.assertEqual(Metrics.CONTENT_TYPE, headers["content-type"])
        found = {each.name: each for each in text_string_to_metric_families(body.decode())}
        self.assertEqual(5, found["toys"].samples[0].value)
        [served] = [each for each in found["mycloud_agent_open_connections"].samples
                    if each.labels == {"protocol": "http"}]
        self.assertEqual(1, served.value)

    def test_jsonrpc(self) -> None:
        request = {"jsonrpc": "2.0", "id": 1, "method": "toy.echo", "params": {"value": 4}}
        status, _, body = self.ask("POST", "/jsonrpc", json.dumps(request).encode())
        self.assertEqual((200, 4), (status, json.loads(body)["result"]))
        del request["id"]
        status, headers, body = self.ask("POST", "/jsonrpc", json.dumps(request).encode())
        self.assertEqual((204, b""), (status, body))
        self.assertNotIn("content-length", headers)
        _, _, body = self.ask("POST", "/jsonrpc")
        self.assertEqual(-32700, json.loads(body)["error"]["code"])

    def test_go_on(self) -> None:
        body = b'{"jsonrpc": "2.0", "id": 1, "method": "toy.echo"}'
        self.client.send(f"POST /jsonrpc HTTP/1.1\r\nExpect: 100-continue\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n".encode())
        self.assertEqual((100, {}, b""), self.answer(self.client))
        self.client.send(body)
        self.assertEqual(200, self.answer(self.client)[0])

    def test_head_and_versions(self) -> None:
        status, headers, _ = self.ask("HEAD", "/healthz")
        self.assertEqual((200, "keep-alive"), (status, headers["connection"]))
        self.assertGreater(int(headers["content-length"]), 10)
        status, headers, _ = self.ask("GET", "/healthz", version="1.0")
        self.assertEqual((200, "close"), (status, headers["connection"]))
        self.assertTrue(self.client.ended())

    def test_what_is_not_there(self) -> None:
        status, _, body = self.ask("GET", "/")
        self.assertEqual(404, status)
        self.assertIn("/metrics", json.loads(body)["error"]["message"])
        for method, path, allowed in (("PUT", "/metrics", "GET"), ("GET", "/jsonrpc", "POST"),
                                      ("DELETE", "/healthz", "GET")):
            status, headers, _ = self.ask(method, path)
            self.assertEqual((405, allowed), (status, headers["allow"]))
        # a body that nobody wants is not taken for the next request
        status, headers, _ = self.ask("POST", "/nowhere", b"GET /metrics HTTP/1.1\r\n\r\n")
        self.assertEqual((404, "close"), (status, headers["connection"]))
        self.assertTrue(self.client.ended())

    def test_no_requests(self) -> None:
        for head, wanted in (
            (b"GET /\r\n\r\n", 400),
            (b"GET  / HTTP/1.1\r\n\r\n", 400),
            (b"GET http://else.where/ HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/3\r\n\r\n", 505),
            (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nA b: c\r\n\r\n", 400),
            (b"POST /jsonrpc HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
            (b"POST /jsonrpc HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", 400),
            (b"POST /jsonrpc HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            (b"POST /jsonrpc HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
            (b"POST /jsonrpc HTTP/1.1\r\nContent-Length: 9999\r\n\r\n", 413),
            (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 431),
            (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 70 + b"\r\n", 431),
        ):
            client = self.port.connect()
            client.send(head)
            status, headers, _ = self.answer(client)
            self.assertEqual((wanted, "close"), (status, headers["connection"]), head[:60])
            self.assertTrue(client.ended())
        self.assertEqual(200, self.ask("GET", "/healthz")[0])

    def test_slow_requests_are_let_go(self) -> None:
        self.client.send(b"GET /healthz HTT")
        self.assertTrue(self.client.ended())
        client = self.port.connect()
        client.send(b"POST /jsonrpc HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf")
        self.assertTrue(client.ended())
