"""``mycloud node``: tokens and machines, as administrators see them."""

from tests.fixtures.fake_cloud import Reply
from tests.unit.cli.case import CliCase

TOKENS = "/cloud/v1/node_tokens"
TOKEN = {
    "id": "55555555-5555-4555-8555-555555555555",
    "name": None,
    "status": "unused",
    "created_at": "2026-01-01T00:00:00.000000Z",
    "expires_at": "2026-01-01T00:15:00.000000Z",
    "used_at": None,
    "node": None,
}


class NodesTest(CliCase):
    def test_create_shows_the_command(self) -> None:
        made = {"node_token": TOKEN | {"token": "mycloud-node-1-x"}}
        self.cloud.on("POST", TOKENS, Reply(201, made))
        words = ("--name", "node1", "--lifetime", "60", "-f", "json")
        result = self.run_cli("node", "token", "create", *words)
        self.assertEqual(0, result.status, result.err)
        self.assertIn("mycloud node join mycloud-node-1-x", result.err)
        self.assertEqual("mycloud-node-1-x", result.document["token"])
        (post,) = self.cloud.asked("POST", TOKENS)
        self.assertEqual({"node_token": {"name": "node1", "lifetime": 60}}, post.body)

    def test_list_and_delete(self) -> None:
        self.cloud.on("GET", TOKENS, Reply(200, {"node_tokens": [TOKEN]}))
        [row] = self.run_cli("node", "token", "list", "-f", "json").document
        self.assertEqual((TOKEN["id"], "unused"), (row["ID"], row["Status"]))
        self.cloud.on("DELETE", f"{TOKENS}/{TOKEN['id']}", Reply(204))
        self.assertEqual(0, self.run_cli("node", "token", "delete", TOKEN["id"]).status)

    def test_machines(self) -> None:
        node = {
            "name": "node1", "addresses": ["192.0.2.1"], "joined_at": "then", "left_at": None,
        }
        self.cloud.on("GET", "/cloud/v1/nodes", Reply(200, {"nodes": [node]}))
        [row] = self.run_cli("node", "list", "-f", "json").document
        self.assertEqual(("node1", "192.0.2.1"), (row["Name"], row["Addresses"]))
        self.cloud.on("DELETE", "/cloud/v1/nodes/node1", Reply(204))
        self.assertEqual(0, self.run_cli("node", "forget", "node1").status)
