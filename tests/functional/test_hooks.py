"""The operator's hooks around what is done with servers."""

import json
from typing import Any

from mycloud.common.states import Vol
from tests.fixtures.volume_api import VolumeApiCase


class HooksTest(VolumeApiCase):
    hosts = 1

    def hook(self, event: str, script: str) -> None:
        place = self.cloud.state / "hooks.d" / event
        place.mkdir(parents=True, exist_ok=True)
        path = place / "one"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def record(self, *events: str) -> None:
        """Let hooks of these events write down what they are told."""
        for event in events:
            self.hook(event, f"cat >>{self.cloud.state}/seen")

    @property
    def seen(self) -> list[dict[str, Any]]:
        path = self.cloud.state / "seen"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def act(self, server_id: str, name: str) -> dict[str, Any]:
        answer = self.call("POST", f"/servers/{server_id}/action", {name: None})
        self.assertEqual(202, answer.status)
        return self.ended(answer.headers["X-Mycloud-Operation-Id"])

    def why(self, what: str) -> str:
        found: str = self.call("GET", f"/why/{what}", api="/cloud/v1").body["cause"]
        return found

    def test_a_life_with_hooks(self) -> None:
        events = [
            f"{when}_{event}"
            for event in (
                "server_create", "server_attach_volume", "server_detach_volume", "server_stop",
                "server_start", "server_delete",
            )
            for when in ("before", "after")
        ]
        self.record(*events)
        server_id = self.boot()
        volume = self.make_volume()
        path = f"/servers/{server_id}/os-volume_attachments"
        self.call("POST", path, {"volumeAttachment": {"volumeId": volume["id"]}})
        self.volume_when(volume["id"], Vol.IN_USE)
        self.call("DELETE", f"{path}/{volume['id']}")
        self.volume_when(volume["id"], Vol.AVAILABLE)
        for name in ("os-stop", "os-start"):
            self.assertEqual("succeeded", self.act(server_id, name)["state"])
        self.call("DELETE", f"/servers/{server_id}")
        self.cloud.wait(lambda: len(self.seen) == len(events), what="the last hook")
        self.assertEqual(events, [told["event"] for told in self.seen])
        first = self.seen[0]
        self.assertEqual("host1", first["host"])
        self.assertEqual({"type": "server", "id": server_id}, first["resource"])
        self.assertEqual(("one", 1),
                         (first["server"]["name"], first["server"]["flavor"]["vcpus"]))
        self.assertEqual("server.create", first["operation"]["kind"])
        self.assertEqual(self.member.project_id, first["project_id"])

    def test_a_hook_that_refuses_a_server(self) -> None:
        self.hook("before_server_create", "echo 'No licence is left for this host.'; exit 1")
        answer = self.call("POST", "/servers", self.body())
        server_id = answer.body["server"]["id"]
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual("failed", operation["state"])
        shown = self.call("GET", f"/servers/{server_id}").body["server"]
        self.assertEqual("ERROR", shown["status"])
        self.assertIn("No licence is left for this host.", shown["fault"]["message"])
        self.assertIn("No licence is left for this host.", self.why(server_id))
        # nothing was left on the host
        self.assertEqual([], self.cloud.computes["host1"].driver.guests())

    def test_a_hook_that_refuses_a_start(self) -> None:
        server_id = self.boot()
        self.act(server_id, "os-stop")
        self.hook("before_server_start", "echo 'It is Monday.'; exit 1")
        operation = self.act(server_id, "os-start")
        self.assertEqual("failed", operation["state"])
        shown = self.call("GET", f"/servers/{server_id}").body["server"]
        self.assertEqual("SHUTOFF", shown["status"])
        self.assertIn("before_server_start/one of the host refuses it: It is Monday.",
                      self.why(operation["id"]))
        self.hook("before_server_start", "exit 0")
        self.assertEqual("succeeded", self.act(server_id, "os-start")["state"])

    def test_a_hook_that_refuses_a_volume(self) -> None:
        server_id, volume = self.boot(), self.make_volume()
        self.hook("before_server_attach_volume", "echo 'Not this one.'; exit 1")
        answer = self.call(
            "POST", f"/servers/{server_id}/os-volume_attachments",
            {"volumeAttachment": {"volumeId": volume["id"]}},
        )
        self.assertEqual(200, answer.status)
        self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assertIn("Not this one.", self.why(server_id))

    def test_a_failing_after_hook_stops_nothing(self) -> None:
        self.hook("after_server_create", "exit 1")
        self.boot()
