"""mycloud host network show and apply."""

import json
from typing import Any

import yaml

from tests.fixtures.fake_cloud import Reply, Seen
from tests.unit.cli.case import OPERATION_ID, CliCase, operation

PATH = "/cloud/v1/hosts/node-1/network"
DOCUMENT = {"networks": {"guests": {"nic": "eth1", "bridged": True}}}
SHOWN = {
    "host": "node-1", "backend": "netlink", "document": DOCUMENT, "armed": None, "boot": None,
    "last": {"id": "c", "operation": OPERATION_ID, "outcome": "rolled back", "at": 1767225600.0,
             "reason": "no proof that it is reached within 5 s", "problems": ["eth1: no"]},
}
PLAN = {"lines": ["make the bridge guests", "let eth1 be its port"], "actions": [],
        "document": DOCUMENT, "connectivity_timeout": 120}


class HostNetworkTest(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud.on("GET", PATH, Reply(200, {"network": SHOWN}))
        self.cloud.on("PUT", PATH, self._put)
        self.seen: list[Any] = []
        self.file = self.write("net.yaml", yaml.safe_dump(DOCUMENT))

    def _put(self, seen: Seen) -> Reply:
        self.seen.append(seen.body)
        if seen.body.get("dry_run"):
            return Reply(200, {"plan": PLAN})
        return Reply(
            202, {"plan": PLAN, "operation": {"id": OPERATION_ID}},
            {"X-Mycloud-Operation-Id": OPERATION_ID},
        )

    def ends(self, state: str, **more: Any) -> None:
        told = operation(state, ("apply", "done"), kind="host.network", **more)
        self.cloud.on(
            "GET", f"/cloud/v1/operations/{OPERATION_ID}", Reply(200, {"operation": told})
        )

    def test_show(self) -> None:
        shown = self.run_cli("host", "network", "show", "node-1")
        self.assertEqual(0, shown.status, shown.err)
        for words in ("guests:", "nic: eth1", "netlink", "rolled back at 2026-01-01T00:00:00",
                      "no proof that it is reached", "not restored: eth1: no"):
            self.assertIn(words, shown.out)
        found = self.run_cli("host", "network", "show", "node-1", "-f", "json").document
        self.assertEqual((DOCUMENT, None), (found["document"], found["under_way"]))

    def test_document_alone(self) -> None:
        shown = self.run_cli("host", "network", "show", "node-1", "--document")
        self.assertEqual(DOCUMENT, yaml.safe_load(shown.out))

    def test_dry_run(self) -> None:
        shown = self.run_cli("host", "network", "apply", "node-1", self.file, "--dry-run")
        self.assertEqual((0, "\n".join(PLAN["lines"]) + "\n"), (shown.status, shown.out))
        self.assertEqual([{"network": DOCUMENT, "dry_run": True}], self.seen)

    def test_apply(self) -> None:
        shown = self.run_cli(
            "host", "network", "apply", "node-1", self.file, "--rollback-after", "30"
        )
        self.assertEqual(0, shown.status, shown.err)
        self.assertIn(f"mycloud why {OPERATION_ID}", shown.err)
        self.assertEqual([{"network": DOCUMENT, "timeout": 30.0}], self.seen)

    def test_apply_and_wait(self) -> None:
        self.ends("succeeded")
        words = ("host", "network", "apply", "node-1", self.file, "--wait")
        shown = self.run_cli(*words)
        self.assertEqual(0, shown.status, shown.err)
        self.ends("failed", reason="The control plane did not reach the host within 5 s.")
        shown = self.run_cli(*words)
        self.assertEqual(1, shown.status)
        self.assertIn("did not reach the host", shown.err)

    def test_files_that_are_no_documents(self) -> None:
        for content in ("- a", "networks: [", "just words", "", "1: {}"):
            name = self.write("bad.yaml", content)
            shown = self.run_cli("host", "network", "apply", "node-1", name)
            self.assertEqual(2, shown.status, content)
            self.assertIn("bad.yaml", shown.err)
        shown = self.run_cli("host", "network", "apply", "node-1", "/nonexistent.yaml")
        self.assertEqual(2, shown.status)
        self.assertEqual([], self.seen)

    def test_json_is_yaml_too(self) -> None:
        name = self.write("net.json", json.dumps(DOCUMENT))
        self.run_cli("host", "network", "apply", "node-1", name, "--dry-run")
        self.assertEqual(DOCUMENT, self.seen[0]["network"])
