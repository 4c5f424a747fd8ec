"""JSON-RPC 2.0 on the agent's port: calls, batches, notifications, and what is none of them."""

import json
import random
from typing import Any

import testtools

from mycloud.agent.host import Host
from mycloud.agent.port import rpc, settings
from mycloud.agent.port.stream import Peer
from mycloud.agent.registry import verb
from mycloud.common import concurrency, exceptions
from tests.fixtures.agent_port import AgentPort


class Toys:
    """Verbs, and what was done by them."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.let_go = concurrency.Event()

        @verb("toy.add")
        def add(host: Host, *, left: int, right: int = 0) -> int:
            """Add two numbers.

            And remember it.
            """
            self.seen.append(left + right)
            return left + right

        @verb("toy.fail")
        def fail(host: Host, *, how: str) -> Any:
            """Fail."""
            if how == "bug":
                raise ZeroDivisionError("a secret")
            if how == "no json":
                return {1, 2}
            if how == "infinity":
                return float("inf")
            raise exceptions.Conflict(reason="it is Monday")

        @verb("toy.hang")
        def hang(host: Host) -> None:
            """Hang."""
            self.let_go.wait()

        self.functions = (add, fail, hang)


class JsonRpcTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.toys = Toys()
        self.addCleanup(self.toys.let_go.set)
        self.port = self.useFixture(
            AgentPort(
                *self.toys.functions, executor={"workers": 2, "queue_size": 2},
                limits=rpc.Limits(max_batch=5, timeout=0.5),
                patience=settings.Patience(idle=2, request=2, max_bytes=4096),
            )
        )
        self.client = self.port.connect()

    def ask(self, request: Any) -> Any:
        text = request if isinstance(request, bytes) else json.dumps(request).encode()
        return self.client.ask(text)

    def check_error(self, answer: Any, code: int, words: str = "", *, of: Any = None) -> Any:
        self.assertEqual({"jsonrpc", "error", "id"}, set(answer))
        self.assertEqual((code, of), (answer["error"]["code"], answer["id"]), answer)
        self.assertIn(words, answer["error"]["message"])
        return answer["error"].get("data")

    def test_calls(self) -> None:
        for request_id in (1, 0, -3, 1.5, "a", "", None):
            answer = self.ask({"jsonrpc": "2.0", "id": request_id, "method": "toy.add",
                               "params": {"left": 2, "right": 3}})
            self.assertEqual({"jsonrpc": "2.0", "id": request_id, "result": 5}, answer)
        # no params at all, and none
        for params in ({}, {"params": []}, {"params": {}}):
            answer = self.ask({"jsonrpc": "2.0", "id": 1, "method": "agent.nothing", **params})
            self.check_error(answer, -32601, "--list-verbs", of=1)

    def test_notifications_are_not_answered(self) -> None:
        for left in (1, "x"):
            request = {"jsonrpc": "2.0", "method": "toy.add", "params": {"left": left}}
            self.client.send(json.dumps(request).encode() + b"\n")
        self.client.send(b"\n  \n")
        self.assertEqual(9, self.client.call("toy.add", left=9)["result"])
        self.assertEqual([1, 9], self.toys.seen)

    def test_batches(self) -> None:
        add = {"jsonrpc": "2.0", "method": "toy.add"}
        answers = self.ask([
            {**add, "id": 1, "params": {"left": 1}},
            {**add, "params": {"left": 50}},
            {**add, "id": "b", "params": {"left": 2}},
            7,
            {**add, "id": 3, "params": {"left": "x"}},
        ])
        self.assertEqual([1, "b", None, 3], [answer["id"] for answer in answers])
        self.assertEqual([1, 2], [answer["result"] for answer in answers[:2]])
        self.check_error(answers[2], -32600, "an object")
        self.check_error(answers[3], -32602, of=3)
        self.assertEqual([1, 50, 2], self.toys.seen)
        self.client.send(json.dumps([{**add, "params": {"left": 60}}]).encode() + b"\n")
        self.check_error(self.ask([]), -32600, "1 to 5 calls")
        self.check_error(self.ask([1] * 6), -32600, "1 to 5 calls, not 6")
        self.assertEqual(60, self.toys.seen[-1])

    def test_no_json(self) -> None:
        for text in (b"{", b'{"a": }', b"[1,", b"{'a': 1}", b'{"a": "\xff"}', b'{"id": NaN}',
                     b"[" * 3000, b'{"id": 1e999}', b"{}{}",
                     '{"jsonrpc"}'.encode("utf-16-le").replace(b"\n", b"")):
            self.check_error(self.ask(text), -32700, "no JSON")

    def test_no_request(self) -> None:
        good = {"jsonrpc": "2.0", "id": 1, "method": "toy.add"}
        for change, words, of in (
            ({"jsonrpc": "1.0"}, "jsonrpc", 1),
            ({"jsonrpc": 2}, "jsonrpc", 1),
            ({"method": 5}, "method", 1),
            ({"params": "x"}, "params", 1),
            ({"params": None}, "params", 1),
            ({"id": {}}, "id", None),
            ({"id": True}, "id", None),
            ({"parameters": {}}, "'parameters'", 1),
        ):
            self.check_error(self.ask({**good, **change}), -32600, words, of=of)
        deep: Any = 1
        for _ in range(40):
            deep = [deep]
        self.check_error(self.ask({**good, "params": {"left": deep}}), -32600, "32 lists")

    def test_arguments(self) -> None:
        for params, field in (
            ({}, "left"), ({"left": 1, "up": 2}, "up"), ({"left": "1"}, "left"), ([1, 2], "params")
        ):
            answer = self.ask({"jsonrpc": "2.0", "id": 1, "method": "toy.add", "params": params})
            data = self.check_error(answer, -32602, of=1)
            self.assertEqual(("bad_field", 400, field),
                             (data["code"], data["status"], data["field"]))
        self.assertEqual([], self.toys.seen)

    def test_verbs_that_fail(self) -> None:
        data = self.check_error(
            self.client.call("toy.fail", how="conflict"), -32000, "it is Monday", of=1
        )
        self.assertEqual({"code": "conflict", "status": 409}, data)
        for number, how in enumerate(("bug", "no json", "infinity")):
            answer = self.client.call("toy.fail", how=how)
            self.check_error(answer, -32603, "a fault of its own", of=number + 2)
            self.assertNotIn("secret", json.dumps(answer))

    def test_verbs_that_hang_hold_up_no_others(self) -> None:
        hanging = [self.port.connect() for _ in range(2)]
        for client in hanging:
            client.send(b'{"jsonrpc": "2.0", "id": 1, "method": "toy.hang"}\n')
        for client in hanging:
            data = self.check_error(json.loads(client.line()), -32000, "toy.hang has not ended",
                                    of=1)
            self.assertEqual(504, data["status"])
        self.assertEqual(3, self.client.call("toy.add", left=3)["result"])

    def test_too_many_at_once(self) -> None:
        clients = [self.port.connect() for _ in range(6)]
        for client in clients:
            client.send(b'{"jsonrpc": "2.0", "id": 1, "method": "toy.hang"}\n')
        codes = sorted(json.loads(client.line())["error"]["data"]["code"] for client in clients)
        self.assertEqual({"too_many_tasks", "verb_timed_out"}, set(codes))
        self.assertEqual(3, self.client.call("toy.add", left=3)["result"])

    def test_too_long_a_request_ends_the_connection(self) -> None:
        self.client.send(b'{"jsonrpc": "2.0", ' + b" " * 5000)
        self.check_error(json.loads(self.client.line()), -32600, "at most 4096 bytes")
        self.assertTrue(self.client.ended())
        self.assertEqual(3, self.port.connect().call("toy.add", left=3)["result"])

    def test_slow_and_silent_clients_are_let_go(self) -> None:
        self.client.send(b'{"jsonrpc": ')
        silent = self.port.connect()
        silent.call("toy.add", left=1)
        self.assertTrue(self.client.ended())
        self.assertTrue(silent.ended())

    def test_discover(self) -> None:
        found = self.client.call("rpc.discover")["result"]
        self.assertEqual("1.2.6", found["openrpc"])
        [add, *_] = found["methods"]
        self.assertEqual(("toy.add", "Add two numbers.", False),
                         (add["name"], add["summary"], add["x-changes"]))
        self.assertEqual(
            {"name": "left", "required": True, "schema": {"type": "integer"}}, add["params"][0]
        )

    def test_nonsense(self) -> None:
        """Ten thousand requests that are none: each is answered, none does anything."""
        dice = random.Random(7)
        dispatcher = rpc.Dispatcher(self.port.agent, frozenset(), rpc.Limits())
        good = b'{"jsonrpc": "2.0", "id": 1, "method": "toy.add", "params": {"left": 1}}'
        for _ in range(10_000):
            data = bytearray(good)
            for _ in range(dice.randint(1, 6)):
                at = dice.randrange(len(data))
                kind = dice.random()
                if kind < 0.5:
                    data[at] = dice.randrange(256)
                elif kind < 0.8:
                    del data[at:at + dice.randint(1, 9)]
                else:
                    data[at:at] = bytes(dice.choices(b'{}[]",:\\019e-', k=dice.randint(1, 5)))
                if not data:
                    data = bytearray(b"{")
            answer = dispatcher.answer(bytes(data), Peer("127.0.0.1"))
            if answer is not None:
                json.loads(answer)
