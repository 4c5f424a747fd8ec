"""``mycloud volume``: what is sent, what is shown, what is waited for, what is left behind."""

import hashlib
from typing import Any

from tests.fixtures.command import Result
from tests.fixtures.fake_cloud import DROP, PROJECT_ID, Reply
from tests.unit.cli.case import (
    IMAGE,
    OPERATION_ID,
    SERVER_ID,
    VOLUME,
    VOLUME_ID,
    CliCase,
    operation,
)

ROOT = "/volume/v3"
VOLUMES = f"{ROOT}/volumes"
ONE = f"{VOLUMES}/{VOLUME_ID}"
ACTION = f"{ONE}/action"
OPERATION = f"/cloud/v1/operations/{OPERATION_ID}"
ACCEPTED = {"X-Mycloud-Operation-Id": OPERATION_ID}
DONE = Reply(200, {"operation": operation("succeeded", kind="volume.create")})
IMAGES = "/image/v2/images"
ONE_IMAGE = f"{IMAGES}/{IMAGE['id']}"


class VolumeCase(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud.on("GET", OPERATION, DONE)
        self.cloud.on("POST", ACTION, Reply(202, headers=ACCEPTED))

    def succeed(self, *words: str) -> Result:
        result = self.run_cli(*words)
        self.assertEqual(0, result.status, f"{words}: {result.err}")
        return result

    def bodies(self, path: str = ACTION, method: str = "POST") -> list[Any]:
        return [seen.body for seen in self.cloud.asked(method, path)]


class CreateTest(VolumeCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud.on("POST", VOLUMES, Reply(202, {"volume": VOLUME}, ACCEPTED))

    def test_an_empty_one(self) -> None:
        shown = self.succeed("volume", "create", "--size", "2", "data", "-f", "json").document
        self.assertEqual((VOLUME_ID, 2), (shown["id"], shown["size"]))
        (post,) = self.cloud.asked("POST", VOLUMES)
        self.assertEqual({"volume": {"name": "data", "size": 2}}, post.body)
        self.assertEqual("volume 3.59", post.headers["openstack-api-version"])
        self.assertTrue(post.headers["idempotency-key"])

    def test_a_lost_answer_is_asked_for_again_with_the_same_key(self) -> None:
        self.cloud.on("POST", VOLUMES, DROP, Reply(202, {"volume": VOLUME}, ACCEPTED))
        self.succeed("volume", "create", "--size", "2", "data")
        keys = [seen.headers["idempotency-key"] for seen in self.cloud.asked("POST", VOLUMES)]
        self.assertEqual((2, 1), (len(keys), len(set(keys))))

    def test_every_option_arrives(self) -> None:
        kind = {"id": "t", "name": "fast", "is_public": True}
        self.cloud.on("GET", f"{ROOT}/types", Reply(200, {"volume_types": [kind]}))
        self.succeed(
            *("volume", "create", "data", "--source", "data", "--type", "fast"),
            *("--description", "d", "--availability-zone", "z", "--property", "a=1=2"),
            *("--hint", "same_host=x"),
        )
        self.assertEqual(
            {
                "volume": {
                    "name": "data", "description": "d", "volume_type": "t",
                    "source_volid": VOLUME_ID, "availability_zone": "z", "metadata": {"a": "1=2"},
                },
                "OS-SCH-HNT:scheduler_hints": {"same_host": "x"},
            },
            self.bodies(VOLUMES)[0],
        )  # fmt: skip

    def test_of_an_image_as_large_as_it(self) -> None:
        image = IMAGE | {"virtual_size": (3 << 30) + 1, "size": 100, "min_disk": 1}
        self.cloud.on("GET", ONE_IMAGE, Reply(200, image))
        self.succeed("volume", "create", "--image", IMAGE["id"], "data")
        wanted = self.bodies(VOLUMES)[0]["volume"]
        self.assertEqual((4, IMAGE["id"]), (wanted["size"], wanted["imageRef"]))

    def test_wait_shows_steps(self) -> None:
        states = [("pending",), ("running", ("create", "running"))]
        replies = [Reply(200, {"operation": operation(*state)}) for state in states]
        self.cloud.on("GET", OPERATION, *replies, DONE)
        result = self.succeed("volume", "create", "--size", "2", "data", "--wait")
        self.assertIn("create running on node-1", result.err)

    def test_wait_tells_the_reason(self) -> None:
        failed = operation("failed", reason="No backend has 2 GiB free.")
        self.cloud.on("GET", OPERATION, Reply(200, {"operation": failed}))
        result = self.run_cli("volume", "create", "--size", "2", "data", "--wait")
        self.assertEqual((1, ""), (result.status, result.out))
        self.assertIn("No backend has 2 GiB free.", result.err)

    def test_another_cloud(self) -> None:
        self.cloud.services = ["compute", "image", "identity", "volumev3"]
        created = VOLUME | {"status": "creating"}
        # the catalog's address ends with the project there
        root = f"/volume/v3/{PROJECT_ID}"
        self.cloud.on("POST", f"{root}/volumes", Reply(202, {"volume": created}))
        broken = VOLUME | {"status": "error"}
        replies = [Reply(200, {"volume": one}) for one in (created, broken)]
        self.cloud.on("GET", f"{root}/volumes/{VOLUME_ID}", *replies)
        messages = [{"id": "m", "user_message": "No space left."}]
        self.cloud.on("GET", f"{root}/messages", Reply(200, {"messages": messages}))
        result = self.run_cli("volume", "create", "--size", "2", "data", "--wait")
        self.assertEqual(1, result.status)
        self.assertIn("Volume data is error: No space left.", result.err)

    def test_marks_are_set_once_it_is_there(self) -> None:
        self.succeed("volume", "create", "--size", "2", "data", "--bootable", "--read-only")
        expected = [
            {"os-set_bootable": {"bootable": True}},
            {"os-update_readonly_flag": {"readonly": True}},
        ]
        self.assertEqual(expected, self.bodies())
        methods = [(seen.method, seen.path) for seen in self.cloud.seen]
        self.assertLess(methods.index(("GET", OPERATION)), methods.index(("POST", ACTION)))

    def test_wrong_usage_sends_nothing(self) -> None:
        for words in (
            ("data",),
            ("--size", "0", "data"),
            ("--size", "x", "data"),
            ("--image", "a", "--source", "b", "data"),
        ):
            self.assertEqual(2, self.run_cli("volume", "create", *words).status, words)
        self.assertEqual([], self.cloud.seen)


class ShowTest(VolumeCase):
    def test_list_names_the_servers(self) -> None:
        held = {"server_id": SERVER_ID, "device": "/dev/vdb", "attachment_id": "a"}
        volume = VOLUME | {"status": "in-use", "attachments": [held]}
        self.cloud.on("GET", f"{VOLUMES}/detail", Reply(200, {"volumes": [volume]}))
        (row,) = self.succeed("volume", "list", "-f", "json").document
        self.assertEqual("web on /dev/vdb", row["Attached to"])
        filters = ("--status", "in-use", "--all-projects", "--limit", "1", "--long")
        self.succeed("volume", "list", *filters)
        query = self.cloud.asked("GET", f"{VOLUMES}/detail")[-1].query
        expected = {"status": "in-use", "all_tenants": "1", "limit": "1"}
        self.assertEqual(expected, query)

    def test_pages(self) -> None:
        link = {"rel": "next", "href": f"http://other{VOLUMES}/detail?marker={VOLUME_ID}"}
        first = Reply(200, {"volumes": [VOLUME], "volumes_links": [link]})
        last = Reply(200, {"volumes": [VOLUME | {"id": "second"}]})
        self.cloud.on("GET", f"{VOLUMES}/detail", first, last)
        rows = self.succeed("volume", "list", "-f", "json").document
        self.assertEqual([VOLUME_ID, "second"], [row["ID"] for row in rows])

    def test_show_by_name(self) -> None:
        shown = self.succeed("volume", "show", "data", "-f", "json").document
        self.assertEqual(({"kept": "yes"}, False), (shown["properties"], shown["bootable"]))
        result = self.run_cli("volume", "show", "nope")
        self.assertIn("No volume has the name or id 'nope'", result.err)


class ChangeTest(VolumeCase):
    def test_set(self) -> None:
        self.cloud.on("PUT", ONE, Reply(200, {"volume": VOLUME}))
        self.cloud.on("POST", f"{ONE}/metadata", Reply(200, {}))
        self.cloud.on("DELETE", f"{ONE}/metadata/kept", Reply(200))
        words = ("--name", "n", "--no-property", "--property", "a=b", "--size", "3", "--wait")
        self.succeed("volume", "set", "data", *words, "--non-bootable")
        self.assertEqual([{"volume": {"name": "n"}}], self.bodies(ONE, "PUT"))
        self.assertEqual([{"metadata": {"a": "b"}}], self.bodies(f"{ONE}/metadata"))
        self.assertEqual(1, len(self.cloud.asked("DELETE", f"{ONE}/metadata/kept")))
        expected = [
            {"os-set_bootable": {"bootable": False}},
            {"os-extend": {"new_size": 3}},
        ]
        self.assertEqual(expected, self.bodies())

    def test_retype_migrate_revert(self) -> None:
        kind = {"id": "t", "name": "fast"}
        self.cloud.on("GET", f"{ROOT}/types/t", Reply(200, {"volume_type": kind}))
        snapshot = {"id": "s", "volume_id": VOLUME_ID, "status": "available", "name": "s1"}
        self.cloud.on("GET", f"{ROOT}/snapshots/s", Reply(200, {"snapshot": snapshot}))
        retype = ("volume", "set", "data", "--type", "t", "--retype-policy", "on-demand")
        for words in (
            retype,
            ("volume", "migrate", "data", "--host", "h@b#p", "--lock-volume", "--wait"),
            ("volume", "revert", "s", "--wait"),
            ("volume", "extend", "data", "9"),
        ):
            self.succeed(*words)
        expected = [
            {"os-retype": {"new_type": "t", "migration_policy": "on-demand"}},
            {
                "os-migrate_volume": {
                    "host": "h@b#p", "force_host_copy": False, "lock_volume": True,
                }
            },
            {"revert": {"snapshot_id": "s"}},
            {"os-extend": {"new_size": 9}},
        ]
        self.assertEqual(expected, self.bodies())

    def test_delete(self) -> None:
        gone = Reply(404, {"itemNotFound": {"message": "gone"}})
        self.cloud.on("DELETE", ONE, Reply(202, headers=ACCEPTED))
        self.cloud.on("GET", ONE, Reply(200, {"volume": VOLUME}), gone)
        self.succeed("volume", "delete", VOLUME_ID, "--purge", "--wait")
        self.assertEqual({"cascade": "true"}, self.cloud.asked("DELETE", ONE)[0].query)
        self.cloud.on("GET", ONE, Reply(200, {"volume": VOLUME}))
        result = self.run_cli("volume", "delete", "--force", "nope", "data")
        self.assertEqual((1, 1), (result.status, result.err.count("No volume")))
        self.assertEqual([{"os-force_delete": {}}], self.bodies())

    def test_wrong_usage(self) -> None:
        for words in (
            (),
            ("--retype-policy", "never"),
            ("--size", "-1"),
            ("--size", "3", "--type", "t"),
        ):
            self.assertEqual(2, self.run_cli("volume", "set", "data", *words).status, words)


class OffspringTest(VolumeCase):
    """Snapshots, backups, transfers, attachments."""

    def test_snapshot(self) -> None:
        snapshot = {"id": "s", "name": "s1", "status": "available", "volume_id": VOLUME_ID}
        one = Reply(200, {"snapshot": snapshot})
        self.cloud.on("POST", f"{ROOT}/snapshots", Reply(202, {"snapshot": snapshot}, ACCEPTED))
        self.cloud.on("GET", f"{ROOT}/snapshots/s", one)
        self.cloud.on("GET", f"{ROOT}/snapshots/detail", Reply(200, {"snapshots": [snapshot]}))
        self.cloud.on("PUT", f"{ROOT}/snapshots/s", one)
        self.cloud.on("DELETE", f"{ROOT}/snapshots/s", Reply(202, headers=ACCEPTED))
        create = ("volume", "snapshot", "create", "--force", "--volume", "data", "s1", "--wait")
        self.assertEqual("s", self.succeed(*create, "-f", "json").document["id"])
        expected = {"volume_id": VOLUME_ID, "force": True, "name": "s1"}
        self.assertEqual([{"snapshot": expected}], self.bodies(f"{ROOT}/snapshots"))
        listed = self.succeed("volume", "snapshot", "list", "--volume", "data", "-f", "json")
        self.assertEqual("s1", listed.document[0]["Name"])
        query = self.cloud.asked("GET", f"{ROOT}/snapshots/detail")[-1].query
        self.assertEqual({"volume_id": VOLUME_ID}, query)
        self.succeed("volume", "snapshot", "set", "s1", "--name", "s2")
        self.succeed("volume", "snapshot", "delete", "s1")
        self.assertEqual(2, self.run_cli("volume", "snapshot", "set", "s1").status)

    def test_backup(self) -> None:
        backup = {"id": "b", "name": "b1", "status": "available", "volume_id": VOLUME_ID}
        self.cloud.on("POST", f"{ROOT}/backups", Reply(202, {"backup": backup}, ACCEPTED))
        self.cloud.on("GET", f"{ROOT}/backups/b", Reply(200, {"backup": backup}))
        self.cloud.on("GET", f"{ROOT}/backups/detail", Reply(200, {"backups": [backup]}))
        restored = {"restore": {"backup_id": "b", "volume_id": VOLUME_ID}}
        self.cloud.on("POST", f"{ROOT}/backups/b/restore", Reply(202, restored, ACCEPTED))
        create = ("volume", "backup", "create", "data", "--name", "b1", "--incremental")
        self.succeed(*create, "--wait")
        expected = {"volume_id": VOLUME_ID, "incremental": True, "force": False, "name": "b1"}
        self.assertEqual([{"backup": expected}], self.bodies(f"{ROOT}/backups"))
        shown = self.succeed("volume", "backup", "restore", "b1", "--wait", "-f", "json").document
        self.assertEqual(VOLUME_ID, shown["id"])
        self.succeed("volume", "backup", "restore", "b1", "data")
        self.assertEqual(
            [{"restore": {}}, {"restore": {"volume_id": VOLUME_ID}}],
            self.bodies(f"{ROOT}/backups/b/restore"),
        )

    def test_a_failed_backup_tells_why(self) -> None:
        self.cloud.services.remove("mycloud")
        backup = {"id": "b", "name": "b1", "status": "error", "fail_reason": "The disk is full."}
        self.cloud.on("POST", f"{ROOT}/backups", Reply(202, {"backup": backup}))
        self.cloud.on("GET", f"{ROOT}/backups/b", Reply(200, {"backup": backup}))
        result = self.run_cli("volume", "backup", "create", "data", "--wait")
        self.assertEqual((1, True), (result.status, "The disk is full." in result.err))

    def test_transfer(self) -> None:
        transfers = f"{ROOT}/volume-transfers"
        offer = {"id": "o", "name": "n", "volume_id": VOLUME_ID}
        made = Reply(202, {"transfer": offer | {"auth_key": "secret"}})
        self.cloud.on("POST", transfers, made)
        self.cloud.on("POST", f"{transfers}/o/accept", Reply(202, {"transfer": offer}))
        self.cloud.on("GET", f"{transfers}/detail", Reply(200, {"transfers": [offer]}))
        self.cloud.on("DELETE", f"{transfers}/o", Reply(202))
        created = self.succeed("volume", "transfer", "create", "data", "-f", "json").document
        self.assertEqual("secret", created["auth_key"])
        self.succeed("volume", "transfer", "accept", "o", "--auth-key", "secret")
        accepted = self.bodies(f"{transfers}/o/accept")
        self.assertEqual([{"accept": {"auth_key": "secret"}}], accepted)
        self.assertNotIn("auth_key", self.succeed("volume", "transfer", "show", "n").out)
        self.succeed("volume", "transfer", "delete", "n")

    def test_attachment(self) -> None:
        one = {"id": "a", "volume_id": VOLUME_ID, "instance": SERVER_ID, "status": "attached"}
        path = f"{ROOT}/attachments"
        self.cloud.on("GET", f"{path}/detail", Reply(200, {"attachments": [one]}))
        self.cloud.on("GET", f"{path}/a", Reply(200, {"attachment": one}))
        words = ("--volume", "data", "--server", "web", "-f", "json")
        (row,) = self.succeed("volume", "attachment", "list", *words).document
        self.assertEqual(("a", SERVER_ID), (row["ID"], row["Server ID"]))
        query = self.cloud.asked("GET", f"{path}/detail")[0].query
        self.assertEqual({"volume_id": VOLUME_ID, "instance_id": SERVER_ID}, query)
        self.succeed("volume", "attachment", "show", "a")


class AdministrationTest(VolumeCase):
    TYPE = {"id": "t", "name": "fast", "is_public": False, "extra_specs": {"a": "b"}}

    def setUp(self) -> None:
        super().setUp()
        types = f"{ROOT}/types"
        kind = Reply(200, {"volume_type": self.TYPE})
        self.cloud.on("GET", types, Reply(200, {"volume_types": [self.TYPE]}))
        self.cloud.on("GET", f"{types}/t", kind)
        self.cloud.on("POST", types, kind)
        self.cloud.on("PUT", f"{types}/t", kind)
        access = {"volume_type_access": [{"volume_type_id": "t", "project_id": "p"}]}
        self.cloud.on("GET", f"{types}/t/os-volume-type-access", Reply(200, access))
        self.cloud.on("GET", f"{types}/t/encryption", Reply(200, {}))
        self.cloud.on("POST", f"{types}/t/encryption", Reply(200, {}))
        self.cloud.on("PUT", f"{types}/t/encryption/provider", Reply(200, {}))
        self.cloud.on("POST", f"{types}/t/extra_specs", Reply(200, {}))
        self.cloud.on("POST", f"{types}/t/action", Reply(202))
        project = Reply(200, {"project": {"id": "p", "name": "n"}})
        self.cloud.on("GET", "/identity/v3/projects/p", project)

    def test_types(self) -> None:
        words = ("fast", "--private", "--project", "p", "--property", "a=b", "--multiattach")
        encrypted = ("--encryption-provider", "luks", "--encryption-key-size", "256")
        shown = self.succeed("volume", "type", "create", *words, *encrypted, "-f", "json").document
        self.assertEqual(["p"], shown["projects"])
        expected = {
            "name": "fast",
            "extra_specs": {"a": "b", "multiattach": "<is> True"},
            "os-volume-type-access:is_public": False,
        }
        self.assertEqual([{"volume_type": expected}], self.bodies(f"{ROOT}/types"))
        encryption = {"provider": "luks", "key_size": 256, "control_location": "front-end"}
        self.assertEqual([{"encryption": encryption}], self.bodies(f"{ROOT}/types/t/encryption"))
        self.assertEqual(
            [{"addProjectAccess": {"project": "p"}}], self.bodies(f"{ROOT}/types/t/action")
        )
        found = {"provider": "luks", "cipher": None, "key_size": 256}
        self.cloud.on("GET", f"{ROOT}/types/t/encryption", Reply(200, found))
        self.succeed("volume", "type", "set", "fast", "--encryption-cipher", "c", "--public")
        put = self.bodies(f"{ROOT}/types/t/encryption/provider", "PUT")
        self.assertEqual([{"encryption": {"cipher": "c"}}], put)
        self.assertEqual("fast", self.succeed(
            "volume", "type", "list", "--long", "-f", "json"
        ).document[0]["Name"])
        for words in (("create", "x", "--project", "p"), ("set", "fast"), ("unset", "fast"),
                      ("create", "x", "--encryption-cipher", "c")):
            self.assertEqual(2, self.run_cli("volume", "type", *words).status, words)

    def test_qos(self) -> None:
        path = f"{ROOT}/qos-specs"
        specs = {"id": "q", "name": "slow", "consumer": "front-end", "specs": {"a": "1"}}
        self.cloud.on("POST", path, Reply(200, {"qos_specs": specs}))
        self.cloud.on("GET", path, Reply(200, {"qos_specs": [specs]}))
        self.cloud.on("GET", f"{path}/q", Reply(200, {"qos_specs": specs}))
        types = {"qos_associations": [{"id": "t", "name": "fast"}]}
        self.cloud.on("GET", f"{path}/q/associations", Reply(200, types))
        for verb in ("associate", "disassociate", "disassociate_all"):
            self.cloud.on("GET", f"{path}/q/{verb}", Reply(202))
        self.cloud.on("PUT", f"{path}/q/delete_keys", Reply(202))
        self.cloud.on("DELETE", f"{path}/q", Reply(202))
        words = ("slow", "--consumer", "front-end", "--property", "a=1", "-f", "json")
        shown = self.succeed("volume", "qos", "create", *words).document
        self.assertEqual(["fast"], shown["types"])
        expected = {"qos_specs": {"name": "slow", "consumer": "front-end", "a": "1"}}
        self.assertEqual([expected], self.bodies(path))
        self.succeed("volume", "qos", "associate", "slow", "fast")
        query = self.cloud.asked("GET", f"{path}/q/associate")[0].query
        self.assertEqual({"vol_type_id": "t"}, query)
        self.succeed("volume", "qos", "disassociate", "slow", "--volume-type", "fast")
        self.succeed("volume", "qos", "disassociate", "slow", "--all")
        self.succeed("volume", "qos", "unset", "slow", "--property", "a")
        self.assertEqual([{"keys": ["a"]}], self.bodies(f"{path}/q/delete_keys", "PUT"))
        self.succeed("volume", "qos", "delete", "slow", "--force")
        self.assertEqual({"force": "true"}, self.cloud.asked("DELETE", f"{path}/q")[0].query)

    def test_services_pools_messages(self) -> None:
        service = {
            "binary": "cinder-volume", "host": "h@b", "status": "enabled", "state": "up",
            "disabled_reason": "its folder is not there", "backend_state": "down",
        }  # fmt: skip
        self.cloud.on("GET", f"{ROOT}/os-services", Reply(200, {"services": [service]}))
        (row,) = self.succeed("volume", "service", "list", "-f", "json").document
        self.assertEqual("its folder is not there", row["Reason"])
        for verb in ("enable", "disable", "disable-log-reason"):
            self.cloud.on("PUT", f"{ROOT}/os-services/{verb}", Reply(200, {}))
        self.succeed("volume", "service", "set", "h@b", "--disable", "--disable-reason", "r")
        self.succeed("volume", "service", "set", "h@b", "cinder-backup", "--enable")
        self.assertEqual(
            [{"host": "h@b", "binary": "cinder-volume", "disabled_reason": "r"}],
            self.bodies(f"{ROOT}/os-services/disable-log-reason", "PUT"),
        )
        capabilities = {"total_capacity_gb": "infinite", "free_capacity_gb": 7.5}
        pool = {"name": "h@b#p", "capabilities": capabilities}
        path = f"{ROOT}/scheduler-stats/get_pools"
        self.cloud.on("GET", path, Reply(200, {"pools": [pool]}))
        (row,) = self.succeed("volume", "pool", "list", "-f", "json").document
        self.assertEqual((None, 7.5), (row["Total"], row["Free"]))
        message = {"id": "m", "user_message": "No space.", "resource_uuid": VOLUME_ID}
        self.cloud.on("GET", f"{ROOT}/messages", Reply(200, {"messages": [message]}))
        self.cloud.on("DELETE", f"{ROOT}/messages/m", Reply(204))
        (row,) = self.succeed("volume", "message", "list", "-f", "json").document
        self.assertEqual("No space.", row["Message"])
        self.succeed("volume", "message", "delete", "m")
        self.assertEqual(2, self.run_cli("volume", "service", "set", "h@b").status)


    def test_manage(self) -> None:
        path = f"{ROOT}/manageable_volumes"
        self.cloud.on("POST", path, Reply(202, {"volume": VOLUME}, ACCEPTED))
        disk = {
            "reference": {"source-name": "old"}, "size": 3, "safe_to_manage": False,
            "reason_not_safe": "already managed", "cinder_id": VOLUME_ID,
        }  # fmt: skip
        found = Reply(200, {"manageable-volumes": [disk]})
        self.cloud.on("GET", f"{path}/detail", found)
        self.succeed("volume", "manage", "h@b#p", "old", "data", "--property", "a=b", "--wait")
        expected = {
            "host": "h@b#p", "ref": {"source-name": "old"}, "name": "data",
            "metadata": {"a": "b"},
        }  # fmt: skip
        self.assertEqual([{"volume": expected}], self.bodies(path))
        (row,) = self.succeed("volume", "manageable", "list", "h@b#p", "-f", "json").document
        self.assertEqual(("old", "already managed"), (row["Source"], row["Reason"]))
        self.assertEqual({"host": "h@b#p"}, self.cloud.asked("GET", f"{path}/detail")[0].query)
        gone = Reply(404, {"itemNotFound": {"message": "gone"}})
        self.cloud.on("GET", ONE, Reply(200, {"volume": VOLUME}), gone)
        self.succeed("volume", "unmanage", VOLUME_ID, "--wait")
        self.assertEqual([{"os-unmanage": {}}], self.bodies())

    def test_pages_of_types(self) -> None:
        link = {"rel": "next", "href": f"http://other{ROOT}/types?marker=t"}
        first = Reply(200, {"volume_types": [self.TYPE], "volume_type_links": [link]})
        last = Reply(200, {"volume_types": [self.TYPE | {"id": "u"}]})
        self.cloud.on("GET", f"{ROOT}/types", first, last)
        rows = self.succeed("volume", "type", "list", "-f", "json").document
        self.assertEqual(["t", "u"], [row["ID"] for row in rows])


class FilesTest(VolumeCase):
    def setUp(self) -> None:
        super().setUp()
        self.content = bytes(2 << 20) + b"x" * 1000 + bytes(1 << 20)
        checksum = hashlib.sha512(self.content).hexdigest()
        self.image = IMAGE | {
            "size": len(self.content), "os_hash_algo": "sha512", "os_hash_value": checksum,
        }  # fmt: skip
        self.cloud.on("GET", ONE_IMAGE, Reply(200, self.image))
        self.cloud.on("GET", f"{ONE_IMAGE}/file", Reply(200, self.content))
        self.cloud.on("DELETE", ONE_IMAGE, Reply(204))
        upload = {"os-volume_upload_image": {"image_id": IMAGE["id"]}}
        self.cloud.on("POST", ACTION, Reply(202, upload, ACCEPTED))
        self.cloud.on("POST", IMAGES, Reply(201, self.image | {"status": "queued"}))
        self.cloud.on("PUT", f"{ONE_IMAGE}/file", Reply(204))
        self.cloud.on("POST", VOLUMES, Reply(202, {"volume": VOLUME}, ACCEPTED))

    def dropped_images(self) -> int:
        return len(self.cloud.asked("DELETE", ONE_IMAGE))

    def test_export_with_holes_for_zeros(self) -> None:
        target = self.folder / "data.raw"
        self.succeed("volume", "export", "data", str(target))
        self.assertEqual(self.content, target.read_bytes())
        self.assertLess(target.stat().st_blocks * 512, len(self.content))
        self.assertEqual(1, self.dropped_images())
        self.assertEqual(["data.raw"], [one.name for one in self.folder.glob("data*")])
        details = self.bodies()[0]["os-volume_upload_image"]
        self.assertEqual(("raw", False), (details["disk_format"], details["force"]))

    def test_an_export_that_fails_leaves_nothing(self) -> None:
        target = self.folder / "data.raw"
        target.write_bytes(b"precious")
        self.cloud.on("GET", f"{ONE_IMAGE}/file", Reply(200, b"damaged"))
        result = self.run_cli("volume", "export", "data", str(target))
        self.assertEqual((1, 1), (result.status, self.dropped_images()), result.err)
        self.assertEqual(b"precious", target.read_bytes())
        self.assertEqual(["data.raw"], [one.name for one in self.folder.glob("data*")])
        result = self.run_cli("volume", "export", "data", "/nowhere/data.raw")
        self.assertEqual(2, result.status)
        self.assertEqual(1, len(self.bodies()))

    def test_import(self) -> None:
        head = b"QFI\xfb" + bytes(20) + ((5 << 30) + 1).to_bytes(8, "big") + bytes(100)
        path = self.write("disk.qcow2", head)
        shown = self.succeed("volume", "import", path, "data", "-f", "json").document
        self.assertEqual(VOLUME_ID, shown["id"])
        self.assertEqual("qcow2", self.bodies(IMAGES)[0]["disk_format"])
        wanted = self.bodies(VOLUMES)[0]["volume"]
        self.assertEqual((6, IMAGE["id"]), (wanted["size"], wanted["imageRef"]))
        self.assertEqual(1, self.dropped_images())

    def test_an_import_that_fails_leaves_nothing(self) -> None:
        failed = operation("failed", reason="The image lies about its format.")
        self.cloud.on("GET", OPERATION, Reply(200, {"operation": failed}))
        self.cloud.on("DELETE", ONE, Reply(202))
        result = self.run_cli("volume", "import", self.write("disk", "x"), "data")
        self.assertEqual(1, result.status)
        self.assertIn("lies about its format", result.err)
        self.assertEqual((1, 1), (self.dropped_images(), len(self.cloud.asked("DELETE", ONE))))

    def test_wrong_files(self) -> None:
        vmdk, short = self.write("disk.vmdk", b"KDMV"), self.write("short", b"QFI\xfb")
        for path, told in (
            ("/nowhere/x", "No such file"),
            (vmdk, "make it raw or qcow2"),
            (short, "no whole qcow2 file"),
        ):
            result = self.run_cli("volume", "import", path, "data")
            self.assertEqual((2, True), (result.status, told in result.err), result.err)
        self.assertEqual([], self.cloud.seen)


class StoryTest(VolumeCase):
    def test_why_a_volume_by_name(self) -> None:
        story = {
            "resource": {"type": "volume", "id": VOLUME_ID, "name": "data", "status": "error"},
            "operations": [operation("failed", ("create", "failed"), kind="volume.create")],
            "cause": "volume.create failed at step create.",
        }
        self.cloud.on("GET", f"/cloud/v1/why/{VOLUME_ID}", Reply(200, story))
        result = self.succeed("why", "data")
        self.assertIn(f"volume 'data' ({VOLUME_ID}) is error", result.out)
        snapshot = {"id": "s", "name": "data", "status": "available"}
        self.cloud.on("GET", f"{ROOT}/snapshots/detail", Reply(200, {"snapshots": [snapshot]}))
        result = self.run_cli("why", "data")
        self.assertEqual(2, result.status)
        self.assertIn(f"volume {VOLUME_ID}, snapshot s", result.err)

    def test_operations_of_a_volume(self) -> None:
        path = "/cloud/v1/operations"
        self.cloud.on("GET", path, Reply(200, {"operations": []}))
        self.succeed("operation", "list", "--volume", "data")
        self.assertEqual(VOLUME_ID, self.cloud.asked("GET", path)[0].query["resource_id"])
