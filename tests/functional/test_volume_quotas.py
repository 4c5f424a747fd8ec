"""Quotas of volumes: who sees and sets them, that they hold, and keep apart from compute's."""

import sqlalchemy as sa
import testtools
from oslo_config import cfg

from mycloud.common import clock, concurrency, context, exceptions
from mycloud.compute.requests import quotas as compute_quotas
from mycloud.db import engine
from mycloud.db.models import (
    backups,
    volume_snapshots,
    volume_type_access,
    volume_types,
    volumes,
)
from mycloud.volume.requests import quotas
from tests.fixtures.cloud import PROJECT
from tests.fixtures.compute_rows import OTHER_PROJECT
from tests.fixtures.volume_rows import VolumeRows, backup_row, snapshot_row, volume_row

MINE = f"/os-quota-sets/{PROJECT}"
THEIRS = f"/os-quota-sets/{OTHER_PROJECT}"
ALL = {
    "volumes", "snapshots", "gigabytes", "per_volume_gigabytes", "backups", "backup_gigabytes",
    "groups",
}  # fmt: skip


class Case(testtools.TestCase):
    def rows(self):
        return VolumeRows()

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(self.rows())
        self.admin, self.member = self.api.admin, self.api.member

    def insert(self, table, *rows):
        self.api.in_writer(lambda conn: conn.execute(sa.insert(table), list(rows)))

    def make_type(self, name, **values):
        row = {
            "id": clock.new_id(), "name": name, "is_public": True, "extra_specs": {},
            "created_at": clock.now(), **values,
        }  # fmt: skip
        self.insert(volume_types, row)
        return row["id"]

    def set(self, path=MINE, **limits):
        return self.admin.ask("PUT", path, {"quota_set": limits})

    def check(self, type_name=None, **wanted):
        self.api.in_writer(quotas.check, PROJECT, wanted, type_name=type_name)

    def refused(self, type_name=None, **wanted):
        error = self.assertRaises(
            exceptions.VolumeQuotaExceeded, self.check, type_name, **wanted
        )
        self.assertEqual(413, error.status)
        return error.message


