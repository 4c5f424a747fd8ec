"""Records of backups: a cloud that has lost its database takes its backups back."""

import base64
import json
from typing import Any

from mycloud.common import clock
from mycloud.common.states import Backup
from mycloud.db import engine
from mycloud.db.models import backups
from tests.fixtures.backup_api import CHUNK, BackupCase


class BackupRecordsTest(BackupCase):
    def export(self, backup_id: str) -> dict[str, Any]:
        answer = self.volume_call(
            "GET", f"/backups/{backup_id}/export_record", by=self.operator
        )
        self.assertEqual(200, answer.status, answer)
        found: dict[str, Any] = answer.body["backup-record"]
        return found

    def take(self, record: dict[str, Any]) -> Any:
        return self.volume_call(
            "POST", "/backups/import_record", {"backup-record": record}, by=self.operator
        )

    def test_after_a_loss(self) -> None:
        volume = self.make_volume(metadata={"k": "v"})
        self.write(volume["id"], 0, b"base")
        base = self.backup(volume["id"], name="base", metadata={"m": "n"})
        self.write(volume["id"], CHUNK, b"leaf")
        leaf = self.backup(volume["id"], incremental=True)
        records = [self.export(each["id"]) for each in (base, leaf)]
        before = self.volume_call(
            "GET", f"/backups/{base['id']}", by=self.operator
        ).body["backup"]
        self.cloud.in_role(_forget)
        for each, record in zip((base, leaf), records, strict=True):
            answer = self.take(record)
            self.assertEqual((201, each["id"]), (answer.status, answer.body["backup"]["id"]))
            self.backup_when(each["id"], Backup.AVAILABLE, by=self.operator)
        after = self.volume_call(
            "GET", f"/backups/{base['id']}", by=self.operator
        ).body["backup"]
        for name in ("name", "size", "object_count", "metadata", "volume_id", "is_incremental"):
            self.assertEqual(before[name], after[name], name)
        self.assertEqual(before["data_timestamp"][:19], after["data_timestamp"][:19])
        self.assertTrue(after["has_dependent_backups"])
        self.refused(400, "already exists", self.take(records[0]))
        answer = self.volume_call(
            "POST", f"/backups/{leaf['id']}/restore", {"restore": {}}, by=self.operator
        )
        copy = answer.body["restore"]["volume_id"]
        shown = self.volume_when(copy, "available", by=self.operator)
        self.assertEqual({"k": "v"}, shown["metadata"])
        self.assertEqual((b"base", b"leaf"),
                         (self.read(copy, 0, 4), self.read(copy, CHUNK, 4)))

    def test_two_records_of_the_same_bytes(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 0, b"shared")
        made = self.backup(volume["id"])
        record = self.export(made["id"])
        told = {**_opened(record["backup_url"]), "id": clock.new_id()}
        answer = self.take({**record, "backup_url": _closed(told)})
        self.assertEqual(201, answer.status, answer)
        self.backup_when(told["id"], Backup.AVAILABLE, by=self.operator)
        self.delete(made["id"])
        answer = self.volume_call(
            "POST", f"/backups/{told['id']}/restore", {"restore": {}}, by=self.operator
        )
        copy = answer.body["restore"]["volume_id"]
        self.volume_when(copy, "available", by=self.operator)
        self.assertEqual(b"shared", self.read(copy, 0, 6))
        self.backup_when(told["id"], Backup.AVAILABLE, by=self.operator)
        self.volume_call("DELETE", f"/backups/{told['id']}", by=self.operator)
        self.backup_when(told["id"], Backup.DELETED)
        self.assertEqual([], list(self.directory.iterdir()))

    def test_what_is_not_there_or_is_another(self) -> None:
        volume = self.make_volume()
        made = self.backup(volume["id"])
        record = self.export(made["id"])
        told = _opened(record["backup_url"])
        for changes, reason in (
            ({"data_id": clock.new_id()}, "has no backup"),
            ({"volume_id": clock.new_id()}, "different volumes"),
        ):
            new = {**told, "id": clock.new_id(), **changes}
            answer = self.take({**record, "backup_url": _closed(new)})
            self.assertEqual(201, answer.status, answer)
            failed = self.backup_when(new["id"], Backup.ERROR, by=self.operator)
            self.assertIn(reason, failed["fail_reason"])

    def test_refusals(self) -> None:
        volume = self.make_volume()
        made = self.backup(volume["id"])
        record = self.export(made["id"])
        told = {**_opened(record["backup_url"]), "id": clock.new_id()}
        for url in (
            "?", "e30=", base64.b64encode(b"[" * 5000).decode(),
            *(
                _closed({**told, name: value})
                for name, value in (
                    ("version", 2), ("id", "../x"), ("data_id", None), ("volume_id", 5),
                    ("size", 0), ("size", "1"), ("size", True), ("size", 1 << 40),
                    ("name", "x" * 256), ("parent_id", {}), ("metadata", {"a": 1}),
                    ("metadata", [1]),
                )
            ),
        ):
            self.refused(400, "backup_url", self.take({**record, "backup_url": url}))
        self.refused(
            400, "backup_service", self.take({**record, "backup_service": "cinder.other"})
        )
        for answer in (
            self.volume_call("GET", f"/backups/{made['id']}/export_record"),
            self.volume_call("POST", "/backups/import_record", {"backup-record": record}),
        ):
            self.assertEqual(403, answer.status)


def _opened(url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(url))
    return found


def _closed(record: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(record).encode()).decode()


def _forget() -> None:
    with engine.writer() as conn:
        conn.execute(backups.delete())
