"""``mycloud volume`` against the whole cloud."""

import json
import os
from pathlib import Path
from typing import Any, ClassVar

from oslo_config import cfg

from mycloud import client as library
from mycloud.client.transport import VOLUME, Request
from mycloud.common.faults import Fault
from tests.fixtures import seeds
from tests.fixtures.command_case import CommandCase
from tests.fixtures.live_cloud import ADMIN, DEMO


class VolumesTest(CommandCase):
    def test_the_life_of_a_volume(self) -> None:
        words = ("--property", "a=b", "--description", "d", "--wait")
        status, out, steps = self.attempt("volume", "create", "--size", "1", "data", *words,
                                          "-f", "json")
        self.assertEqual(0, status, steps)
        made = json.loads(out)
        self.assertEqual(("available", 1, {"a": "b"}), tuple(
            made[name] for name in ("status", "size", "properties")
        ))
        self.assertIn("volume.create", steps)
        (row,) = self.ask("volume", "list", "--status", "available")
        self.assertEqual((made["id"], "data", ""), (row["ID"], row["Name"], row["Attached to"]))
        self.assertEqual([], self.ask("volume", "list", "--status", "error"))
        everything = self.ask("volume", "list", "--all-projects", "--long", cloud=ADMIN)
        self.assertIn("@disks#", everything[0]["Host"])

        self.run_cli("volume", "set", "data", "--size", "3", "--wait")
        self.run_cli("volume", "extend", "data", "4", "--wait")
        words = ("--name", "new", "--property", "c=d", "--bootable", "--read-only")
        self.run_cli("volume", "set", "data", *words)
        shown = self.ask("volume", "show", "new")
        self.assertEqual((4, True, True), (shown["size"], shown["bootable"], shown["read_only"]))
        self.assertEqual("b", shown["properties"]["a"])
        self.run_cli("volume", "unset", "new", "--property", "a")
        self.assertNotIn("a", self.ask("volume", "show", "new")["properties"])

        story = self.ask("why", "new")
        kinds = [operation["kind"] for operation in story["operations"]]
        self.assertEqual(["volume.create", "volume.extend", "volume.extend"], kinds)
        self.assertEqual(3, len(self.ask("operation", "list", "--volume", "new")))
        self.run_cli("volume", "delete", "new", "--wait")
        self.assertEqual([], self.ask("volume", "list"))

    def test_snapshots_and_copies(self) -> None:
        self.run_cli("volume", "create", "--size", "1", "data", "--wait")
        create = ("volume", "snapshot", "create", "--volume", "data", "s1", "--wait")
        snapshot = self.ask(*create, "--property", "a=b")
        self.assertEqual(("available", 1), (snapshot["status"], snapshot["size"]))
        self.run_cli("volume", "snapshot", "set", "s1", "--description", "d")
        self.assertEqual("d", self.ask("volume", "snapshot", "show", "s1")["description"])
        for words in (("--snapshot", "s1", "--size", "2"), ("--source", "data")):
            copy = self.ask("volume", "create", "copy", *words, "--wait")
            self.run_cli("volume", "delete", copy["id"], "--wait")
        kinds = [operation["kind"] for operation in self.ask("why", "data")["operations"]]
        self.assertEqual(["volume.create", "snapshot.create"], kinds)
        status, _, err = self.attempt("volume", "delete", "data")
        self.assertEqual((1, True), (status, "snapshot" in err), err)
        self.run_cli("volume", "snapshot", "delete", "s1", "--wait")
        story = self.ask("why", snapshot["id"])
        self.assertEqual(("snapshot", "deleted"), (
            story["resource"]["type"], story["resource"]["status"]
        ))
        self.assertEqual(3, len(self.ask("why", "data")["operations"]))
        self.run_cli("volume", "delete", "data", "--wait")

    def test_a_failure_tells_its_reason(self) -> None:
        driver = self.cloud.volumes["disks"].driver
        driver.faults.set(Fault("create"))
        status, _, err = self.attempt("volume", "create", "--size", "1", "data", "--wait")
        self.assertEqual(1, status)
        self.assertIn("told to fail", err)
        self.assertIn("volume 'data'", self.run_cli("why", "data"))
        (message,) = self.ask("volume", "message", "list")
        self.assertIn("told to fail", message["Message"])
        self.run_cli("volume", "message", "delete", message["ID"])
        self.assertEqual([], self.ask("volume", "message", "list"))
        driver.faults.set()
        self.run_cli("volume", "delete", "data", "--wait")

    def test_several_of_one_name_need_an_id(self) -> None:
        ids = {self.ask("volume", "create", "--size", "1", "twin", "--wait")["id"] for _ in "12"}
        status, _, err = self.attempt("volume", "show", "twin")
        self.assertEqual((1, True), (status, all(one in err for one in ids)), err)
        self.assertEqual(1, self.attempt("volume", "show", "detail")[0])
        cloud = library.connect(DEMO)
        self.assertEqual(ids, {one.id for one in cloud.volumes.list(limit=1)})


    def test_one_key_makes_one_volume(self) -> None:
        cloud = library.connect(DEMO)
        request = Request(
            VOLUME,
            "POST",
            "/volumes",
            body=library.NewVolume(1, "once").to_body(),
            headers={"Idempotency-Key": "one"},
        )
        ids = {cloud.transport.send(request).body["volume"]["id"] for _ in range(2)}
        self.assertEqual(ids, {volume.id for volume in cloud.volumes.list()})
        self.assertEqual(1, len(ids))


