"""Volumes that change over to another backend or type while a guest has them."""

from typing import Any

from oslo_config import cfg

from mycloud.common import faults
from mycloud.common.states import Vol
from mycloud.db import attachments, engine
from tests.fixtures.volume_api import Answer
from tests.functional.test_volumes_move import HOSTS, NAME_ID, MoveCase


class AttachedTest(MoveCase):
    def setUp(self) -> None:
        super().setUp()
        self.server_id = self.boot()
        self.volume = self.eastern()
        answer = self.call(
            "POST", f"/servers/{self.server_id}/os-volume_attachments",
            {"volumeAttachment": {"volumeId": self.volume["id"]}},
        )
        self.assertEqual(200, answer.status, answer)
        self.in_use()

    @property
    def vol(self) -> str:
        found: str = self.volume["id"]
        return found

    @property
    def hypervisor(self) -> Any:
        return self.cloud.computes["host1"].driver

    def in_use(self) -> dict[str, Any]:
        return self.volume_when(self.vol, Vol.IN_USE, by=self.operator)

    def exports(self, backend: str) -> dict[str, bool]:
        found: dict[str, bool] = self.cloud.volumes[backend].board.all()
        return found

    def attachment(self) -> Any:
        def look() -> Any:
            with engine.reader() as conn:
                return attachments.of_volumes(conn, [self.vol])[self.vol]

        [row] = self.cloud.in_role(look)
        return row

    def assert_stays(self) -> None:
        self.in_use()
        self.assert_east(self.vol)
        self.assertEqual({self.attachment()["id"]: True}, self.exports("east"))
        self.assertEqual([self.vol], list(self.hypervisor.volumes(self.server_id)))
        self.assertEqual("attached", self.attachment()["status"])

    def assert_moved(self) -> None:
        shown = self.in_use()
        self.settled()
        self.assertEqual(self.place("west"), shown[HOSTS])
        self.assertEqual([shown[NAME_ID]], self.names("west"))
        self.assertEqual([], self.names("east"))
        self.assertEqual({self.attachment()["id"]: True}, self.exports("west"))
        self.assertEqual({}, self.exports("east"))
        self.assertEqual([self.vol], list(self.hypervisor.volumes(self.server_id)))
        self.assertEqual({"east": 0, "west": 1}, self.cloud.in_role(self.claimed))

    def test_a_move(self) -> None:
        done = self.end_of(self.retype(self.vol, "west"))
        self.assertEqual("succeeded", done["state"], done)
        self.assertEqual("west", self.in_use()["volume_type"])
        self.assert_moved()
        names = [step["name"] for step in done["steps"]]
        self.assertEqual(["schedule", "create", "connect", "swap"], names)
        # what comes afterwards works with the new place
        path = f"/servers/{self.server_id}/os-volume_attachments/{self.vol}"
        self.assertEqual(202, self.call("DELETE", path).status)
        self.volume_when(self.vol, Vol.AVAILABLE)
        self.assertEqual({}, self.exports("west"))

    def test_a_failure_at_every_step(self) -> None:
        for verb in ("connector", "swap_volume"):
            self.hypervisor.faults.set(faults.Fault(verb, count=1))
            done = self.end_of(self.retype(self.vol, "west"))
            self.assertEqual("failed", done["state"], verb)
            self.assert_stays()
        self.driver("west").faults.set(faults.Fault("create", count=1))
        self.assertEqual("failed", self.end_of(self.retype(self.vol, "west"))["state"])
        self.assert_stays()
        self.driver("west").faults.set(faults.Fault("source", count=1))
        self.assertEqual("failed", self.end_of(self.retype(self.vol, "west"))["state"])
        self.assert_stays()
        self.assertEqual("succeeded", self.end_of(self.retype(self.vol, "west"))["state"])
        self.assert_moved()

    def test_the_record_follows_the_guest(self) -> None:
        # the guest has changed over, and then something fails
        self.hypervisor.faults.set(faults.Fault("tune_volume", count=1))
        self.bounds("west", 2000)
        done = self.end_of(self.retype(self.vol, "west"))
        self.assertEqual("failed", done["state"])
        self.assert_moved()

    def test_a_hypervisor_that_does_not_say(self) -> None:
        # neither place may go before somebody knows which one the guest has
        self.bounds("west", 2000)
        self.hypervisor.faults.set(
            faults.Fault("tune_volume", count=1), faults.Fault("uses", count=3)
        )
        done = self.end_of(self.retype(self.vol, "west"))
        self.assertEqual("succeeded", done["state"], done)
        self.assert_moved()

    def test_a_host_that_stops_in_between(self) -> None:
        self.hypervisor.faults.set(faults.Fault("swap_volume", mode=faults.HANG, count=1))
        answer = self.retype(self.vol, "west")
        self.cloud.wait(lambda: self.exports("west"), what="the new export")
        # what hangs is not waited for; it fails then and is undone, unless the next life has taken
        # it up before
        cfg.CONF.set_override("graceful_shutdown_timeout_seconds", 1)
        self.cloud.restart("host1")
        self.hypervisor.faults.set()
        if self.end_of(answer)["state"] == "failed":
            self.assert_stays()
        else:
            self.assert_moved()

    def bounds(self, kind: str, number: int) -> None:
        """Give a type bounds that a guest's host keeps."""
        answer = self.volume_call(
            "POST", "/qos-specs",
            {"qos_specs": {"name": kind, "consumer": "front-end",
                           "total_iops_sec": str(number)}}, by=self.operator,
        )
        self.assertEqual(200, answer.status, answer)
        specs = answer.body["qos_specs"]["id"]
        answer = self.volume_call(
            "GET", f"/qos-specs/{specs}/associate?vol_type_id={self.types[kind]}",
            by=self.operator,
        )
        self.assertEqual(202, answer.status, answer)

    def tuned(self) -> Any:
        guest = self.hypervisor._files.read("guests", self.server_id)
        return guest["volumes"][self.vol]["iotune"]

    def test_bounds_change_in_place(self) -> None:
        self.types["slow"] = self.make_type("slow")
        self.bounds("slow", 100)
        done = self.end_of(self.retype(self.vol, "slow", "never"))
        self.assertEqual("succeeded", done["state"], done)
        self.assertEqual("slow", self.in_use()["volume_type"])
        self.assertEqual({"total_iops_sec": 100}, self.tuned())
        self.assert_stays()

    def test_refusals(self) -> None:
        self.make_type("shared", multiattach="<is> True")
        answer = self.retype(self.vol, "shared", "never")
        self.assertEqual(400, answer.status, answer)
        self.assertIn("in use", answer.message)
        path = f"/servers/{self.server_id}/action"
        self.assertEqual(202, self.call("POST", path, {"os-stop": None}).status)
        self.settled()
        answer = self.migrate(self.vol)
        self.assertEqual(400, answer.status, answer)
        self.assertIn("does not run", answer.message)
        self.assert_stays()

    def test_a_server_that_is_off_by_itself(self) -> None:
        self.hypervisor.power_off(self.server_id, 0)
        done = self.end_of(self.retype(self.vol, "west"))
        self.assertEqual("failed", done["state"], done)
        self.assertIn("is off", done["reason"])
        self.settled()
        self.assertEqual([self.vol], self.names("east"))
        self.assertEqual([], self.names("west"))

    def detach(self) -> Answer:
        return self.call(
            "DELETE", f"/servers/{self.server_id}/os-volume_attachments/{self.vol}"
        )

    def test_a_detach_meanwhile_waits_its_turn(self) -> None:
        self.hypervisor.faults.set(faults.Fault("swap_volume", mode=faults.HANG, count=1))
        answer = self.retype(self.vol, "west")
        self.cloud.wait(lambda: self.exports("west"), what="the new export")
        detached = self.detach()
        self.assertEqual(202, detached.status, detached)
        self.hypervisor.faults.set()
        self.assertEqual("succeeded", self.end_of(answer)["state"])
        self.volume_when(self.vol, Vol.AVAILABLE)
        self.settled()
        self.assertEqual({}, self.exports("west"))
        self.assertEqual({}, self.hypervisor.volumes(self.server_id))
        self.assertEqual([], self.names("east"))
