"""The journal of volumes over the API: what was done to one, and why."""

from typing import Any

from mycloud.common import clock
from mycloud.common.faults import Fault
from mycloud.common.states import Vol
from tests.fixtures.volume_api import VolumeApiCase


class StoryTest(VolumeApiCase):
    def why(self, name: str, **values: Any) -> dict[str, Any]:
        answer = self.call("GET", f"/why/{name}", api="/cloud/v1", version=None, **values)
        self.assertEqual(200, answer.status, answer)
        found: dict[str, Any] = answer.body
        return found

    def test_a_volume_and_its_end(self) -> None:
        volume = self.make_volume(name="data")
        found = self.why(volume["id"])
        self.assertEqual(
            {"type": "volume", "id": volume["id"], "name": "data", "status": "available"},
            found["resource"],
        )
        self.assertEqual(["volume.create"], [one["kind"] for one in found["operations"]])
        self.assertTrue(found["operations"][0]["steps"])
        self.assertRegex(found["cause"], r"^Nothing is wrong: volume.create succeeded after ")
        self.volume_call("DELETE", f"/volumes/{volume['id']}")
        self.volume_gone(volume["id"])
        found = self.why(volume["id"])
        self.assertEqual("deleted", found["resource"]["status"])
        self.assertEqual(
            ["volume.create", "volume.delete"], [one["kind"] for one in found["operations"]]
        )
        by_operation = self.why(found["operations"][0]["id"])
        self.assertEqual(found["resource"], by_operation["resource"])

    def test_a_failed_create(self) -> None:
        self.cloud.volumes["disks"].driver.faults.set(Fault("create"))
        volume = self.make_volume(status=Vol.ERROR)
        found = self.why(volume["id"])
        self.assertEqual(Vol.ERROR, found["resource"]["status"])
        self.assertRegex(found["cause"], r"^volume.create failed at step \w+ on \S+ after ")

    def test_foreign_and_unknown_are_the_same(self) -> None:
        volume = self.make_volume()
        for name, by in ((volume["id"], self.stranger), (clock.new_id(), self.member)):
            path = f"/why/{name}"
            answer = self.call("GET", path, api="/cloud/v1", version=None, by=by)
            self.assertEqual(404, answer.status)
            self.assertIn("volume", answer.body["error"]["message"])
