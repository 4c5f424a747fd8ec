"""The agent's port: several protocols on one, plain and in TLS, whatever else connects."""

import contextlib
import os
import socket
import ssl
from typing import Any

import testtools

from mycloud.agent.host import Host
from mycloud.agent.port.stream import Stream
from mycloud.agent.registry import verb
from mycloud.common import clock, concurrency
from tests.fixtures.agent_port import NAME, AgentPort, Client
from tests.fixtures.program import wait_for

CALL = b'{"jsonrpc": "2.0", "id": 1, "method": "toy.echo"}\n'


@verb("toy.echo")
def echo(host: Host, *, value: Any = None) -> dict[str, Any]:
    """Give the value back."""
    return {"host": host.name, "value": value}


@verb("toy.change", changes=True)
def change(host: Host) -> str:
    """Change something."""
    return "changed"


@verb("toy.tell", private=True)
def tell(host: Host) -> str:
    """Tell what is not for everybody."""
    return "told"


class Toy:
    """A third protocol, as somebody might add it: TOY!text -> the text backwards."""

    NAME = "toy"
    REQUIRED_SIZE = 6

    def detect(self, data: bytes) -> bool:
        return data == b"TOYS! "

    def handle_socket(self, sock: Stream, addr: str) -> None:
        sock.limit(10)
        line = sock.readline(100)
        while line:
            sock.sendall(line.rstrip(b"\n")[6:][::-1] + b" for " + addr.encode() + b"\n")
            line = sock.readline(100)


