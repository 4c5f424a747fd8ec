"""Backups of volumes that are real files, raw and qcow2, also while a guest writes to them."""

import os
import random
import shutil
import unittest
from pathlib import Path
from typing import Any

import fixtures

from mycloud.common import clock, context
from mycloud.common.states import Attach, Backup, Vol
from mycloud.db import engine
from mycloud.db.models import volume_attachments, volumes
from mycloud.disk import machine
from tests.fixtures import mounts
from tests.fixtures.backup_api import CHUNK, BackupCase, set_row
from tests.fixtures.disk_client import DiskClient

_MIB = 1 << 20


class FilesCase(BackupCase):
    """A backend "disks" of files. ``disk_format``: of its volumes."""

    disk_format = "raw"

    def options(self) -> dict[str, Any]:
        backend = {
            "volume_driver": "file", "volume_format": self.disk_format, "export_protocol": "nbd",
        }  # fmt: skip
        return {**super().options(), "backends": {"disks": backend}}


class RawTest(FilesCase):
    def test_chain_to_new_and_existing(self) -> None:
        dice = random.Random(4)
        volume = self.make_volume()
        end = 1 << 30
        for place in (0, 70_000, 300 * _MIB + 5, end - 1000):
            self.write(volume["id"], place, dice.randbytes(1000))
        before = self.parts(volume["id"])
        base = self.backup(volume["id"])
        self.assertLess(base["object_count"], 7)
        self.write(volume["id"], 300 * _MIB, dice.randbytes(3000))
        leaf = self.backup(volume["id"], incremental=True)
        self.assertEqual(2, leaf["object_count"])
        after = self.parts(volume["id"])
        self.assertNotEqual(before, after)
        self.assertTrue(after == self.parts(self.restore(leaf["id"])))
        older = self.restore(base["id"])
        self.assertTrue(before == self.parts(older))
        self.assertEqual(self.disk_format, self.driver.source(older).format)
        self.restore(base["id"], volume_id=volume["id"])
        self.assertTrue(before == self.parts(volume["id"]))
        taken = self.driver.source(older).path.stat().st_blocks * 512
        self.assertLess(taken, 8 * _MIB)
        self.assertEqual([], list((self.driver.settings.state_dir / "images").glob("*")))

    def parts(self, volume_id: str) -> list[bytes]:
        places = (0, 299 * _MIB, (1 << 30) - 2 * _MIB)
        return [self.read(volume_id, place, 2 * _MIB) for place in places]

    def test_grown_since(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 0, b"small")
        self.backup(volume["id"])
        self.driver.extend(volume["id"], 2)
        self.cloud.in_role(set_row, volumes, volume["id"], size_gb=2)
        self.write(volume["id"], (2 << 30) - 5, b"large")
        leaf = self.backup(volume["id"], incremental=True)
        copy = self.restore(leaf["id"])
        self.assertEqual(2, self.driver.size_gb(copy))
        self.assertEqual(b"small", self.read(copy, 0, 5))
        self.assertEqual(b"large", self.read(copy, (2 << 30) - 5, 5))


@unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
class Qcow2Test(RawTest):
    disk_format = "qcow2"


@unittest.skipUnless(shutil.which("qemu-storage-daemon"), "there is no qemu-storage-daemon")
class InUseTest(FilesCase):
    """A volume that is written to through its export: a file system without reflinks keeps what
    it holds at one moment by a copy that its export makes."""

    def test_one_moment_of_it(self) -> None:
        if self.driver.atomic_snapshots:
            self.skipTest("this file system knows reflinks")
        volume = self.make_volume()
        data = self.attach(volume["id"])
        guest = self.useFixture(DiskClient(data))
        self.assertTrue(guest.opened, guest.output)
        self.addCleanup(guest._stop)
        for block in range(8):
            self.assertTrue(guest.write(block + 1, block * CHUNK, CHUNK))
        made = self.backup(volume["id"], force=True)
        self.volume_when(volume["id"], Vol.IN_USE)
        self.assertTrue(guest.write(99, 0, CHUNK))
        self.assertEqual([], self.driver.snapshot_names())
        leaf = self.backup(volume["id"], force=True, incremental=True)
        self.assertEqual((9, 2), (made["object_count"], leaf["object_count"]))
        for backup, first in ((made, 1), (leaf, 99)):
            copy = self.restore(backup["id"])
            self.assertEqual(bytes([first]) * CHUNK, self.read(copy, 0, CHUNK))
            self.assertEqual(bytes([8]) * CHUNK, self.read(copy, 7 * CHUNK, CHUNK))

    def attach(self, volume_id: str) -> dict[str, Any]:
        """Export it to a host; how to connect."""
        manager = self.cloud.volumes["disks"]
        attachment_id = clock.new_id()
        connector = {"host": "elsewhere", "machine": machine.mark(), "nbd_unix": True}
        self.cloud.in_role(_attached, volume_id, attachment_id, connector)

        def export() -> Any:
            with context.role(context.VOLUME):
                return manager.initialize_connection(
                    context.admin_context(), attachment_id, connector
                )

        info = export()
        self.addCleanup(manager.board.remove, attachment_id)
        self.volume_when(volume_id, Vol.IN_USE)
        found: dict[str, Any] = info["data"]
        return found


def _attached(volume_id: str, attachment_id: str, connector: dict[str, Any]) -> None:
    with engine.writer() as conn:
        conn.execute(
            volume_attachments.insert().values(
                id=attachment_id, project_id="p", volume_id=volume_id, mode="rw",
                status=Attach.ATTACHED, host="elsewhere", connector=connector,
                created_at=clock.now(),
            )
        )
    set_row(volumes, volume_id, status=Vol.IN_USE)


@mounts.needs_root
class FullRepositoryTest(FilesCase):
    def options(self) -> dict[str, Any]:
        small = Path(self.useFixture(fixtures.TempDir()).path) / "small"
        mount = mounts.tmpfs(small, 3)
        mount.__enter__()
        self.addCleanup(mount.__exit__, None, None, None)
        found = super().options()
        found["backup"]["backup_dir"] = str(small / "backups")
        self.small = small / "backups"
        return found

    def test_told_and_nothing_left(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 0, b"little")
        base = self.backup(volume["id"])
        self.write(volume["id"], 0, random.Random(5).randbytes(5 * _MIB))
        failed = self.backup(volume["id"], status=Backup.ERROR, incremental=True)
        self.assertIn("has no room", failed["fail_reason"])
        self.assertIn("has no room", self.told())
        self.assertNotIn(str(self.small), failed["fail_reason"])
        self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assertEqual([base["id"]], os.listdir(self.small))
        self.assertEqual(b"little", self.read(self.restore(base["id"]), 0, 6))
        self.delete(failed["id"])
        self.delete(base["id"])
        self.assertEqual([], os.listdir(self.small))
