"""Volumes and snapshots through the compute API, as microversions up to 2.35 have them."""

from typing import Any

from mycloud.common.states import Vol
from tests.fixtures.compute_api import Answer
from tests.fixtures.volume_api import VolumeApiCase


class ComputeVolumesTest(VolumeApiCase):
    hosts = 1

    def old(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return self.call(method, path, body, version=more.pop("version", "2.35"), **more)

    def test_a_volume(self) -> None:
        answer = self.old(
            "POST", "/os-volumes",
            {"volume": {"size": "1", "display_name": "v", "metadata": {"a": "b"}}},
        )
        self.assertEqual(200, answer.status, answer)
        made = answer.body["volume"]
        self.assertEqual(
            ("v", 1, {"a": "b"}, [{}]),
            tuple(made[name] for name in ("displayName", "size", "metadata", "attachments")),
        )
        self.volume_when(made["id"], Vol.AVAILABLE)
        server_id = self.boot()
        self.call(
            "POST", f"/servers/{server_id}/os-volume_attachments",
            {"volumeAttachment": {"volumeId": made["id"]}},
        )
        self.volume_when(made["id"], Vol.IN_USE)
        shown = self.old("GET", f"/os-volumes/{made['id']}").body["volume"]
        self.assertEqual(
            [{"id": made["id"], "volumeId": made["id"], "serverId": server_id,
              "device": "/dev/vdb"}],
            shown["attachments"],
        )
        for path in ("/os-volumes", "/os-volumes/detail"):
            self.assertEqual([shown], self.old("GET", path).body["volumes"])
        self.assertEqual([], self.old("GET", "/os-volumes?offset=1").body["volumes"])
        self.assertEqual([], self.old("GET", "/os-volumes", by=self.stranger).body["volumes"])
        self.assertEqual(400, self.old("DELETE", f"/os-volumes/{made['id']}").status)
        self.call("DELETE", f"/servers/{server_id}/os-volume_attachments/{made['id']}")
        self.volume_when(made["id"], Vol.AVAILABLE)
        self.assertEqual(202, self.old("DELETE", f"/os-volumes/{made['id']}").status)
        self.volume_gone(made["id"])

    def test_a_snapshot(self) -> None:
        volume = self.make_volume()
        answer = self.old(
            "POST", "/os-snapshots",
            {"snapshot": {"volume_id": volume["id"], "display_name": "s", "force": "true"}},
        )
        self.assertEqual(200, answer.status, answer)
        made = answer.body["snapshot"]
        self.assertEqual((volume["id"], "s", 1), (
            made["volumeId"], made["displayName"], made["size"]
        ))
        path = f"/os-snapshots/{made['id']}"
        self.cloud.wait(
            lambda: self.old("GET", path).body["snapshot"]["status"] == "available",
            what="the snapshot",
        )
        listed = self.old("GET", "/os-snapshots/detail").body["snapshots"]
        self.assertEqual([made["id"]], [each["id"] for each in listed])
        self.assertEqual(404, self.old("GET", path, by=self.stranger).status)
        self.assertEqual(202, self.old("DELETE", path).status)
        self.cloud.wait(
            lambda: self.old("GET", path).status == 404, what="the end of the snapshot"
        )

    def test_nonsense(self) -> None:
        for size in ("#$%", "", "0", 0, -1, "-1", 2147483648, None):
            answer = self.old("POST", "/os-volumes", {"volume": {"size": size}})
            self.assertEqual(400, answer.status, size)
        for path in ("/os-volumes/", "/os-volumes/x", "/os-snapshots/x"):
            self.assertEqual(404, self.old("GET", path).status, path)
            self.assertEqual(404, self.old("DELETE", path).status, path)
        self.assertEqual(404, self.old("GET", "/os-volumes", version="2.36").status)
        reader = self.old("POST", "/os-volumes", {"volume": {"size": 1}}, by=self.reader)
        self.assertEqual(403, reader.status)