def get(client: Client, path: str = "/healthz") -> int:
    """The status of a page."""
    client.send(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    status = client.line().split()[1]
    length = 0
    while (line := client.line()).strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    client._file.read(length)
    return int(status)


class Base(testtools.TestCase):
    def agent(self, *, tls: bool | None = None, **options: Any) -> AgentPort:
        return self.useFixture(AgentPort(echo, change, tell, tls=tls, more=(Toy(),), **options))

    def check_serves(self, port: AgentPort, **who: Any) -> None:
        """All three protocols answer."""
        client = port.connect(**who)
        self.assertEqual({"host": NAME, "value": 5}, client.call("toy.echo", value=5)["result"])
        self.assertEqual(200, get(port.connect(**who)))
        toy = port.connect(**who)
        toy.send(b"TOYS! hello\n")
        self.assertEqual(b"olleh for 127.0.0.1\n", toy.line())
        toy.send(b"TOYS! again\n")
        self.assertEqual(b"niaga for 127.0.0.1\n", toy.line())


class PlainTest(Base):
    def test_three_protocols_on_one_port(self) -> None:
        self.check_serves(self.agent())

    def test_first_bytes_may_come_one_by_one(self) -> None:
        port = self.agent()
        for whole, wanted in ((b"TOYS! hi\n", b"ih for"), (b"GET /healthz HTTP/1.0\r\n\r\n",
                                                           b"HTTP/1.1 200")):
            client = port.connect()
            for byte in whole:
                client.send(bytes([byte]))
                concurrency.sleep(0.002)
            self.assertThat(client.line(), testtools.matchers.StartsWith(wanted))

    def test_unknown_bytes_are_closed(self) -> None:
        port = self.agent()
        for data in (b"SSH-2.0-x\r\n", b"\0\0\0\0\0\0\0\0", b"TOYS", b"G", b"\x16\x03\x01\x02\0"):
            client = port.connect()
            client.send(data)
            client.sock.shutdown(socket.SHUT_WR)
            self.assertTrue(client.ended(), data)
        self.check_serves(port)
        self.assertEqual(5, port.acceptor.counts["unknown"])

    def test_silence_ends_at_the_deadline_and_holds_up_nobody(self) -> None:
        port = self.agent(greeting_timeout=0.3)
        begun = clock.monotonic()
        silent, slow = port.connect(), port.connect()
        slow.send(b"TOY")
        self.check_serves(port)
        self.assertTrue(silent.ended())
        self.assertTrue(slow.ended())
        self.assertLess(clock.monotonic() - begun, 5)
        self.assertEqual(2, port.acceptor.counts["timed out"])

    def test_connections_are_bounded(self) -> None:
        port = self.agent(max_connections=2)
        kept = [port.connect() for _ in range(2)]
        for client in kept:
            client.call("toy.echo")
        crowded = port.connect()
        crowded.send(CALL)
        self.assertTrue(crowded.ended())
        kept[0].close()
        wait_for(lambda: not port.acceptor.look()["served"].get("json-rpc", 0) > 1, "one is gone")
        self.assertEqual(NAME, port.connect().call("toy.echo")["result"]["host"])

    def test_whoever_is_silent_for_longest_makes_room(self) -> None:
        port = self.agent(max_greeting=3)
        silent = [port.connect() for _ in range(3)]
        wait_for(lambda: port.acceptor.look()["greeting"] == 3, "all are there")
        self.check_serves(port)
        self.assertTrue(silent[0].ended())
        self.assertGreater(port.acceptor.counts["crowded out"], 0)

    def test_a_protocol_with_a_fault_ends_its_connection_alone(self) -> None:
        class Broken(Toy):
            NAME = "broken"
            REQUIRED_SIZE = 2

            def detect(self, data: bytes) -> bool:
                return data == b"BR"

            def handle_socket(self, sock: Stream, addr: str) -> None:
                raise ZeroDivisionError

        port = self.useFixture(AgentPort(echo, change, more=(Broken(), Toy())))
        client = port.connect()
        client.send(b"BREAK")
        self.assertTrue(client.ended())
        self.check_serves(port)
        self.assertEqual(1, port.acceptor.counts["failed"])

    def test_stop_answers_what_was_asked_and_leaves_nothing(self) -> None:
        before = set(os.listdir("/proc/self/fd"))
        begun, go_on = concurrency.Event(), concurrency.Event()

        @verb("toy.wait")
        def wait(host: Host) -> str:
            begun.set()
            go_on.wait()
            return "late"

        port = AgentPort(wait)
        with port:
            idle, asking = port.connect(), port.connect()
            asking.send(b'{"jsonrpc": "2.0", "id": 1, "method": "toy.wait"}\n')
            begun.wait()
            stop = concurrency.spawn(port.agent.stop)
            # an idle connection ends with the stop: it has begun
            self.assertTrue(idle.ended())
            go_on.set()
            self.assertIn(b'"late"', asking.line())
            stop.wait(10)
            self.assertIsNone(port.acceptor.url)
        self.assertEqual(set(), set(os.listdir("/proc/self/fd")) - before)

    def test_a_port_that_is_taken(self) -> None:
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)
        taken = other.getsockname()[1]
        port = self.agent(port=taken, any_port=True)
        self.assertNotEqual(taken, port.port)
        self.check_serves(port)
        waiting = self.agent(port=taken)
        self.assertEqual({}, waiting.agent.published())
        other.close()
        waiting.acceptor._open()
        self.check_serves(waiting)
        self.assertEqual(
            {"agent_url": f"http://127.0.0.1:{taken}"}, waiting.agent.published()
        )


