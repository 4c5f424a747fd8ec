"""The host agent as the control plane asks it, over the message bus."""

from typing import Any

import testtools

from mycloud.agent.executor import Executor
from mycloud.agent.host import Host
from mycloud.agent.registry import Registry, verb
from mycloud.common import concurrency, context, exceptions
from mycloud.common.faults import HANG, Fault
from mycloud.common.states import Vm
from mycloud.compute.requests import create
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.privileged import errors
from tests.fixtures import seeds
from tests.fixtures.cloud import Cloud


class AgentTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Cloud(hosts=2))
        self.let_go = concurrency.Event()
        self.addCleanup(self.let_go.set)

    def offer(self, *functions: Any) -> None:
        """Let host1 answer these verbs alone."""
        registry = Registry([function.verb for function in functions])
        self.cloud.computes["host1"].agent.registry = registry

    def call(self, name: str, *, timeout: float = 20, host: str = "host1", **params: Any) -> Any:
        return self.cloud.in_role(
            ComputeAPI().call_agent, context.admin_context(), host, name, params, timeout=timeout
        )

    def test_each_host_has_its_own(self) -> None:
        for name in ("host1", "host2"):
            self.assertEqual({"host": name}, self.call("agent.ping", host=name))

    def test_errors_travel(self) -> None:
        @verb("toy.fail")
        def fail(host: Host, *, kind: str) -> None:
            if kind == "refused":
                raise errors.Refused("there is a guest on it")
            if kind == "gone":
                raise errors.HelperUnavailable("nobody listens")
            if kind == "bug":
                raise ZeroDivisionError("secret")
            raise exceptions.Conflict(reason="it is Monday")

        self.offer(fail)
        for kind, expected, words in (
            ("monday", exceptions.Conflict, "it is Monday"),
            ("refused", exceptions.RootHelperRefused, "there is a guest on it"),
            ("gone", exceptions.RootHelperUnavailable, "nobody listens"),
        ):
            error = self.assertRaises(expected, self.call, "toy.fail", kind=kind)
            self.assertIn(words, error.message)
        bug = self.assertRaises(exceptions.VerbFailed, self.call, "toy.fail", kind="bug")
        self.assertNotIn("secret", bug.message)
        error = self.assertRaises(exceptions.BadField, self.call, "toy.fail")
        self.assertEqual("kind", error.kwargs["field"])
        self.assertRaises(exceptions.VerbNotFound, self.call, "toy.unknown")

    def test_a_verb_that_hangs_holds_up_nobody(self) -> None:
        @verb("toy.hang")
        def hang(host: Host) -> None:
            self.let_go.wait()

        @verb("toy.quick")
        def quick(host: Host) -> int:
            return 7

        self.offer(hang, quick)
        for _ in range(10):
            error = self.assertRaises(
                exceptions.VerbTimedOut, self.call, "toy.hang", timeout=0.05
            )
            self.assertIn("toy.hang", error.message)
        self.assertEqual(7, self.call("toy.quick"))
        executor = self.cloud.computes["host1"].agent.host.part(Executor)
        self.assertEqual(10, len(executor.look()["stuck"]))
        self.let_go.set()
        self.cloud.wait(lambda: not executor.look()["stuck"])
        self.assertEqual(8, executor.look()["workers"])


class OneWinsTest(testtools.TestCase):
    """Work on one server is done by one, whoever and however many ask for it."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Cloud())
        seeds.basics(self.cloud)
        self.manager = self.cloud.computes["host1"]

    def ring(self, operation_id: str) -> None:
        with context.role(context.COMPUTE):
            self.manager.run_operation(context.admin_context(), operation_id)

    def test_concurrent_creates_of_one_id(self) -> None:
        faults = self.manager.driver.faults
        faults.set(Fault("spawn", HANG))
        self.addCleanup(faults.set)
        made = self.cloud.in_role(create.create, self.cloud.context(), seeds.spec())
        server_id, operation_id = made.servers[0]["id"], made.servers[0]["operation_id"]
        self.cloud.wait(lambda: faults._read()[0].hits == 1, what="the guest is being made")
        # bells that ring again, also of another service that thinks that it has the work
        bells = [concurrency.spawn(self.ring, operation_id) for _ in range(8)]
        for bell in bells:
            self.assertTrue(bell.ended(5))
            self.assertIsNone(bell.error)
        [fault] = faults._read()
        self.assertEqual(1, fault.hits)
        faults.set()
        self.cloud.wait(lambda: seeds.row(server_id)["vm_state"] == Vm.ACTIVE)
        self.assertEqual([server_id], [each.server_id for each in self.manager.driver.guests()])

    def test_the_next_operation_on_a_server_waits_for_its_turn(self) -> None:
        turns, order = self.manager.turns, []
        begun, go_on = concurrency.Event(), concurrency.Event()

        def first() -> None:
            with turns.of("server"):
                begun.set()
                go_on.wait()
                order.append("first")

        def second() -> bool:
            with turns.of("server") as waited:
                order.append("second")
                return waited

        one = concurrency.spawn(first)
        begun.wait()
        two = concurrency.spawn(second)
        with turns.of("another server") as waited:
            self.assertFalse(waited)
        self.cloud.wait(lambda: turns._locks["server"][1] == 2, what="the second waits")
        self.assertEqual([], order)
        go_on.set()
        one.wait(5)
        self.assertTrue(two.wait(5))
        self.assertEqual(["first", "second"], order)
        self.assertEqual({}, turns._locks)
