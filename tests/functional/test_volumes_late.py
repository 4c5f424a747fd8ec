"""Workers that come too late: their operation was given up, and they go on all the same."""

import datetime
from typing import Any

import sqlalchemy as sa

from mycloud.common import clock, faults
from mycloud.common.states import Attach, Op, Vol
from mycloud.db import engine
from mycloud.db.models import operations, volume_attachments, volumes
from tests.functional.test_volumes_attach import AttachCase


class LateTest(AttachCase):
    def give_up(self, answer: Any) -> None:
        """Let an operation's time be over, and wait until the sweeper has seen it."""
        operation_id = answer.headers["X-Mycloud-Operation-Id"]

        def expire() -> None:
            past = clock.now() - datetime.timedelta(seconds=1)
            with engine.writer() as conn:
                conn.execute(
                    sa.update(operations)
                    .where(operations.c.id == operation_id)
                    .values(deadline_at=past)
                )

        self.cloud.wait(lambda: self.state_of(operation_id) == Op.RUNNING, what="its claim")
        self.cloud.in_role(expire)
        self.cloud.wait(lambda: self.state_of(operation_id) == Op.FAILED, what="its end")

    def state_of(self, operation_id: str) -> str:
        with engine.reader() as conn:
            query = sa.select(operations.c.state).where(operations.c.id == operation_id)
            return str(conn.execute(query).scalar_one())

    def hang(self, verb: str) -> None:
        self.hypervisor.faults.set(faults.Fault(verb, mode=faults.HANG, count=1))

    def go_on(self) -> None:
        self.hypervisor.faults.set()

    def has(self, server_id: str, *volumes: dict[str, Any]) -> bool:
        return set(self.hypervisor.volumes(server_id)) == {each["id"] for each in volumes}

    def test_a_volume_that_a_guest_may_get_is_not_free(self) -> None:
        """CVE-2023-2088 by another way: an attachment that was given up comes to its end."""
        server_id, volume = self.boot(), self.make_volume()
        self.hang("attach_volume")
        asked = self.attach(server_id, volume["id"])
        self.volume_when(volume["id"], Vol.ATTACHING)
        self.give_up(asked)
        [told] = self.volume_when(volume["id"], Vol.IN_USE)["attachments"]
        self.assertEqual(server_id, told["server_id"])
        self.assertEqual(400, self.attach(self.boot(), volume["id"]).status)
        self.go_on()
        self.cloud.wait(lambda: self.has(server_id, volume), what="the late attachment")

        self.assertEqual(202, self.detach(server_id, volume["id"]).status)
        self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assertTrue(self.has(server_id))
        self.assertEqual({}, self.board.all())
        self.assertEqual([], list(self.connections.iterdir()))

    @property
    def connections(self) -> Any:
        return self.cloud.state / "host1" / "connections"

    def test_one_that_nobody_has_begun_is_free(self) -> None:
        server_id, first, second = self.boot(), self.make_volume(), self.make_volume()
        self.hang("attach_volume")
        self.attach(server_id, first["id"])
        # it waits for its turn
        self.give_up(self.attach(server_id, second["id"]))
        self.volume_when(second["id"], Vol.AVAILABLE)
        self.go_on()
        self.volume_when(first["id"], Vol.IN_USE)
        self.assertTrue(self.has(server_id, first))

    def test_what_has_waited_too_long_for_its_turn_does_nothing(self) -> None:
        server_id = self.boot()
        kept, other = self.attached(server_id), self.make_volume()
        self.hang("attach_volume")
        self.attach(server_id, other["id"])
        self.give_up(self.detach(server_id, kept["id"]))
        self.volume_when(kept["id"], Vol.IN_USE)
        self.go_on()
        self.volume_when(other["id"], Vol.IN_USE)
        # the one after it has its turn when that one had it
        third = self.attached(server_id)
        self.assertTrue(self.has(server_id, kept, other, third))

    def test_a_guest_that_keeps_what_is_undone_has_it(self) -> None:
        server_id = self.boot()
        volume = self.attached(server_id)
        operation_id = self.cloud.in_role(self.take_back, volume["id"])
        # the next life can't export it, and the guest does not let go of it
        self.hypervisor.hold_volumes(server_id, hold=True)
        self.cloud.volumes["disks"].driver.faults.set(faults.Fault("source", count=1))
        self.cloud.restart("host1")
        self.cloud.wait(lambda: self.state_of(operation_id) == Op.FAILED)
        [told] = self.volume_when(volume["id"], Vol.IN_USE)["attachments"]
        self.assertEqual(server_id, told["server_id"])
        self.assertTrue(self.has(server_id, volume))
        self.assertEqual({told["attachment_id"]: True}, self.board.all())

    def take_back(self, volume_id: str) -> str:
        """As if the worker of an attachment had been killed before its end."""
        with engine.writer() as conn:
            where = operations.c.second_id == volume_id
            query = sa.select(operations.c.id).where(where)
            operation_id = str(conn.execute(query).scalar_one())
            running = {"state": Op.RUNNING, "owner_epoch": "of an earlier life"}
            conn.execute(sa.update(operations).where(where).values(finished_at=None, **running))
            conn.execute(sa.update(volume_attachments).values(status=Attach.ATTACHING))
            conn.execute(sa.update(volumes).values(status=Vol.ATTACHING))
        return operation_id