class TlsTest(Base):
    def test_three_protocols_on_one_port(self) -> None:
        self.check_serves(self.agent(tls=True))

    def test_plain_text_is_refused(self) -> None:
        port = self.agent(tls=True)
        for data in (CALL, b"GET / HTTP/1.1\r\n\r\n"):
            client = port.connect(plain=True)
            client.send(data)
            self.assertNotIn(b"result", client.line())
            self.assertTrue(client.ended())
        self.check_serves(port)

    def test_a_client_certificate_is_needed(self) -> None:
        port = self.agent(tls=True)
        with contextlib.suppress(OSError):
            # TLS 1.3: the client hears of it when it reads
            client = port.connect(who=None)
            client.send(CALL)
            self.assertEqual(b"", client.line())
        foreign = self.useFixture(AgentPort(echo, tls=True))
        with contextlib.suppress(OSError):
            context = foreign.client_context(NAME)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            sock = socket.create_connection(("127.0.0.1", port.port), timeout=20)
            client = Client(sock, context)
            self.addCleanup(client.close)
            client.send(CALL)
            self.assertEqual(b"", client.line())
        self.check_serves(port)
        self.assertEqual(2, port.acceptor.counts["no TLS"])

    def test_who_may_change_the_host(self) -> None:
        def told(port: AgentPort, **who: Any) -> Any:
            return port.connect(**who).call("toy.change")

        strict, lenient, plain = self.agent(tls=True), self.agent(tls=False), self.agent()
        for port in (strict, lenient):
            for name in (NAME, "friend"):
                self.assertEqual("changed", told(port, who=name)["result"])
        for answer, words in (
            (told(strict, who="stranger"), "[agent]allowed_names"),
            (told(lenient, who=None), "show a client certificate"),
            (told(plain), "needs TLS and a client certificate"),
        ):
            self.assertEqual("verb_not_allowed", answer["error"]["data"]["code"])
            self.assertIn(words, answer["error"]["message"])
        self.check_serves(lenient, who=None)

    def test_who_may_be_told_what_is_private(self) -> None:
        strict, plain = self.agent(tls=True), self.agent()
        self.assertEqual("told", strict.connect().call("toy.tell")["result"])
        answer = plain.connect().call("toy.tell")
        self.assertIn("is not for everybody: over this port", answer["error"]["message"])

    def test_half_a_handshake_ends_at_the_deadline(self) -> None:
        port = self.agent(tls=True, greeting_timeout=0.4)
        half = port.connect(plain=True)
        half.send(b"\x16\x03\x01\x02\x00\x01\x00")
        trickling = port.connect(plain=True)
        for byte in b"\x16\x03\x01":
            trickling.send(bytes([byte]))
        self.check_serves(port)
        self.assertTrue(half.ended())
        self.assertTrue(trickling.ended())
        self.assertEqual(2, port.acceptor.counts["timed out"])

    def test_large_answers(self) -> None:
        port = self.agent(tls=True)
        text = "x" * 900_000
        client = port.connect()
        for _ in range(3):
            self.assertEqual(text, client.call("toy.echo", value=text)["result"]["value"])


class CrowdTest(Base):
    """A thousand at once that mean no good."""

    COUNT = 1000

    def crowd(self, port: AgentPort) -> list[socket.socket]:
        found = []
        for number in range(self.COUNT):
            sock = socket.socket()
            self.addCleanup(sock.close)
            sock.settimeout(20)
            sock.connect(("127.0.0.1", port.port))
            found.append(sock)
            if number % 4 == 1:
                sock.send(os.urandom(64))
            elif number % 4 == 2:
                sock.send(b"\x16\x03\x01\x02\x00")
            elif number % 4 == 3:
                sock.send(b"G")
        return found

    def check(self, **who: Any) -> None:
        port = self.agent(greeting_timeout=2, **who)
        crowd = self.crowd(port)
        begun = clock.monotonic()
        self.check_serves(port)
        self.assertLess(clock.monotonic() - begun, 5)
        # all of them are let go of, though they stay
        wait_for(lambda: port.acceptor.look()["greeting"] == 0, "all are dropped", timeout=20)
        self.check_serves(port)
        self.assertEqual(self.COUNT, len(crowd))

    def test_plain(self) -> None:
        self.check()

    def test_tls(self) -> None:
        self.check(tls=True)


class BrokenPortTest(Base):
    def test_a_port_that_breaks_is_opened_again(self) -> None:
        port = self.agent()
        accept_one, broken = port.acceptor._accept_one, []

        def break_once(sock: socket.socket) -> None:
            accept_one(sock)
            if not broken:
                broken.append(sock)
                raise MemoryError

        port.acceptor._accept_one = break_once
        # the one that waits in accept() is the old one still
        for _ in range(2):
            socket.create_connection(("127.0.0.1", port.port), 5).close()
        wait_for(lambda: port.acceptor.address is None, "it is closed")
        wait_for(lambda: port.acceptor.address is not None, "it listens again")
        self.check_serves(port)
