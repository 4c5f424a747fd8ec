"""Backups through the API: made, restored, deleted, and what is refused."""

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

from oslo_config import cfg

from mycloud.common import clock, context, exceptions
from mycloud.common.states import Backup, Vol
from mycloud.db.models import backups, operations, volumes
from mycloud.objects.operation import Operation
from mycloud.volume.repository import loader
from mycloud.volume.requests import snapshots
from mycloud.volume.requests.snapshots import SnapshotSpec
from tests.fixtures.backup_api import CHUNK, BackupCase, set_row


class BackupsTest(BackupCase):
    def test_whole_and_restored(self) -> None:
        volume = self.make_volume(name="data", metadata={"of": "mine"})
        first, last = b"first" * 1000, b"last"
        self.write(volume["id"], 100_000, first)
        self.write(volume["id"], (1 << 30) - len(last), last)
        answer = self.volume_call(
            "POST", "/backups",
            {"backup": {"volume_id": volume["id"], "name": "one", "metadata": {"a": "b"}}},
        )
        self.assertEqual({"id", "name", "links"}, set(answer.body["backup"]))
        made = self.backup_when(answer.body["backup"]["id"], Backup.AVAILABLE)
        # two chunks and the manifest
        self.assertEqual((1, 3), (made["size"], made["object_count"]))
        self.assertEqual({"a": "b"}, made["metadata"])
        self.assertEqual(
            (False, False), (made["is_incremental"], made["has_dependent_backups"])
        )
        self.assertEqual(volume["id"], made["volume_id"])
        self.assertIsNotNone(made["data_timestamp"])
        self.volume_when(volume["id"], Vol.AVAILABLE)

        stored = self.cloud.in_role(loader.load().manifest, made["id"])
        self.assertEqual([1, (1 << 30) // CHUNK - 1], sorted(stored.chunks))

        copy = self.restore(made["id"])
        shown = self.volume_when(copy, Vol.AVAILABLE)
        self.assertEqual(f"restore_backup_{made['id']}", shown["name"])
        self.assertEqual({"of": "mine"}, shown["metadata"])
        self.assertEqual(first, self.read(copy, 100_000, len(first)))
        self.assertEqual(last, self.read(copy, (1 << 30) - len(last), len(last)))
        self.assertEqual(
            _digest(self.driver.source(volume["id"]).path),
            _digest(self.driver.source(copy).path),
        )
        self.assertLess(self.driver.source(copy).path.stat().st_blocks * 512, 1 << 20)

        self.delete(made["id"])
        self.assertEqual(404, self.volume_call("GET", f"/backups/{made['id']}").status)
        self.assertEqual([], list(self.directory.iterdir()))

    def test_incremental_chain(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 0, b"a" * CHUNK * 3)
        base = self.backup(volume["id"])
        self.write(volume["id"], CHUNK, b"b" * CHUNK)
        middle = self.backup(volume["id"], incremental=True)
        self.assertEqual((True, 2), (middle["is_incremental"], middle["object_count"]))
        self.write(volume["id"], 2 * CHUNK, b"\0" * CHUNK)
        self.write(volume["id"], 9 * CHUNK, b"c" * 10)
        leaf = self.backup(volume["id"], incremental=True)
        base_now = self.backup_when(base["id"], Backup.AVAILABLE)
        self.assertTrue(base_now["has_dependent_backups"])
        self.assertEqual(2, leaf["object_count"])

        copy = self.restore(leaf["id"])
        self.assertEqual(
            b"a" * CHUNK + b"b" * CHUNK + bytes(CHUNK), self.read(copy, 0, 3 * CHUNK)
        )
        self.assertEqual(b"c" * 10, self.read(copy, 9 * CHUNK, 10))
        older = self.restore(base["id"])
        self.assertEqual(b"a" * CHUNK * 3, self.read(older, 0, 3 * CHUNK))

        for each in (base, middle):
            self.refused(
                400, "Incremental backups exist",
                self.volume_call("DELETE", f"/backups/{each['id']}"),
            )
            self.backup_when(each["id"], Backup.AVAILABLE)
            self.refused(
                400, "Incremental backups exist",
                self.volume_call(
                    "POST", f"/backups/{each['id']}/action", {"os-force_delete": None},
                    by=self.operator,
                ),
            )
            self.backup_when(each["id"], Backup.AVAILABLE)
        for each in (leaf, middle, base):
            self.delete(each["id"])
        self.assertEqual([], list(self.directory.iterdir()))

    def test_incremental_on_each_projects_own(self) -> None:
        volume = self.make_volume()
        theirs = self.backup(volume["id"], by=self.operator)
        self.refused(
            400, "No backups available",
            self.volume_call(
                "POST", "/backups", {"backup": {"volume_id": volume["id"], "incremental": True}}
            ),
        )
        own = self.backup(volume["id"])
        self.backup(volume["id"], incremental=True)
        shown = self.volume_call(
            "GET", f"/backups/{theirs['id']}", by=self.operator
        ).body["backup"]
        self.assertFalse(shown["has_dependent_backups"])
        self.assertTrue(
            self.backup_when(own["id"], Backup.AVAILABLE)["has_dependent_backups"]
        )

    def test_to_a_volume_that_is_there(self) -> None:
        volume = self.make_volume(size=2)
        self.write(volume["id"], 0, b"old" * 100)
        made = self.backup(volume["id"])
        self.write(volume["id"], 0, b"new" * 100)
        self.write(volume["id"], 5 * CHUNK, b"later")
        self.assertEqual(volume["id"], self.restore(made["id"], volume_id=volume["id"]))
        self.assertEqual(b"old" * 100, self.read(volume["id"], 0, 300))
        self.assertEqual(bytes(5), self.read(volume["id"], 5 * CHUNK, 5))
        bigger = self.make_volume(size=3)
        self.restore(made["id"], volume_id=bigger["id"])
        self.assertEqual(b"old" * 100, self.read(bigger["id"], 0, 300))
        small = self.make_volume()
        self.refused(
            400, "too small",
            self.volume_call(
                "POST", f"/backups/{made['id']}/restore", {"restore": {"volume_id": small["id"]}}
            ),
        )

    def test_volume_made_from_a_backup(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 7, b"content")
        made = self.backup(volume["id"])
        new = self.make_volume(size=2, backup_id=made["id"])
        self.assertEqual(b"content", self.read(new["id"], 7, 7))
        self.assertEqual(2, new["size"])
        self.backup_when(made["id"], Backup.AVAILABLE)

    def test_of_a_snapshot(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 0, b"then")
        snapshot, operation_id = self.cloud.in_role(
            snapshots.create, self.member, SnapshotSpec(volume["id"])
        )
        self.ended(operation_id)
        self.write(volume["id"], 0, b"now!")
        made = self.backup(volume["id"], snapshot_id=snapshot["id"])
        self.assertEqual(snapshot["id"], made["snapshot_id"])
        copy = self.restore(made["id"])
        self.assertEqual(b"then", self.read(copy, 0, 4))
        other = self.make_volume()
        self.refused(
            400, "is not one of volume",
            self.volume_call(
                "POST", "/backups",
                {"backup": {"volume_id": other["id"], "snapshot_id": snapshot["id"]}},
            ),
        )

    def test_of_a_volume_in_use(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 0, b"hot")
        self.cloud.in_role(set_row, volumes, volume["id"], status=Vol.IN_USE)
        body = {"backup": {"volume_id": volume["id"]}}
        self.refused(400, "must use the force flag", self.volume_call("POST", "/backups", body))
        made = self.backup(volume["id"], force=True)
        self.volume_when(volume["id"], Vol.IN_USE)
        self.assertEqual([], self.driver.snapshot_names())
        self.assertEqual(b"hot", self.read(self.restore(made["id"]), 0, 3))


class FailuresTest(BackupCase):
    def test_damage_is_named_and_nothing_touched(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 0, b"kept" * CHUNK)
        base = self.backup(volume["id"])
        self.write(volume["id"], 0, b"more")
        leaf = self.backup(volume["id"], incremental=True)
        target = self.make_volume()
        self.write(target["id"], 0, b"precious")
        chunk = self.directory / base["id"] / "000000" / "00000002"
        whole = chunk.read_bytes()
        flipped = whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:]
        for damage, reason in (
            (lambda: chunk.write_bytes(flipped), "is damaged"),
            (lambda: chunk.write_bytes(whole[:20]), "cut off"),
            (chunk.unlink, "is missing"),
        ):
            damage()
            with self.subTest(reason=reason):
                self.fails_to_restore(leaf["id"], target["id"], base["id"], reason)
        chunk.write_bytes(whole)
        self.restore(leaf["id"], volume_id=target["id"])
        self.assertEqual(b"more" + b"kept", self.read(target["id"], 0, 8))

    def fails_to_restore(
        self, backup_id: str, target: str, base: str, reason: str
    ) -> None:
        answer = self.volume_call(
            "POST", f"/backups/{backup_id}/restore", {"restore": {"volume_id": target}}
        )
        self.assertEqual(202, answer.status, answer)
        self.backup_when(backup_id, Backup.AVAILABLE)
        # it was read before the volume was touched
        self.volume_when(target, Vol.AVAILABLE)
        self.assertEqual(b"precious", self.read(target, 0, 8))
        told = self.told()
        self.assertIn(backup_id, told)
        self.assertIn(base, told)
        self.assertIn(reason, told)
        self.assertNotIn(str(self.cloud.state), told)
        answer = self.volume_call("POST", f"/backups/{backup_id}/restore", {"restore": {}})
        new = answer.body["restore"]["volume_id"]
        self.volume_when(new, Vol.ERROR)
        self.assertNotIn(new, self.driver.names())
        self.backup_when(backup_id, Backup.AVAILABLE)
        self.volume_call("DELETE", f"/volumes/{new}")
        self.volume_gone(new)

    def test_damaged_manifest(self) -> None:
        volume = self.make_volume()
        self.write(volume["id"], 0, b"x")
        made = self.backup(volume["id"])
        path = self.directory / made["id"] / "manifest.json"
        document = json.loads(path.read_text())
        document["volume_size"] *= 2
        path.write_text(json.dumps(document))
        answer = self.volume_call("POST", f"/backups/{made['id']}/restore", {"restore": {}})
        new = answer.body["restore"]["volume_id"]
        self.volume_when(new, Vol.ERROR)
        self.assertIn("its manifest is damaged", self.told())
        # an incremental one on top of it does not begin
        failed = self.backup(volume["id"], incremental=True, status=Backup.ERROR)
        self.assertIn("manifest is damaged", failed["fail_reason"])
        self.volume_when(volume["id"], Vol.AVAILABLE)
        self.delete(failed["id"])
        self.delete(made["id"])

    def test_repository_that_is_gone(self) -> None:
        volume = self.make_volume()
        made = self.backup(volume["id"])
        (self.directory / made["id"] / "manifest.json").unlink()
        answer = self.volume_call("POST", f"/backups/{made['id']}/restore", {"restore": {}})
        self.volume_when(answer.body["restore"]["volume_id"], Vol.ERROR)
        self.assertIn("has no backup", self.told())
        # a file in the way of a new one
        wrong = self.directory / "file"
        wrong.write_text("")
        cfg.CONF.set_override("backup_dir", str(wrong), group="backup")
        failed = self.backup(volume["id"], status=Backup.ERROR)
        self.assertIn("repository failed", failed["fail_reason"])
        self.assertNotIn(str(self.cloud.state), failed["fail_reason"])
        self.volume_when(volume["id"], Vol.AVAILABLE)

    def test_driver_that_fails(self) -> None:
        volume = self.make_volume()
        (self.driver.settings.state_dir / "fault").write_text(
            json.dumps({"verb": "source", "count": 1})
        )
        failed = self.backup(volume["id"], status=Backup.ERROR)
        self.assertIn("told to fail", failed["fail_reason"])
        self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assertEqual([], self.cloud.in_role(loader.load().names))
        self.assertFalse((self.directory / failed["id"]).exists())


class RefusalsTest(BackupCase):
    def test_quota(self) -> None:
        volume = self.make_volume()
        cfg.CONF.set_override("backups", 1, group="volume_quota")
        self.backup(volume["id"])
        body = {"backup": {"volume_id": volume["id"]}}
        self.refused(413, "BackupLimitExceeded", self.volume_call("POST", "/backups", body))
        cfg.CONF.set_override("backups", 10, group="volume_quota")
        cfg.CONF.set_override("backup_gigabytes", 1, group="volume_quota")
        self.refused(413, "BackupSizeExceeds", self.volume_call("POST", "/backups", body))
        self.volume_when(volume["id"], Vol.AVAILABLE)

    def test_foreign_projects(self) -> None:
        volume = self.make_volume()
        made = self.backup(volume["id"])
        one = f"/backups/{made['id']}"
        for method, path, body in (
            ("POST", "/backups", {"backup": {"volume_id": volume["id"]}}),
            ("GET", one, None),
            ("PUT", one, {"backup": {"name": "mine"}}),
            ("DELETE", one, None),
            ("POST", f"{one}/restore", {"restore": {}}),
            ("POST", "/volumes", {"volume": {"size": 1, "backup_id": made["id"]}}),
        ):
            answer = self.volume_call(method, path, body, by=self.stranger)
            self.assertEqual(404, answer.status, (method, path, answer))
        listed = self.volume_call("GET", "/backups?all_tenants=1", by=self.stranger)
        self.assertEqual([], listed.body["backups"])
        theirs = self.make_volume(by=self.stranger)
        answer = self.volume_call(
            "POST", f"{one}/restore", {"restore": {"volume_id": theirs["id"]}}
        )
        self.assertEqual(404, answer.status, answer)
        for action in ({"os-force_delete": None}, {"os-reset_status": {"status": "error"}}):
            answer = self.volume_call("POST", f"{one}/action", action)
            self.assertEqual(403, answer.status, answer)
        self.assertEqual(403, self.volume_call("DELETE", one, by=self.reader).status)

    def test_bad_input(self) -> None:
        volume = self.make_volume()
        made = self.backup(volume["id"])
        one = f"/backups/{made['id']}"
        for path, body in (
            ("/backups", {}),
            ("/backups", {"backup": {}}),
            ("/backups", {"backup": {"volume_id": "no"}}),
            ("/backups", {"backup": {"volume_id": volume["id"], "name": "x" * 256}}),
            ("/backups", {"backup": {"volume_id": volume["id"], "incremental": "perhaps"}}),
            ("/backups", {"backup": {"volume_id": volume["id"], "metadata": {"k": 1}}}),
            (f"{one}/restore", {}),
            (f"{one}/restore", {"restore": {"volume_id": "../x"}}),
            (f"{one}/restore", {"restore": {"name": 5}}),
            (f"{one}/action", {"os-nothing": None}),
        ):
            answer = self.volume_call("POST", path, body)
            self.assertEqual(400, answer.status, (path, body, answer))
        self.assertEqual(400, self.volume_call("PUT", one, {"backup": {}}).status)
        body = {"backup": {"name": "x"}}
        self.assertEqual(405, self.volume_call("PUT", one, body, version="3.8").status)
        missing = {"backup": {"volume_id": clock.new_id()}}
        self.assertEqual(404, self.volume_call("POST", "/backups", missing).status)
        answer = self.volume_call(
            "POST", f"{one}/action", {"os-reset_status": {"status": "deleted"}}, by=self.operator
        )
        self.assertEqual(400, answer.status)

    def test_statuses(self) -> None:
        volume = self.make_volume()
        self.cloud.in_role(set_row, volumes, volume["id"], status=Vol.ERROR)
        body = {"backup": {"volume_id": volume["id"]}}
        self.refused(
            400, "must be available or in-use", self.volume_call("POST", "/backups", body)
        )
        self.cloud.in_role(set_row, volumes, volume["id"], status=Vol.AVAILABLE)
        made = self.backup(volume["id"])
        self.volume_call(
            "POST", f"/backups/{made['id']}/action", {"os-reset_status": {"status": "error"}},
            by=self.operator,
        )
        self.backup_when(made["id"], Backup.ERROR)
        answer = self.volume_call("POST", f"/backups/{made['id']}/restore", {"restore": {}})
        self.refused(400, "must be available to restore", answer)
        self.delete(made["id"])
        cfg.CONF.set_override("enabled", False, group="backup")
        self.refused(503, "makes no backups", self.volume_call("POST", "/backups", body))

    def test_busy(self) -> None:
        volume = self.make_volume()
        fault = self.driver.settings.state_dir / "fault"
        fault.write_text(json.dumps({"verb": "source", "mode": "hang"}))
        made = self.ask(volume["id"])
        shown = self.volume_call("GET", f"/volumes/{volume['id']}").body["volume"]
        self.assertEqual(Vol.BACKING_UP, shown["status"])
        self.refused(
            400, "backing-up",
            self.volume_call("POST", "/backups", {"backup": {"volume_id": volume["id"]}}),
        )
        self.assertEqual(400, self.volume_call("DELETE", f"/volumes/{volume['id']}").status)
        self.assertEqual(400, self.volume_call("DELETE", f"/backups/{made}").status)
        fault.unlink()
        self.backup_when(made, Backup.AVAILABLE)


class UnderWayTest(BackupCase):
    """While a backup is being made: the backend hangs."""

    def hang(self) -> tuple[str, str, Path]:
        """A volume, its backup that hangs, and the file that makes it so."""
        volume = self.make_volume()
        self.write(volume["id"], 0, b"x")
        fault = self.driver.settings.state_dir / "fault"
        fault.write_text(json.dumps({"verb": "source", "mode": "hang"}))
        made = self.ask(volume["id"])
        self.cloud.wait(lambda: json.loads(fault.read_text())[0].get("hits") if (
            fault.read_text().startswith("[")
        ) else None)
        return volume["id"], made, fault

    def test_force_delete(self) -> None:
        volume, made, fault = self.hang()
        answer = self.volume_call(
            "POST", f"/backups/{made}/action", {"os-force_delete": None}, by=self.operator
        )
        self.assertEqual(202, answer.status, answer)
        self.assertEqual(Backup.DELETING, self.row(backups, made)["status"])
        fault.unlink()
        self.backup_when(made, Backup.DELETED)
        self.volume_when(volume, Vol.AVAILABLE)
        self.assertEqual([], list(self.directory.iterdir()))

    def test_long_work_is_not_taken_for_a_hang(self) -> None:
        _, made, fault = self.hang()
        running = self.row(operations, self.row(backups, made)["operation_id"])
        past = clock.now() - datetime.timedelta(days=1)
        self.cloud.in_role(
            set_row, operations, running["id"],
            deadline_at=clock.now() + datetime.timedelta(seconds=30),
        )
        ctxt = context.admin_context()
        self.cloud.in_role(Operation.extend, ctxt, running["id"], running["owner_epoch"])
        extended = self.row(operations, running["id"])["deadline_at"]
        self.assertGreater(extended - clock.now(), datetime.timedelta(seconds=300))
        self.assertRaises(
            exceptions.OperationLost,
            self.cloud.in_role, Operation.extend, ctxt, running["id"], "another epoch",
        )
        # one that says nothing for too long has failed, and the volume is free again
        self.cloud.in_role(set_row, operations, running["id"], deadline_at=past)
        failed = self.backup_when(made, Backup.ERROR)
        self.assertIn("deadline", failed["fail_reason"])
        self.volume_when(failed["volume_id"], Vol.AVAILABLE)
        self.assertRaises(
            exceptions.OperationLost,
            self.cloud.in_role, Operation.extend, ctxt, running["id"], running["owner_epoch"],
        )
        fault.unlink()
        # what the worker that was given up has left goes with the backup
        self.driver.snapshot(failed["volume_id"], f"backup-{made}")
        self.delete(made)
        self.assertEqual([], self.driver.snapshot_names())
        self.assertEqual([], list(self.directory.iterdir()))


class ListTest(BackupCase):
    def test_filters_order_pages(self) -> None:
        volume, other = self.make_volume(), self.make_volume()
        ids = [self.backup(volume["id"], name=name)["id"] for name in ("b-one", "a-two")]
        ids.append(self.backup(other["id"], name="c-three")["id"])

        def names(query: str, **more: Any) -> list[str]:
            answer = self.volume_call("GET", f"/backups{query}", **more)
            self.assertEqual(200, answer.status, answer)
            return [each["name"] for each in answer.body["backups"]]

        self.assertEqual(["c-three", "a-two", "b-one"], names(""))
        self.assertEqual(["a-two", "b-one", "c-three"], names("?sort=name:asc"))
        self.assertEqual(["c-three"], names(f"?volume_id={other['id']}"))
        self.assertEqual(["a-two"], names("?name=a-two"))
        self.assertEqual(["c-three"], names("?name~=three"))
        self.assertEqual([], names("?status=error"))
        self.assertEqual([], names("", by=self.operator))
        self.assertEqual(3, len(names("?all_tenants=1", by=self.operator)))
        answer = self.volume_call("GET", "/backups/detail?limit=2&with_count=true")
        self.assertEqual(3, answer.body["count"])
        [link] = answer.body["backups_links"]
        self.assertEqual(["b-one"], names(f"?limit=2&marker={ids[1]}"))
        self.assertIn(f"marker={ids[1]}", link["href"])
        self.assertNotIn("count", self.volume_call("GET", "/backups", version="3.44").body)
        for bad in ("?marker=nothing", "?sort=nothing", "?limit=-1", "?all_tenants=maybe"):
            self.assertEqual(400, self.volume_call("GET", f"/backups{bad}").status, bad)

    def test_microversions_and_update(self) -> None:
        volume = self.make_volume()
        made = self.backup(volume["id"], name="one")
        one = f"/backups/{made['id']}"
        answer = self.volume_call(
            "PUT", one, {"backup": {"name": "two", "description": "d", "metadata": {"k": "v"}}}
        )
        self.assertEqual((200, "two"), (answer.status, answer.body["backup"]["name"]))
        shown = self.volume_call("GET", one).body["backup"]
        self.assertEqual(("d", {"k": "v"}), (shown["description"], shown["metadata"]))
        self.assertNotIn("user_id", shown)
        shown = self.volume_call("GET", one, by=self.operator).body["backup"]
        self.assertEqual(self.member.project_id, shown["os-backup-project-attr:project_id"])
        self.assertEqual(self.member.user_id, shown["user_id"])
        shown = self.volume_call("GET", one, by=self.operator, version="3.17").body["backup"]
        self.assertEqual(
            set(), {"metadata", "user_id", "os-backup-project-attr:project_id"} & set(shown)
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


