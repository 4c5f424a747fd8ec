"""Files between hosts over the agent's port: by ticket, in ranges, once."""

import hashlib
import os
from pathlib import Path
from typing import Any

import fixtures
import requests
import testtools

from mycloud.agent.scheduler import Scheduler
from mycloud.agent.transfer.intervals import Intervals
from mycloud.agent.transfer.tickets import Tickets
from mycloud.common import exceptions
from mycloud.disk import host_transfer
from mycloud.disk.host_transfer import Pass
from tests.fixtures.agent_port import NAME, AgentPort
from tests.fixtures.program import wait_for

DATA = os.urandom(300_000) + bytes(2 << 20) + os.urandom(700_001)


class IntervalsTest(testtools.TestCase):
    def test_in_any_order(self) -> None:
        found = Intervals()
        for start, end in ((5, 10), (20, 30), (10, 12), (3, 4), (0, 1), (2, 2)):
            found.add(start, end)
        self.assertEqual([[0, 1], [3, 4], [5, 12], [20, 30]], found.told())
        self.assertTrue(found.has(5, 12) and found.has(7, 8) and found.has(9, 9))
        self.assertFalse(found.has(0, 2) or found.has(11, 21))
        self.assertTrue(found.touches(0, 100) and found.touches(11, 21))
        self.assertFalse(found.touches(12, 20) or found.touches(1, 3))
        found.add(0, 40)
        self.assertEqual([[0, 40]], found.told())


class TicketsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.root = self.folder / "instances"
        self.root.mkdir()
        self.file = self.root / "disk"
        self.file.write_bytes(DATA)
        self.scheduler = Scheduler(lambda: self.now)
        self.tickets = Tickets(self.scheduler, (self.root,), longest=3600)

    def bad(self, fn: Any, *args: Any, **more: Any) -> str:
        message: str = self.assertRaises(exceptions.BadField, fn, *args, **more).message
        return message

    def test_what_may_be_fetched(self) -> None:
        secret = self.folder / "secret"
        secret.write_text("key")
        (self.root / "link").symlink_to(secret)
        (self.root / "out").symlink_to(self.folder)
        (self.root / "folder").mkdir()
        os.mkfifo(self.root / "pipe")
        for path, words in (
            (secret, "not below"),
            (self.root / ".." / "secret", "not below"),
            (self.root / "out" / "secret", "not below"),
            (self.root / "link", "no regular file"),
            (self.root / "folder", "no regular file"),
            (self.root / "pipe", "no regular file"),
            (self.root / "nothing", "can't be read"),
            (self.root / "no" / "where", "no directory"),
        ):
            self.assertIn(words, self.bad(self.tickets.offer, path, "peer", 60))
        for seconds in (0, -1, 3601):
            self.assertIn("seconds", self.bad(self.tickets.offer, self.file, "peer", seconds))
        self.assertEqual([], self.tickets.every())

    def test_what_may_be_sent(self) -> None:
        self.assertIn("there already", self.bad(
            self.tickets.accept, self.file, "peer", 60, size=5))
        self.assertIn("size", self.bad(
            self.tickets.accept, self.root / "new", "peer", 60, size=0))
        self.assertIn("not below", self.bad(
            self.tickets.accept, self.folder / "new", "peer", 60, size=5))

    def test_secrets(self) -> None:
        ticket, secret = self.tickets.offer(self.file, "peer", 60)
        self.assertGreaterEqual(len(secret), 43)
        self.assertNotIn(secret, repr(ticket))
        self.assertIs(ticket, self.tickets.redeem(ticket.id, secret))
        for number, word in ((ticket.id, secret[:-1]), (ticket.id, ""), ("other", secret),
                             (ticket.id, "\udcff")):
            self.assertRaises(exceptions.TicketInvalid, self.tickets.redeem, number, word)

    def test_time_and_end(self) -> None:
        ticket, secret = self.tickets.accept(self.root / "new", "peer", 60, size=5)
        ticket.part.write_bytes(b"12345")
        self.now += 61
        self.scheduler.run_due()
        self.assertRaises(exceptions.TicketInvalid, self.tickets.redeem, ticket.id, secret)
        self.assertFalse(ticket.part.exists())
        ticket, secret = self.tickets.offer(self.file, "peer", 60)
        self.assertFalse(self.tickets.moved(ticket, 10, ticket.size))
        self.assertTrue(self.tickets.moved(ticket, 0, 10))
        self.tickets.finish(ticket)
        self.assertRaises(exceptions.TicketInvalid, self.tickets.redeem, ticket.id, secret)
        self.assertEqual(0, self.scheduler.waiting)

    def test_they_are_bounded_and_end_with_the_agent(self) -> None:
        for _ in range(256):
            self.tickets.offer(self.file, "peer", 60)
        self.assertRaises(exceptions.TooManyTasks, self.tickets.offer, self.file, "peer", 60)
        self.tickets.stop()
        self.assertEqual([], self.tickets.every())


