"""The host agent as the control plane asks it, over the message bus."""

from typing import Any

import testtools

from mycloud.agent.executor import Executor
from mycloud.agent.host import Host
from mycloud.agent.registry import Registry, verb
from mycloud.common import concurrency, context, exceptions
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.privileged import errors
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
