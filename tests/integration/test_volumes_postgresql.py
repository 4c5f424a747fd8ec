"""Volumes, snapshots, attachments and transfers on PostgreSQL."""

import unittest
from collections.abc import Callable
from typing import Any

import sqlalchemy

from mycloud.common import clock, concurrency, faults
from mycloud.common.states import Vol
from mycloud.db import attachments, engine, journal, volumes
from mycloud.volume.requests import create
from tests.fixtures import postgresql
from tests.fixtures.volume_api import VolumeApiCase
from tests.functional.test_snapshots import SnapshotsTest
from tests.functional.test_volume_attachments_api import AttachmentsTest
from tests.functional.test_volume_transfers import NewerTransfersTest
from tests.functional.test_volumes import VolumesTest
from tests.functional.test_volumes_data import RevertTest
from tests.functional.test_volumes_list import ListTest
from tests.integration.test_servers_postgresql import _OnPostgreSQL

_WHY_NOT = postgresql.why_not()


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class ListPostgreSQLTest(_OnPostgreSQL, ListTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class VolumesPostgreSQLTest(_OnPostgreSQL, VolumesTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class SnapshotsPostgreSQLTest(_OnPostgreSQL, SnapshotsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class AttachmentsPostgreSQLTest(_OnPostgreSQL, AttachmentsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class TransfersPostgreSQLTest(_OnPostgreSQL, NewerTransfersTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class RevertPostgreSQLTest(_OnPostgreSQL, RevertTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class TurnsPostgreSQLTest(_OnPostgreSQL, VolumeApiCase):
    """What two transactions do to the attachments of one volume at the same time."""

    hosts = 1

    def then(self, first: Callable[[Any], Any], second: Callable[[], Any]) -> None:
        """Do ``second`` while the transaction of ``first`` is open, and end that as soon as the
        other waits for it or is through."""
        begun, end = concurrency.Event(), concurrency.Event()

        def hold() -> None:
            with engine.writer() as conn:
                first(conn)
                begun.set()
                end.wait(20)

        holder = concurrency.spawn(self.cloud.in_role, hold)
        self.assertTrue(begun.wait(20))
        other = concurrency.spawn(second)
        self.cloud.wait(lambda: other.done or self.someone_waits(), what="the second one")
        end.set()
        holder.wait(20)
        other.wait(20)

    def someone_waits(self) -> bool:
        query = sqlalchemy.text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )

        def look() -> Any:
            with engine.reader() as conn:
                return conn.execute(query).scalar()

        return bool(self.cloud.in_role(look))

    def in_one(self, change: Callable[[Any], Any]) -> Any:
        """A change in a transaction of its own."""

        def write() -> Any:
            with engine.writer() as conn:
                return change(conn)

        return self.cloud.in_role(write)

    def test_one_begins_while_another_ends(self) -> None:
        made = self.make_volume()
        row = self.in_one(
            lambda conn: volumes.update(conn, made["id"], {"multiattach": True})
            and volumes.get(conn, made["id"])
        )
        old = self.in_one(
            lambda conn: attachments.reserve(conn, row, {"server_id": clock.new_id()})
        )
        self.then(
            lambda conn: attachments.reserve(conn, row, {"server_id": clock.new_id()}),
            lambda: self.in_one(lambda conn: attachments.end(conn, old["id"], clock.now())),
        )
        self.volume_when(made["id"], Vol.RESERVED)

    def test_the_last_one_ends_while_the_volume_is_made(self) -> None:
        driver = self.cloud.volumes["disks"].driver
        driver.faults.set(faults.Fault("create", mode=faults.HANG))
        answer = self.volume_call("POST", "/volumes", {"volume": {"size": 1}})
        volume_id = answer.body["volume"]["id"]
        promised = self.in_one(
            lambda conn: attachments.promise(
                conn, volumes.get(conn, volume_id), {"server_id": clock.new_id()},
            )
        )

        def make() -> None:
            driver.faults.set()
            self.ended(answer.headers["X-Mycloud-Operation-Id"])

        self.then(lambda conn: attachments.end(conn, promised["id"], clock.now()), make)
        self.volume_when(volume_id, Vol.AVAILABLE)

    def refused_while_copied(self, path: str, **source: str) -> None:
        """What is copied by a transaction that has not ended is not deleted."""
        context = self.cloud.context()
        made = {}

        def copy(conn: Any) -> None:
            spec = create.VolumeSpec(**source)
            row, operation = create.insert(
                conn, context, spec, create.find(conn, context, spec)
            )
            journal.insert(conn, operation)
            made.update(row)

        def delete() -> None:
            answer = self.volume_call("DELETE", path)
            self.assertEqual(400, answer.status, answer)
            self.assertIn("is being copied", str(answer.body))

        self.then(copy, delete)
        self.volume_when(made["id"], Vol.AVAILABLE)

    def test_a_volume_that_is_copied_is_not_deleted(self) -> None:
        volume_id = self.make_volume()["id"]
        self.refused_while_copied(f"/volumes/{volume_id}", source_volid=volume_id)

    def test_a_snapshot_that_is_copied_is_not_deleted(self) -> None:
        volume_id = self.make_volume()["id"]
        snapshot_id = self.make_snapshot(volume_id)["id"]
        self.refused_while_copied(f"/snapshots/{snapshot_id}", snapshot_id=snapshot_id)

    def test_a_volume_whose_snapshot_is_copied_is_not_deleted_with_it(self) -> None:
        volume_id = self.make_volume()["id"]
        snapshot_id = self.make_snapshot(volume_id)["id"]
        self.refused_while_copied(
            f"/volumes/{volume_id}?cascade=true", snapshot_id=snapshot_id
        )


# what is imported is run where it comes from
del (
    AttachmentsTest, ListTest, NewerTransfersTest, RevertTest, SnapshotsTest, VolumesTest,
)