class QuotaSetsTest(Case):
    def test_defaults(self):
        shown = self.member.get(MINE)["quota_set"]
        self.assertEqual(ALL | {"id"}, set(shown))
        self.assertEqual(PROJECT, shown["id"])
        self.assertEqual(
            (10, 1000, -1),
            (shown["volumes"], shown["gigabytes"], shown["per_volume_gigabytes"]),
        )
        self.assertEqual(shown, self.member.get(f"{MINE}/defaults")["quota_set"])

    def test_set_and_forget(self):
        response = self.set(volumes=5, gigabytes="7", snapshots=-1, tenant_id=PROJECT)
        self.assertEqual(200, response.status_int, response.text)
        self.assertEqual(ALL, set(response.json["quota_set"]))
        self.assertEqual(5, response.json["quota_set"]["volumes"])
        shown = self.member.get(MINE)["quota_set"]
        self.assertEqual(
            (5, 7, -1), (shown["volumes"], shown["gigabytes"], shown["snapshots"])
        )
        self.assertEqual(10, self.member.get(f"{MINE}/defaults")["quota_set"]["volumes"])
        self.assertEqual(10, self.api.stranger.get(THEIRS)["quota_set"]["volumes"])
        self.assertEqual(200, self.admin.status("DELETE", MINE))
        self.assertEqual(10, self.member.get(MINE)["quota_set"]["volumes"])

    def test_only_administrators_set(self):
        for method, body in (("PUT", {"quota_set": {"volumes": 1}}), ("DELETE", None)):
            self.assertEqual(403, self.member.status(method, MINE, body))
        for path in (THEIRS, f"{THEIRS}?usage=True", "/os-quota-sets/unknown"):
            self.assertEqual(403, self.member.status("GET", path), path)
        self.assertEqual(200, self.admin.status("GET", THEIRS))

    def test_bad_limits(self):
        for limits in (
            {"volumes": -2}, {"volumes": 2**31}, {"volumes": "x"}, {"volumes": "-2"},
            {"volumes": 1.5}, {"volumes": None}, {"volumes": "9" * 40}, {"unknown": 1},
            {"volumes_nothing": 1}, {"cores": 1}, {"volumes": ""}, {"volumes": True},
        ):
            response = self.set(**limits)
            self.assertEqual(400, response.status_int, limits)
            self.assertIn(next(iter(limits)), response.json["badRequest"]["message"])
        self.assertEqual(400, self.admin.status("PUT", MINE, {"quota_set": 1}))
        self.assertEqual(400, self.admin.status("PUT", MINE, {}))
        self.assertEqual(400, self.member.status("GET", f"{MINE}?usage=maybe"))
        long = "/os-quota-sets/" + "x" * 200
        self.assertEqual(400, self.set(long, volumes=1).status_int)

    def test_usage(self):
        type_id = self.make_type("fast")
        self.insert(
            volumes,
            volume_row(size_gb=1, grows_to_gb=2, volume_type_id=type_id),
            volume_row(size_gb=3, grows_to_gb=None, volume_type_id=None),
        )
        self.insert(volumes, volume_row(deleted_at=clock.now()))
        self.insert(volumes, volume_row(project_id=OTHER_PROJECT))
        self.insert(volume_snapshots, snapshot_row(size_gb=5, volume_type_id=type_id))
        self.insert(backups, backup_row(size_gb=7))
        shown = self.member.get(f"{MINE}?usage=True")["quota_set"]
        self.assertEqual({"limit": 10, "in_use": 2, "reserved": 0}, shown["volumes"])
        self.assertEqual(
            {
                "volumes": 2, "snapshots": 1, "gigabytes": 10, "per_volume_gigabytes": 0,
                "backups": 1, "backup_gigabytes": 7, "groups": 0, "volumes_fast": 1,
                "snapshots_fast": 1, "gigabytes_fast": 7,
            },
            {name: value["in_use"] for name, value in shown.items() if name != "id"},
        )  # fmt: skip
        absolute = self.member.get("/limits")["limits"]["absolute"]
        self.assertEqual(
            {
                "maxTotalVolumes": 10, "maxTotalSnapshots": 10, "maxTotalVolumeGigabytes": 1000,
                "maxTotalBackups": 10, "maxTotalBackupGigabytes": 1000, "totalVolumesUsed": 2,
                "totalSnapshotsUsed": 1, "totalGigabytesUsed": 10, "totalBackupsUsed": 1,
                "totalBackupGigabytesUsed": 7,
            },
            absolute,
        )  # fmt: skip

    def test_limits_of_others(self):
        query = f"/limits?project_id={OTHER_PROJECT}"
        self.insert(volumes, volume_row(project_id=OTHER_PROJECT))
        self.assertEqual(403, self.member.status("GET", query))
        used = self.admin.get(query)["limits"]["absolute"]["totalVolumesUsed"]
        self.assertEqual(1, used)
        before = self.admin.get(query, version="3.38")["limits"]["absolute"]
        self.assertEqual(0, before["totalVolumesUsed"])

    def test_not_below_what_is_used(self):
        self.insert(volumes, volume_row(), volume_row())
        strict = f"{MINE}?skip_validation=False"
        response = self.set(strict, volumes=1)
        self.assertEqual(400, response.status_int)
        self.assertIn("volumes", response.json["badRequest"]["message"])
        self.assertEqual(200, self.set(strict, volumes=2).status_int)
        self.assertEqual(200, self.set(volumes=1).status_int)
        self.assertEqual(400, self.set(f"{MINE}?skip_validation=x", volumes=1).status_int)

    def test_types(self):
        self.make_type("fast")
        mine = self.make_type("mine", is_public=False)
        self.make_type("theirs", is_public=False)
        self.insert(volume_type_access, {"volume_type_id": mine, "project_id": PROJECT})
        response = self.set(volumes_fast=2, gigabytes_theirs=9)
        self.assertEqual(200, response.status_int, response.text)
        shown = self.member.get(MINE)["quota_set"]
        self.assertEqual(2, shown["volumes_fast"])
        self.assertEqual(-1, shown["gigabytes_mine"])
        self.assertNotIn("gigabytes_theirs", shown)
        self.assertEqual(9, self.admin.get(MINE)["quota_set"]["gigabytes_theirs"])

    def test_class_default_holds_for_all(self):
        self.make_type("fast")
        path = "/os-quota-class-sets/default"
        body = {"quota_class_set": {"volumes": 3, "gigabytes": 4, "volumes_fast": 1}}
        self.assertEqual(403, self.member.status("PUT", path, body))
        self.assertEqual(403, self.member.status("GET", path))
        response = self.admin.ask("PUT", path, body)
        self.assertEqual(3, response.json["quota_class_set"]["volumes"])
        self.set(gigabytes=9)
        shown = self.member.get(MINE)["quota_set"]
        self.assertEqual((3, 9), (shown["volumes"], shown["gigabytes"]))
        self.assertEqual(1, shown["volumes_fast"])
        self.assertEqual(3, self.member.get(f"{MINE}/defaults")["quota_set"]["volumes"])
        other = self.admin.get("/os-quota-class-sets/other")["quota_class_set"]
        self.assertEqual(10, other["volumes"])
        long = "/os-quota-class-sets/" + "x" * 200
        self.assertEqual(400, self.admin.status("PUT", long, body))

    def test_apart_from_compute(self):
        self.set(volumes=5)
        body = {"quota_class_set": {"gigabytes": 4}}
        self.admin.ask("PUT", "/os-quota-class-sets/default", body)
        with context.role(context.API):
            compute_quotas.set_limits(PROJECT, {"cores": 3})
            with engine.reader() as conn:
                found = compute_quotas.limits(conn, PROJECT)
                used = compute_quotas.usage(conn, PROJECT)
                by_class = compute_quotas.class_limits(conn, "default")
            self.assertEqual(set(used), set(found))
            self.assertEqual(3, found["cores"])
            self.assertEqual(set(compute_quotas.defaults()), set(by_class))
            compute_quotas.forget(PROJECT)
        self.assertEqual(5, self.member.get(MINE)["quota_set"]["volumes"])
        with context.role(context.API):
            compute_quotas.set_limits(PROJECT, {"cores": 3})
        self.admin.status("DELETE", MINE)
        self.assertEqual(10, self.member.get(MINE)["quota_set"]["volumes"])
        with context.role(context.API), engine.reader() as conn:
            self.assertEqual(3, compute_quotas.limits(conn, PROJECT)["cores"])