class TransfersTest(testtools.TestCase):
    tls = False

    def setUp(self) -> None:
        super().setUp()
        self.port = self.useFixture(AgentPort(tls=True if self.tls else None))
        self.root = self.port.folder / "instances"
        self.root.mkdir()
        self.file = self.root / "disk"
        self.file.write_bytes(DATA)
        self.pki = self.port.folder / "authority" / "hosts" / "friend"
        self.target = self.port.folder / "copy"
        self.session = requests.Session()
        # not what the environment says of certificates
        self.session.trust_env = False
        self.addCleanup(self.session.close)
        if self.tls:
            self.session.verify = str(self.pki / "ca-cert.pem")
            self.session.cert = (
                str(self.pki / "client-cert.pem"), str(self.pki / "client-key.pem"))

    def call(self, verb: str, **params: Any) -> Any:
        return self.port.agent.call(verb, params, timeout=10)

    def offer(self, **more: Any) -> Pass:
        told = self.call("transfer.offer", **{"path": str(self.file), "peer": "friend", **more})
        return Pass(told["url"], told["token"], told["size"])

    def accept(self, data: bytes = DATA, **more: Any) -> Pass:
        told = self.call("transfer.accept", **{
            "path": str(self.root / "new"), "peer": "friend", "size": len(data), **more})
        return Pass(told["url"], told["token"], told["size"])

    def ask(self, method: str, shown: Pass, data: bytes | None = None, **headers: str) -> Any:
        return self.session.request(
            method, shown.url, data=data, timeout=20,
            headers={"Authorization": f"Bearer {shown.token}",
                     **{name.replace("_", "-"): value for name, value in headers.items()}})

    def test_fetch(self) -> None:
        host_transfer.fetch(self.offer(), self.target, self.pki)
        self.assertEqual(DATA, self.target.read_bytes())
        self.assertEqual([], self.call("transfer.list"))

    def test_send(self) -> None:
        shown = self.accept(sha256=hashlib.sha256(DATA).hexdigest())
        host_transfer.send(shown, self.file, self.pki)
        new = self.root / "new"
        self.assertEqual(DATA, new.read_bytes())
        # the zeros in the middle are a hole
        self.assertLess(new.stat().st_blocks * 512, len(DATA) - (1 << 20))
        self.assertEqual(0o600, new.stat().st_mode & 0o777)
        self.assertEqual([], self.call("transfer.list"))
        self.assertEqual({"disk", "new"}, set(os.listdir(self.root)))

    def test_ranges_until_all_is_fetched(self) -> None:
        shown = self.offer()
        found = self.ask("HEAD", shown)
        self.assertEqual((200, str(len(DATA)), "bytes"), (
            found.status_code, found.headers["Content-Length"], found.headers["Accept-Ranges"]))
        size = len(DATA)
        for asked, start, end in (
            ("bytes=0-9", 0, 10), ("bytes=-5", size - 5, size), ("bytes=100-99999999", 100, size),
        ):
            found = self.ask("GET", shown, Range=asked)
            self.assertEqual(206, found.status_code)
            self.assertEqual(DATA[start:end], found.content)
            self.assertEqual(f"bytes {start}-{end - 1}/{size}", found.headers["Content-Range"])
        [told] = self.call("transfer.list")
        self.assertEqual([[0, 10], [100, size]], told["moved"])
        for asked in (f"bytes={size}-", "bytes=9-3", "bytes=-0", "bytes=-", "bytes=1-2,5-6", "x"):
            found = self.ask("GET", shown, Range=asked)
            self.assertEqual((416, f"bytes */{size}"),
                             (found.status_code, found.headers["Content-Range"]), asked)
        self.assertEqual(DATA[10:100], self.ask("GET", shown, Range="bytes=10-99").content)
        self.assertEqual(404, self.ask("GET", shown).status_code)

    def test_parts_until_all_is_sent(self) -> None:
        shown = self.accept()
        size = len(DATA)
        for start, end in ((500_000, size), (0, 100), (50, 400)):
            found = self.ask("PUT", shown, DATA[start:end],
                             Content_Range=f"bytes {start}-{end - 1}/{size}")
            self.assertEqual(202, found.status_code, found.text)
        self.assertEqual(f"0-399,500000-{size - 1}", found.headers["X-Mycloud-Received"])
        self.assertEqual([[0, 400], [500_000, size]], self.ask("GET", shown).json()["received"])
        self.assertFalse((self.root / "new").exists())
        found = self.ask("PUT", shown, DATA[400:500_000],
                         Content_Range=f"bytes 400-499999/{size}")
        self.assertEqual(201, found.status_code)
        self.assertEqual(DATA, (self.root / "new").read_bytes())

    def test_what_can_not_be_sent(self) -> None:
        shown = self.accept()
        size = len(DATA)
        for data, headers, status in (
            (b"short", {}, 400),
            (b"12345", {"Content_Range": "bytes 0-4/99"}, 416),
            (b"12345", {"Content_Range": f"bytes 0-5/{size}"}, 416),
            (b"12345", {"Content_Range": f"bytes {size}-{size + 4}/{size}"}, 416),
            (b"12345", {"Content_Range": "0-4"}, 400),
        ):
            self.assertEqual(status, self.ask("PUT", shown, data, **headers).status_code)
        self.assertEqual([], self.ask("GET", shown).json()["received"])
        self.assertEqual(405, self.ask("PUT", self.offer(), DATA).status_code)
        self.assertEqual(405, self.ask("DELETE", shown).status_code)

    def test_a_file_that_was_damaged_on_its_way(self) -> None:
        shown = self.accept(sha256=hashlib.sha256(DATA).hexdigest())
        found = self.ask("PUT", shown, b"x" + DATA[1:])
        self.assertEqual((422, "transfer_damaged"),
                         (found.status_code, found.json()["error"]["code"]))
        self.assertEqual({"disk"}, set(os.listdir(self.root)))
        self.assertEqual(201, self.ask("PUT", shown, DATA).status_code)
        self.assertEqual(DATA, (self.root / "new").read_bytes())

    def test_nothing_is_replaced(self) -> None:
        shown = self.accept()
        (self.root / "new").write_text("mine")
        self.assertEqual(409, self.ask("PUT", shown, DATA).status_code)
        self.assertEqual("mine", (self.root / "new").read_text())

    def test_cancelled(self) -> None:
        shown = self.accept()
        self.ask("PUT", shown, DATA[:10], Content_Range=f"bytes 0-9/{len(DATA)}")
        self.assertEqual(2, len(os.listdir(self.root)))
        ticket = shown.url.rpartition("/")[2]
        self.assertEqual({"cancelled": True}, self.call("transfer.cancel", id=ticket))
        self.assertEqual({"cancelled": False}, self.call("transfer.cancel", id=ticket))
        self.assertEqual({"disk"}, set(os.listdir(self.root)))
        self.assertEqual(404, self.ask("GET", shown).status_code)

    def test_whoever_has_no_ticket(self) -> None:
        shown = self.offer()
        self.assertEqual(401, self.ask("GET", shown, Authorization="Basic eDp5").status_code)
        self.assertEqual(
            404, self.ask("GET", shown, Authorization="Bearer nonsense").status_code)
        nothing = Pass(shown.url[:-1] + "z", shown.token, 1)
        self.assertEqual(404, self.ask("GET", nothing).status_code)
        error = self.assertRaises(
            exceptions.Unavailable, host_transfer.fetch, nothing, self.target, self.pki)
        self.assertEqual(503, error.status)

    def test_a_broken_connection_is_taken_up(self) -> None:
        shown = self.accept()
        client = self.port.connect("friend")
        client.send(
            f"PUT /transfers/{shown.url.rpartition('/')[2]} HTTP/1.1\r\n"
            f"Authorization: Bearer {shown.token}\r\n"
            f"Content-Length: {len(DATA)}\r\n\r\n".encode() + DATA[:150_000])
        wait_for(lambda: self.ask("GET", shown).json()["received"] == [[0, 150_000]], "it came")
        client.close()
        with self.file.open("rb") as file:
            file.seek(150_000)
            host_transfer._send_rest(shown, file, self.pki)
        self.assertEqual(DATA, (self.root / "new").read_bytes())


class TlsTransfersTest(TransfersTest):
    tls = True

    def test_another_host(self) -> None:
        shown = self.offer()
        bundle = self.port.folder / "authority" / "hosts"
        for name, status in ((NAME, 403), ("stranger", 403), ("friend", 200)):
            self.session.close()
            self.session.cert = (
                str(bundle / name / "client-cert.pem"), str(bundle / name / "client-key.pem"))
            self.assertEqual(status, self.ask("GET", shown).status_code)