class TransferTest(CommandCase):
    def test_a_volume_goes_to_another_project(self) -> None:
        made = self.ask("volume", "create", "--size", "1", "gift", "--wait")
        self.assertEqual({"count": 1, "size": 1}, self.ask("volume", "summary"))
        offer = self.ask("volume", "transfer", "create", "gift", "--name", "take")
        self.assertTrue(offer["auth_key"])
        self.assertNotIn(offer["auth_key"], self.run_cli("volume", "transfer", "show", "take"))
        self.assertEqual("take", self.ask("volume", "transfer", "list")[0]["Name"])
        accept = ("volume", "transfer", "accept", offer["id"], "--auth-key")
        self.assertEqual(1, self.attempt(*accept, "wrong", cloud=ADMIN)[0])
        self.run_cli(*accept, offer["auth_key"], cloud=ADMIN)
        self.assertEqual([], self.ask("volume", "list"))
        self.assertEqual(made["id"], self.ask("volume", "list", cloud=ADMIN)[0]["ID"])
        self.run_cli("volume", "transfer", "create", "gift", "--name", "back", cloud=ADMIN)
        self.run_cli("volume", "transfer", "delete", "back", cloud=ADMIN)
        self.assertEqual([], self.ask("volume", "transfer", "list", cloud=ADMIN))