class CheckTest(Case):
    """The checks that requests make in their own transaction."""

    def test_volumes(self):
        self.set(volumes=1, gigabytes=10)
        self.check(volumes=1, gigabytes=10)
        self.assertIn(
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed "
            "gigabytes quota. Requested 11G, quota is 10G and 0G has been consumed.",
            self.refused(volumes=1, gigabytes=11),
        )
        self.insert(volumes, volume_row(size_gb=4))
        self.assertIn(
            "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota "
            "'volumes'.",
            self.refused(volumes=1, gigabytes=1),
        )
        self.check(gigabytes=6)
        self.refused(gigabytes=7)

    def test_snapshots_count_as_gigabytes(self):
        self.set(snapshots=1, gigabytes=10)
        self.check(snapshots=1, gigabytes=10)
        self.insert(volume_snapshots, snapshot_row(size_gb=8))
        self.assertIn("SnapshotLimitExceeded: ", self.refused(snapshots=1, gigabytes=1))
        self.check(volumes=1, gigabytes=2)
        self.refused(volumes=1, gigabytes=3)

    def test_backups(self):
        self.set(backups=1, backup_gigabytes=10, gigabytes=0)
        self.check(backups=1, backup_gigabytes=10)
        self.assertIn(
            "VolumeBackupSizeExceedsAvailableQuota: ",
            self.refused(backups=1, backup_gigabytes=11),
        )
        self.insert(backups, backup_row())
        self.assertIn("BackupLimitExceeded: ", self.refused(backups=1, backup_gigabytes=1))

    def test_types(self):
        type_id = self.make_type("fast")
        self.set(volumes_fast=1, gigabytes_fast=5)
        self.check("fast", volumes=1, gigabytes=5)
        self.assertIn("gigabytes_fast", self.refused("fast", volumes=1, gigabytes=6))
        self.check("slow", volumes=1, gigabytes=6)
        self.insert(volumes, volume_row(volume_type_id=type_id))
        self.assertIn("'volumes_fast'", self.refused("fast", volumes=1, gigabytes=1))
        self.check(None, volumes=1, gigabytes=1)
        self.check("fast", snapshots=1, gigabytes=4)
        self.assertIn("gigabytes_fast", self.refused("fast", snapshots=1, gigabytes=5))

    def test_over_already(self):
        self.insert(volumes, volume_row(size_gb=5))
        self.set(volumes=0, gigabytes=1)
        self.check(volumes=0, gigabytes=0)
        self.refused(gigabytes=1)

    def test_one_volume(self):
        def check(size):
            wanted = {"per_volume_gigabytes": size}
            self.api.in_writer(quotas.check, PROJECT, wanted, type_name=None)

        check(10**6)
        self.set(per_volume_gigabytes=5)
        check(5)
        error = self.assertRaises(exceptions.VolumeQuotaExceeded, check, 6)
        self.assertIn("VolumeSizeExceedsLimit: Requested volume size 6G", error.message)

    def test_at_most_five_statements(self):
        self.make_type("fast")
        self.check("fast", volumes=1, gigabytes=1)
        before = self.api.db.statements
        self.check("fast", volumes=1, gigabytes=1)
        self.assertLessEqual(self.api.db.statements - before, 5)

    def test_many_at_once_never_pass_the_limit(self):
        cfg.CONF.set_override("volumes", 5, group="volume_quota")

        def take():
            with context.role(context.API), engine.writer() as conn:
                wanted = {"volumes": 1, "gigabytes": 1}
                try:
                    quotas.check(conn, PROJECT, wanted, type_name=None)
                except exceptions.VolumeQuotaExceeded:
                    return 0
                conn.execute(sa.insert(volumes).values(**volume_row()))
                return 1

        tasks = [concurrency.spawn(take) for _ in range(20)]
        self.assertEqual(5, sum(task.wait(60) for task in tasks))
