"""Volumes through the API: made, grown, copied, deleted, and what is refused."""

from mycloud.common.states import Vol
from tests.fixtures.volume_api import VolumeApiCase


class VolumesTest(VolumeApiCase):
    def test_create_show_delete(self) -> None:
        answer = self.volume_call(
            "POST", "/volumes", {"volume": {"size": 2, "name": "data", "volume_type": None}}
        )
        self.assertEqual(202, answer.status, answer)
        made = answer.body["volume"]
        self.assertEqual((2, "data", Vol.CREATING), (made["size"], made["name"], made["status"]))
        shown = self.volume_when(made["id"], Vol.AVAILABLE)
        self.assertEqual([], shown["attachments"])
        driver = self.cloud.volumes["disks"].driver
        self.assertEqual([made["id"]], driver.names())
        self.assertEqual(2, driver.size_gb(made["id"]))
        answer = self.volume_call("DELETE", f"/volumes/{made['id']}")
        self.assertEqual((202, b""), (answer.status, answer.raw))
        self.volume_gone(made["id"])
        self.assertEqual([], driver.names())