class VolumeAdministrationTest(CommandCase):
    def test_types(self) -> None:
        def admin(*words: str) -> None:
            self.run_cli("volume", "type", *words, cloud=ADMIN)

        admin("create", "fast", "--property", "volume_backend_name=disks", "--description", "d")
        self.assertEqual("disks", self.ask(
            "volume", "type", "show", "fast", cloud=ADMIN
        )["properties"]["volume_backend_name"])
        volume = self.ask("volume", "create", "--size", "1", "--type", "fast", "v", "--wait")
        self.assertEqual("fast", volume["type"])
        self.run_cli("volume", "delete", "v", "--wait")
        admin("create", "secret", "--private", "--encryption-provider", "luks",
              "--encryption-cipher", "aes-xts-plain64", "--encryption-key-size", "256")
        admin("set", "secret", "--encryption-key-size", "512", "--name", "hidden")
        shown = self.ask("volume", "type", "show", "hidden", cloud=ADMIN)
        self.assertEqual(512, shown["encryption"]["key_size"])
        self.assertEqual(1, self.attempt("volume", "type", "show", "hidden")[0])
        project = self.ask("project", "show", "demo", cloud=ADMIN)["id"]
        admin("set", "hidden", "--project", "demo")
        self.assertEqual([project], self.ask(
            "volume", "type", "show", "hidden", cloud=ADMIN
        )["projects"])
        self.assertEqual("hidden", self.ask("volume", "type", "show", "hidden")["name"])
        admin("unset", "hidden", "--project", "demo", "--encryption-type")
        admin("delete", "hidden", "fast")
        self.assertEqual(1, self.attempt("volume", "type", "create", "x")[0])

    def test_qos(self) -> None:
        def admin(*words: str) -> None:
            self.run_cli("volume", "qos", *words, cloud=ADMIN)

        self.run_cli("volume", "type", "create", "fast", cloud=ADMIN)
        admin("create", "slow", "--consumer", "front-end", "--property", "total_iops_sec=100")
        admin("set", "slow", "--property", "total_bytes_sec=1000000")
        admin("unset", "slow", "--property", "total_iops_sec")
        admin("associate", "slow", "fast")
        (row,) = self.ask("volume", "qos", "list", cloud=ADMIN)
        self.assertEqual((["fast"], {"total_bytes_sec": "1000000"}), (
            row["Types"], row["Properties"]
        ))
        self.assertEqual("slow", self.ask("volume", "type", "show", "fast", cloud=ADMIN)["qos"])
        admin("disassociate", "slow", "--volume-type", "fast")
        admin("delete", "slow")
        self.assertEqual([], self.ask("volume", "qos", "list", cloud=ADMIN))

    def test_services_and_pools(self) -> None:
        services = self.ask("volume", "service", "list", cloud=ADMIN)
        backend = next(one for one in services if one["Binary"] == "cinder-volume")
        self.assertEqual(("up", "enabled"), (backend["State"], backend["Status"]))
        words = ("volume", "service", "set", backend["Host"])
        self.run_cli(*words, "--disable", "--disable-reason", "repair", cloud=ADMIN)
        found = self.ask("volume", "service", "list", "--host", backend["Host"], cloud=ADMIN)
        self.assertEqual(("disabled", "repair"), (found[0]["Status"], found[0]["Reason"]))
        self.run_cli(*words, "--enable", cloud=ADMIN)
        (pool,) = self.ask("volume", "pool", "list", cloud=ADMIN)
        self.assertTrue(pool["Name"].startswith(backend["Host"]))
        self.assertGreater(pool["Free"], 0)
        for words in (("service", "list"), ("pool", "list")):
            status, out, err = self.attempt("volume", *words)
            self.assertEqual((1, ""), (status, out), err)

    def test_quotas(self) -> None:
        self.run_cli("quota", "set", "demo", "--gigabytes", "1", cloud=ADMIN)
        self.run_cli("volume", "create", "--size", "1", "data", "--wait")
        status, _, err = self.attempt("volume", "create", "--size", "1", "more")
        self.assertEqual((1, True), (status, "gigabytes" in err.lower()), err)
        rows = {row["Resource"]: row for row in self.ask("quota", "show")}
        self.assertEqual((1, 1), (rows["gigabytes"]["In Use"], rows["gigabytes"]["Limit"]))
        self.run_cli("volume", "type", "create", "fast", cloud=ADMIN)
        words = ("--volumes", "2", "--volume-type", "fast")
        self.run_cli("quota", "set", "demo", *words, cloud=ADMIN)
        rows = {row["Resource"]: row for row in self.ask("quota", "show")}
        self.assertEqual(2, rows["volumes_fast"]["Limit"])
        self.run_cli("quota", "set", "demo", "--reset", cloud=ADMIN)
        rows = {row["Resource"]: row for row in self.ask("quota", "show")}
        self.assertNotEqual(1, rows["gigabytes"]["Limit"])


