"""The networks of a host, changed by the control plane: the whole cloud in this process, and the
real root helper in a network namespace with NICs of its own."""

from __future__ import annotations

import unittest
from typing import Any

import sqlalchemy
from oslo_config import cfg

from mycloud.agent.port.acceptor import Acceptor
from mycloud.common import concurrency
from mycloud.db import engine, hosts, models
from mycloud.privileged import client
from tests.fixtures import privileged
from tests.fixtures.compute_api import Answer, ComputeApiCase
from tests.fixtures.network_namespace import NetworkNamespace
from tests.fixtures.privileged import PrivilegedHelper

BRIDGED = {
    "networks": {
        "guests": {"nic": "eth1", "bridged": True, "mtu": 1400, "addresses": ["192.0.2.9/24"]}
    }
}
OTHER = {"networks": {"backup": {"nic": "eth0", "addresses": ["198.51.100.4/24"]}}}


@unittest.skipIf(privileged.why_not(), privileged.why_not())
class HostNetworkCase(ComputeApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.inside, outside = NetworkNamespace(), NetworkNamespace()
        self.addCleanup(outside.close)
        self.addCleanup(self.inside.close)
        for number in (0, 1):
            self.inside.pair(f"eth{number}", outside, f"port{number}")
        self.helper = self.useFixture(PrivilegedHelper(netns=self.inside.name))
        # a service that is stopped leaves a change to its next life
        cfg.CONF.set_override("graceful_shutdown_timeout_seconds", 1)
        self.addCleanup(cfg.CONF.clear_override, "graceful_shutdown_timeout_seconds")

    def ask(
        self, method: str = "GET", body: Any = None, *, host: str = "host1", by: Any = None,
        **headers: str,
    ) -> Answer:
        return self.call(
            method, f"/hosts/{host}/network", body, by=by or self.operator, api="/cloud/v1",
            version=None, **headers,
        )

    def put(self, document: Any, **more: Any) -> str:
        """Have it applied; the operation's id."""
        answer = self.ask("PUT", {"network": document, **more})
        self.assertEqual(202, answer.status, answer)
        self.assertEqual(
            answer.body["operation"]["id"], answer.headers["X-Mycloud-Operation-Id"]
        )
        operation_id: str = answer.body["operation"]["id"]
        return operation_id

    def network(self) -> dict[str, Any]:
        answer = self.ask()
        self.assertEqual(200, answer.status, answer)
        found: dict[str, Any] = answer.body["network"]
        return found

    def links(self) -> dict[str, str | None]:
        """Names of the links inside, and their masters."""
        return {each["ifname"]: each.get("master") for each in self.inside.ip_json("link")}

    def assert_bridged(self) -> None:
        self.assertEqual("guests", self.links()["eth1"])
        network = self.network()
        self.assertEqual(["guests"], list(network["document"]["networks"]))
        self.assertIsNone(network["armed"])

    def assert_as_before(self) -> None:
        self.assertEqual({"lo", "eth0", "eth1"}, set(self.links()))
        network = self.network()
        self.assertEqual({}, network["document"]["networks"])
        self.assertIsNone(network["armed"])

    def steps(self, operation: dict[str, Any]) -> list[tuple[str, str]]:
        return [(step["name"], step["state"]) for step in operation["steps"]]

    def until(self, operation_id: str, step: str) -> None:
        """Until that step of the operation runs."""

        def runs() -> bool:
            found = self.call(
                "GET", f"/operations/{operation_id}", api="/cloud/v1", by=self.operator
            ).body["operation"]
            return (step, "running") in self.steps(found)

        self.cloud.wait(runs, what=f"the beginning of {step}")

    def close_port(self) -> None:
        """Nobody reaches the host's agent any more."""
        self.cloud.computes["host1"].agent.host.part(Acceptor).stop()


class ApplyTest(HostNetworkCase):
    def test_change_and_story(self) -> None:
        operation = self.ended(self.put(BRIDGED))
        self.assertEqual("succeeded", operation["state"], operation)
        self.assertEqual(
            [("plan", "done"), ("apply", "done"), ("prove", "done"), ("commit", "done")],
            self.steps(operation),
        )
        self.assert_bridged()
        network = self.network()
        self.assertEqual(
            ("committed", operation["id"]),
            (network["last"]["outcome"], network["last"]["operation"]),
        )
        self.assertIn(f"[{operation['id']}] call", self.helper.log())
        story = self.call(
            "GET", f"/why/{operation['id']}", by=self.operator, api="/cloud/v1", version=None
        ).body
        self.assertEqual(("host", "host1"), (story["resource"]["type"], story["resource"]["name"]))
        self.assertIn("Nothing is wrong: host.network succeeded", story["cause"])
        # and once more: there is nothing to do
        operation = self.ended(self.put(BRIDGED))
        self.assertEqual("succeeded", operation["state"])
        self.assertEqual(
            [("plan", "done"), ("apply", "done"), ("prove", "skipped"), ("commit", "skipped")],
            self.steps(operation),
        )

    def test_dry_run(self) -> None:
        answer = self.ask("PUT", {"network": BRIDGED, "dry_run": True})
        self.assertEqual(200, answer.status, answer)
        self.assertTrue(any("guests" in line for line in answer.body["plan"]["lines"]))
        self.assertNotIn("X-Mycloud-Operation-Id", answer.headers)
        self.assert_as_before()

    def test_bad_input_changes_nothing(self) -> None:
        for body, words in (
            ({"network": {"networks": {"a": {"nic": "eth9"}}}}, "networks.a.nic"),
            ({"network": {"networks": {"a": {"nic": "--help"}}}}, "networks.a.nic"),
            ({"network": {"nets": {}}}, "nets"),
            ({"network": {"networks": {"a": {"nic": "eth0", "addresses": ["x"]}}}},
             "networks.a.addresses[0]"),
            ({"network": []}, "network"),
            ({}, "network"),
            ({"network": BRIDGED, "timeout": 0}, "timeout"),
            ({"network": BRIDGED, "timeout": "1"}, "timeout"),
            ({"network": BRIDGED, "force": True}, "force"),
        ):
            for more in ({}, {"dry_run": True}):
                answer = self.ask("PUT", {**body, **more})
                self.assertEqual(400, answer.status, (body, answer))
                self.assertIn(words, answer.raw.decode())
        self.assertEqual(404, self.ask(host="nowhere").status)
        self.assertEqual(404, self.ask("PUT", {"network": BRIDGED}, host="nowhere").status)
        self.assertEqual(403, self.ask(by=self.member).status)
        self.assertEqual(403, self.ask("PUT", {"network": BRIDGED}, by=self.member).status)
        self.assert_as_before()

    def test_one_at_a_time(self) -> None:
        self.close_port()
        first = self.put(BRIDGED, timeout=20)
        answer = self.ask("PUT", {"network": OTHER})
        self.assertEqual(409, answer.status, answer)
        self.assertIn(first, answer.raw.decode())
        self.assertEqual("failed", self.ended(first)["state"])

    def test_a_retry_is_the_same_operation(self) -> None:
        body = {"network": BRIDGED}
        first = self.ask("PUT", body, Idempotency_Key="k")
        second = self.ask("PUT", body, Idempotency_Key="k")
        self.assertEqual(first.body["operation"]["id"], second.body["operation"]["id"])
        self.assertEqual("succeeded", self.ended(first.body["operation"]["id"])["state"])

    def test_no_helper(self) -> None:
        self.helper.end()
        answer = self.ask()
        self.assertEqual(503, answer.status, answer)
        self.assertIn("root helper", answer.raw.decode())
        self.assertEqual(503, self.ask("PUT", {"network": BRIDGED}).status)


class ProofTest(HostNetworkCase):
    def test_a_host_that_is_not_reached_goes_back(self) -> None:
        self.close_port()
        operation = self.ended(self.put(BRIDGED, timeout=8))
        self.assertEqual("failed", operation["state"])
        self.assertEqual("host_network_unproved", operation["code"])
        self.assertRegex(
            operation["reason"],
            r"did not reach the host within \d s .* so they are as they were: The control plane "
            r"does not reach host1 at 127.0.0.1:\d+: Connection refused",
        )
        self.assertEqual(
            [("plan", "done"), ("apply", "undone"), ("prove", "failed")], self.steps(operation)
        )
        self.assert_as_before()
        self.assertIn("did not reach it", self.network()["last"]["reason"])

    def test_an_address_that_can_t_be_read_proves_nothing(self) -> None:
        self.cloud.in_role(self.garble_port)
        operation = self.ended(self.put(BRIDGED, timeout=8))
        self.assertEqual("host_network_unproved", operation["code"], operation)
        self.assertRegex(operation["reason"], "so they are as they were: .*:no-port: Port could")
        self.assert_as_before()

    def garble_port(self) -> None:
        with engine.writer() as conn:
            row = hosts.by_name(conn, "host1")
            told = {**row["capabilities"], "agent_url": "http://127.0.0.1:no-port"}
            conn.execute(sqlalchemy.update(models.hosts).values(capabilities=told))

    def test_the_conductor_dies_and_comes_back_in_time(self) -> None:
        self.close_port()
        operation_id = self.put(BRIDGED, timeout=60)
        self.until(operation_id, "prove")
        self.cloud.services.pop("conductor").stop()
        self.cloud.computes["host1"].agent.host.part(Acceptor).start()
        self.cloud.start()
        self.cloud.computes["host1"].publish_inventory(self.operator)
        self.assertEqual("succeeded", self.ended(operation_id)["state"])
        self.assert_bridged()

    def test_the_conductor_stays_away(self) -> None:
        """The helper goes back, and the operation tells so when it can."""
        self.close_port()
        operation_id = self.put(BRIDGED, timeout=6)
        self.until(operation_id, "prove")
        self.cloud.services.pop("conductor").stop()
        self.cloud.wait(lambda: "guests" not in self.links(), what="the way back")
        self.cloud.start()
        operation = self.ended(operation_id)
        self.assertEqual("failed", operation["state"])
        self.assertIn("as it was", operation["reason"].replace("they were", "it was"))
        self.assert_as_before()


class DeathTest(HostNetworkCase):
    """Of the compute service, with its agent, and of the helper: at each step."""

    def restart_compute(self) -> None:
        self.cloud.services.pop("host1").stop()
        self.cloud.start()

    def test_compute_is_restarted_while_it_waits_for_a_proof(self) -> None:
        self.close_port()
        operation_id = self.put(BRIDGED, timeout=60)
        self.until(operation_id, "prove")
        # the new life has a port again
        self.restart_compute()
        operation = self.ended(operation_id)
        self.assertEqual("succeeded", operation["state"], operation)
        self.assertIn(("apply", "skipped"), self.steps(operation))
        self.assert_bridged()

    def test_compute_comes_back_after_the_helper_went_back(self) -> None:
        self.close_port()
        operation_id = self.put(BRIDGED, timeout=20)
        self.until(operation_id, "prove")
        self.cloud.services.pop("host1").stop()
        self.cloud.wait(
            lambda: "guests" not in self.links(), what="the way back", timeout=60
        )
        self.cloud.start()
        operation = self.ended(operation_id)
        self.assertEqual("failed", operation["state"], operation)
        self.assertEqual("host_network_not_applied", operation["code"])
        self.assertIn("deadline has passed without a commit", operation["reason"])
        self.assert_as_before()

    def test_the_helper_dies_while_the_proof_is_awaited(self) -> None:
        self.close_port()
        operation_id = self.put(BRIDGED, timeout=60)
        self.until(operation_id, "prove")
        self.helper.kill()
        self.helper.start()
        self.cloud.computes["host1"].agent.host.part(Acceptor).start()
        self.cloud.computes["host1"].publish_inventory(self.operator)
        operation = self.ended(operation_id)
        self.assertEqual("succeeded", operation["state"], operation)
        self.assert_bridged()

    def test_the_helper_stays_away_beyond_the_deadline(self) -> None:
        self.close_port()
        operation_id = self.put(BRIDGED, timeout=3)
        self.until(operation_id, "prove")
        self.helper.kill()
        concurrency.sleep(3)
        self.helper.start()
        operation = self.ended(operation_id)
        self.assertEqual("failed", operation["state"], operation)
        self.assert_as_before()

    def test_committed_and_not_yet_told(self) -> None:
        """The service was gone before it could journal what the helper has done."""
        self.close_port()
        operation_id = self.put(BRIDGED, timeout=60)
        self.until(operation_id, "prove")
        self.cloud.services.pop("host1").stop()
        client.call.checkpoint_commit(client.call.checkpoint_status()["armed"]["id"])
        self.cloud.start()
        operation = self.ended(operation_id)
        self.assertEqual("succeeded", operation["state"], operation)
        self.assert_bridged()

    def test_compute_was_gone_between_two_links(self) -> None:
        self.close_port()
        operation_id = self.put(BRIDGED, timeout=60)
        self.until(operation_id, "prove")
        self.cloud.services.pop("host1").stop()
        self.inside.ip("link", "set", "dev", "eth1", "nomaster")
        self.cloud.start()
        operation = self.ended(operation_id)
        self.assertEqual("succeeded", operation["state"], operation)
        self.assert_bridged()