class ServerVolumesTest(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        seeds.basics(self.cloud)
        create = ("server", "create", "web", "--flavor", "m1.test", "--image", "test")
        self.server = self.ask(*create, "--wait")

    def test_attach_and_detach(self) -> None:
        self.run_cli("volume", "create", "--size", "1", "data", "--wait")
        held = self.ask("server", "add", "volume", "web", "data", "--wait")
        self.assertEqual(self.server["id"], held["server_id"])
        (row,) = self.ask("volume", "list")
        self.assertEqual("in-use", row["Status"])
        self.assertTrue(row["Attached to"].startswith("web on /dev/"), row)
        (row,) = self.ask("server", "volume", "list", "web")
        self.assertEqual(("data", 1), (row["Name"], row["Size"]))
        for words, told in (
            (("server", "add", "volume", "web", "data"), "already attached"),
            (("volume", "delete", "data"), "detach it first"),
            (("volume", "snapshot", "create", "--volume", "data", "s"), "in-use"),
        ):
            status, _, err = self.attempt(*words)
            self.assertEqual((1, True), (status, told in err), err)
        self.run_cli("volume", "snapshot", "create", "--force", "--volume", "data", "s", "--wait")
        self.run_cli("volume", "snapshot", "delete", "s", "--wait")
        self.run_cli("server", "remove", "volume", "web", "data", "--wait")
        self.assertEqual([], self.ask("server", "volume", "list", "web"))
        kinds = [one["kind"] for one in self.ask("why", "data")["operations"]]
        self.assertEqual(
            ["volume.create", "server.attach_volume", "snapshot.create", "snapshot.delete",
             "server.detach_volume"],
            kinds,
        )  # fmt: skip
        self.run_cli("volume", "delete", "data", "--wait")

    def test_what_servers_boot_from(self) -> None:
        def boot(name: str, *words: str) -> list[Any]:
            """The volumes of a server that boots from these."""
            self.run_cli("server", "create", name, "--flavor", "m1.test", *words, "--wait")
            return list(self.ask("server", "volume", "list", name))

        root = self.ask("volume", "create", "root", "--image", "test", "--wait")
        self.assertTrue(root["bootable"])
        (disk,) = boot("one", "--volume", "root")
        self.assertEqual(root["id"], disk["Volume ID"])
        self.assertEqual("", self.ask("server", "show", "one")["image"])
        self.run_cli("volume", "snapshot", "create", "--force", "--volume", "root", "s", "--wait")
        (disk,) = boot("two", "--snapshot", "s")
        self.assertNotEqual(root["id"], disk["Volume ID"])
        (disk,) = boot("three", "--image", "test", "--boot-from-volume", "2")
        self.assertEqual(2, disk["Size"])
        blank = "source_type=blank,volume_size=1,delete_on_termination=true"
        (disk,) = boot("four", "--image", "test", "--block-device", blank)
        self.assertEqual(1, disk["Size"])
        self.run_cli("server", "delete", "one", "two", "three", "four", "--wait")
        # the blank one goes with its server, a moment later
        self.cloud.wait(
            lambda: [row["Status"] for row in self.ask("volume", "list")] == ["available"] * 3,
            what="the end of the blank volume",
        )


class MovingTest(CommandCase):
    backends: ClassVar[dict[str, dict[str, Any]] | None] = {"slow": {}, "fast": {}}

    def test_migrate_and_retype(self) -> None:
        for name in ("slow", "fast"):
            words = ("--property", f"volume_backend_name={name}")
            self.run_cli("volume", "type", "create", name, *words, cloud=ADMIN)
        made = self.ask("volume", "create", "--size", "1", "--type", "slow", "data", "--wait")
        status, _, err = self.attempt("volume", "set", "data", "--type", "fast", "--wait")
        self.assertEqual(1, status, err)
        words = ("--type", "fast", "--retype-policy", "on-demand", "--wait")
        self.run_cli("volume", "set", "data", *words)
        shown = self.ask("volume", "show", made["id"], cloud=ADMIN)
        self.assertEqual(("fast", "available"), (shown["type"], shown["status"]))
        self.assertIn("@fast#", shown["host"])
        free = self.ask("volume", "create", "--size", "1", "free", "--wait")
        here = self.ask("volume", "show", free["id"], cloud=ADMIN)["host"]
        pools = [row["Name"] for row in self.ask("volume", "pool", "list", cloud=ADMIN)]
        (there,) = [name for name in pools if name != here]
        words = ("volume", "migrate", free["id"], "--host", there, "--wait")
        self.run_cli(*words, cloud=ADMIN)
        self.assertEqual(there, self.ask("volume", "show", free["id"], cloud=ADMIN)["host"])


def _head(path: Path) -> bytes:
    """The first MiBs of a disk; the fake backend leaves zeros at its end out."""
    with path.open("rb") as file:
        return file.read(2 << 20)


class FilesTest(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        cfg.CONF.set_override("endpoint", f"{self.cloud.url}/image", group="image")
        self.addCleanup(cfg.CONF.clear_override, "endpoint", group="image")

    def test_export_and_import(self) -> None:
        self.run_cli("volume", "create", "--size", "1", "data", "--wait")
        disk = self.cloud.volumes["disks"].driver.source(self.ask("volume", "show", "data")["id"])
        with disk.path.open("r+b") as file:
            file.seek(1 << 20)
            file.write(os.urandom(100_000))
        content = _head(disk.path)
        exported = self.cloud.state / "data.raw"
        self.run_cli("volume", "export", "data", str(exported))
        self.assertTrue(content == _head(exported), "the bytes differ")
        self.assertLess(exported.stat().st_blocks * 512, 1 << 20)
        self.assertEqual([], self.ask("image", "list"))
        packed = self.cloud.state / "data.qcow2"
        self.run_cli("volume", "export", "data", str(packed))
        self.assertEqual(b"QFI\xfb", packed.read_bytes()[:4])
        for path in (exported, packed):
            made = self.ask("volume", "import", str(path), "back")
            self.assertEqual(("available", 1), (made["status"], made["size"]))
            copy = self.cloud.volumes["disks"].driver.source(made["id"])
            self.assertTrue(content == _head(copy.path), f"{path}: the bytes differ")
            self.run_cli("volume", "delete", made["id"], "--wait")
        self.assertEqual([], self.ask("image", "list"))

    def test_a_file_that_lies_leaves_nothing(self) -> None:
        path = self.cloud.state / "lie"
        path.write_bytes(b"QFI\xfb" + b"\xff" * 1000)
        status, _, err = self.attempt("volume", "import", str(path), "lie", "--size", "1")
        self.assertEqual(1, status, err)
        self.assertEqual([], self.ask("image", "list"))
        self.assertEqual([], self.ask("volume", "list"))

    def test_manage_revert(self) -> None:
        self.run_cli("volume", "create", "--size", "1", "data", "--wait")
        self.run_cli("volume", "snapshot", "create", "--volume", "data", "s1", "--wait")
        self.run_cli("volume", "revert", "s1", "--wait")
        self.run_cli("volume", "snapshot", "delete", "s1", "--wait")
        made = self.ask("volume", "show", self.ask("volume", "show", "data")["id"], cloud=ADMIN)
        self.run_cli("volume", "unmanage", made["id"], "--wait", cloud=ADMIN)
        self.assertEqual([], self.ask("volume", "list"))
        (row,) = self.ask("volume", "manageable", "list", made["host"], cloud=ADMIN)
        self.assertEqual((1, True), (row["Size"], row["Safe"]))
        words = ("volume", "manage", made["host"], row["Source"], "again", "--wait")
        self.assertEqual("available", self.ask(*words, cloud=ADMIN)["status"])


class BackupsTest(CommandCase):
    def test_backups(self) -> None:
        self.run_cli("volume", "create", "--size", "1", "data", "--wait")
        disk = self.cloud.volumes["disks"].driver.source(self.ask("volume", "show", "data")["id"])
        with disk.path.open("r+b") as file:
            file.write(b"precious")
        backup = self.ask("volume", "backup", "create", "data", "--name", "b1", "--wait")
        self.assertEqual(("available", False), (backup["status"], backup["incremental"]))
        create = ("volume", "backup", "create", "data", "--name", "b2", "--incremental")
        self.assertTrue(self.ask(*create, "--wait")["incremental"])
        rows = self.ask("volume", "backup", "list", "--volume", "data", "--long")
        self.assertEqual({"b1", "b2"}, {row["Name"] for row in rows})
        self.assertTrue(self.ask("volume", "backup", "show", "b1")["has_dependent_backups"])
        with disk.path.open("r+b") as file:
            file.write(b"spoilt..")
        self.run_cli("volume", "backup", "restore", "b2", "data", "--wait")
        self.assertEqual(b"precious", disk.path.read_bytes()[:8])
        new = self.ask("volume", "backup", "restore", "b1", "--name", "new", "--wait")
        self.assertEqual(("available", "new"), (new["status"], new["name"]))
        kinds = [one["kind"] for one in self.ask("why", "data")["operations"]]
        self.assertEqual(
            ["volume.create", "backup.create", "backup.create", "backup.restore"], kinds
        )
        self.assertEqual("backup", self.ask("why", "b1")["resource"]["type"])
        self.run_cli("volume", "backup", "set", "b2", "--property", "a=b", "--name", "last")
        self.assertEqual({"a": "b"}, self.ask("volume", "backup", "show", "last")["properties"])
        record = self.ask("volume", "backup", "record", "export", backup["id"], cloud=ADMIN)
        words = ("volume", "backup", "record", "import", record["backup_service"])
        status, _, err = self.attempt(*words, record["metadata"], "--wait", cloud=ADMIN)
        self.assertEqual((1, True), (status, backup["id"] in err), err)
        self.run_cli("volume", "backup", "delete", "last", "--wait")
        self.run_cli("volume", "backup", "delete", "b1", "--wait")
        self.assertEqual([], self.ask("volume", "backup", "list"))
