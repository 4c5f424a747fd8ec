"""Services of block storage, hosts, clean-up, extensions and filters, as operators see them."""

import datetime

import sqlalchemy as sa

from mycloud.common import clock
from mycloud.db import volume_pools
from mycloud.db.models import services, volume_snapshots, volumes
from tests.fixtures.cloud import PROJECT
from tests.fixtures.compute_rows import OTHER_PROJECT
from tests.fixtures.volume_rows import snapshot_row, volume_row
from tests.functional import test_volume_types

BACKEND = "host1@disks"
LONG_AGO = datetime.timedelta(hours=1)


class Case(test_volume_types.Case):
    def setUp(self):
        super().setUp()
        self.service("host1", "mycloud-scheduler", topic="scheduler")
        self.service(BACKEND)
        self.service("host1", "mycloud-compute", topic="compute")

    def insert(self, table, *rows):
        self.api.in_writer(lambda conn: conn.execute(sa.insert(table), list(rows)))

    def service(self, host, binary="mycloud-volume", topic="volume", **values):
        now = clock.now()
        row = {
            "id": clock.new_id(), "host": host, "binary": binary, "topic": topic,
            "epoch": clock.new_id(), "created_at": now, "last_seen_at": now, **values,
        }  # fmt: skip
        self.insert(services, row)
        return row["id"]

    def change(self, name, status=200, by=None, **body):
        return self.ask("PUT", f"/os-services/{name}", body, status=status, by=by)

    def one(self, host=BACKEND, **kwargs):
        return self.ask("GET", f"/os-services?host={host}", **kwargs)["services"][0]


class ServicesTest(Case):
    def test_list(self):
        found = self.ask("GET", "/os-services")["services"]
        self.assertEqual(
            [("cinder-scheduler", "host1"), ("cinder-volume", BACKEND)],
            sorted((each["binary"], each["host"]) for each in found),
        )
        shown = self.one(version="3.6")
        self.assertEqual(
            {
                "binary": "cinder-volume", "host": BACKEND, "zone": "nova", "status": "enabled",
                "state": "up", "updated_at": shown["updated_at"], "disabled_reason": None,
                "replication_status": "disabled", "active_backend_id": None, "frozen": False,
            },
            shown,
        )  # fmt: skip
        self.assertIsNone(self.one(version="3.7")["cluster"])
        self.assertNotIn("backend_state", self.one(version="3.48"))
        self.assertEqual("up", self.one(version="3.49")["backend_state"])
        self.ask("GET", "/os-services", by=self.member, status=403)

    def test_filters(self):
        self.service("host2@disks")
        for query, expected in (
            ("host=host1", {"cinder-scheduler", "cinder-volume"}),
            ("host=host1@disks", {"cinder-volume"}),
            ("binary=cinder-volume", {"cinder-volume"}),
            ("service=cinder-scheduler", {"cinder-scheduler"}),
            ("binary=mycloud-volume&host=host2", {"cinder-volume"}),
            ("binary=cinder-compute", set()),
            ("host=nowhere", set()),
        ):
            found = self.ask("GET", f"/os-services?{query}")["services"]
            self.assertEqual(expected, {each["binary"] for each in found}, query)

    def test_trouble(self):
        self.service("host2@broken", trouble="The volume group is missing.")
        shown = self.one("host2@broken")
        self.assertEqual(("up", "down"), (shown["state"], shown["backend_state"]))
        self.assertEqual("The volume group is missing.", shown["disabled_reason"])
        self.service("host3@gone", last_seen_at=clock.now() - LONG_AGO)
        self.assertEqual("down", self.one("host3@gone")["state"])

    def test_enable_and_disable(self):
        which = {"host": BACKEND, "binary": "cinder-volume"}
        shown = self.change("disable", **which)
        self.assertEqual(
            {**which, "service": "", "disabled": True, "status": "disabled"}, shown
        )
        self.assertEqual("disabled", self.one()["status"])
        shown = self.change("disable-log-reason", disabled_reason="new disks", **which)
        self.assertEqual("new disks", shown["disabled_reason"])
        self.assertEqual("new disks", self.one()["disabled_reason"])
        shown = self.change("enable", host=BACKEND, service="cinder-volume")
        self.assertEqual(
            {"host": BACKEND, "service": "cinder-volume", "binary": "", "disabled": False,
             "status": "enabled", "disabled_reason": None},
            shown,
        )  # fmt: skip
        self.assertEqual(("enabled", None), (self.one()["status"], self.one()["disabled_reason"]))

    def test_refused(self):
        which = {"host": BACKEND, "binary": "cinder-volume"}
        for name in ("enable", "disable", "disable-log-reason", "freeze", "thaw"):
            body = {"disabled_reason": "x"} if name == "disable-log-reason" else {}
            self.change(name, by=self.member, status=403, **which, **body)
            self.change(name, status=400)
            self.change(name, status=400, host="")
        for name in ("enable", "disable"):
            self.change(name, status=404, host="nowhere", binary="cinder-volume")
            self.change(name, status=404, host=BACKEND, binary="cinder-thing")
            self.change(name, status=400, host=BACKEND)
            self.change(name, status=400, host="host1", binary="cinder-scheduler")
            self.change(name, status=400, **which, more=1)
        for reason in (None, "", " ", 1, "x" * 256):
            self.change("disable-log-reason", status=400, disabled_reason=reason, **which)
        self.change("unknown", status=404)

    def test_freeze(self):
        self.change("freeze", host=BACKEND)
        shown = self.one()
        self.assertEqual((True, "disabled"), (shown["frozen"], shown["status"]))
        self.change("freeze", status=400, host=BACKEND)
        self.change("thaw", host=BACKEND)
        shown = self.one()
        self.assertEqual((False, "enabled"), (shown["frozen"], shown["status"]))
        self.change("thaw", status=400, host=BACKEND)
        for name in ("freeze", "thaw", "failover_host"):
            message = self.change(name, status=400, host="invalid_host")
            self.assertIn("invalid_host", message["badRequest"]["message"])
        message = self.change("failover_host", status=400, host=BACKEND, backend_id="x")
        self.assertIn("not configured for replication", message["badRequest"]["message"])


class HostsTest(Case):
    def test_list(self):
        found = self.ask("GET", "/os-hosts")["hosts"]
        self.assertEqual(2, len(found))
        shown = next(each for each in found if each["service"] == "cinder-volume")
        self.assertEqual(
            {"host_name": BACKEND, "service": "cinder-volume", "zone": "nova",
             "service-status": "available", "service-state": "enabled",
             "last-update": shown["last-update"]},
            shown,
        )  # fmt: skip
        self.assertEqual([], self.ask("GET", "/os-hosts?zone=other")["hosts"])
        self.ask("GET", "/os-hosts", by=self.member, status=403)

    def test_show(self):
        here = {"host": f"{BACKEND}#pool"}
        mine = volume_row(size_gb=2, **here)
        self.insert(volumes, mine, volume_row(project_id=OTHER_PROJECT, size_gb=3, **here))
        self.insert(volumes, volume_row(deleted_at=clock.now(), **here))
        self.insert(volumes, volume_row(host=f"{BACKEND}2#pool"))
        self.insert(volume_snapshots, snapshot_row(volume_id=mine["id"], size_gb=2))
        found = self.ask("GET", f"/os-hosts/{BACKEND}")["host"]
        names = (
            "project", "volume_count", "total_volume_gb", "snapshot_count", "total_snapshot_gb"
        )  # fmt: skip
        self.assertEqual(
            [
                ("(total)", "2", "5", "1", "2"),
                (PROJECT, "1", "2", "1", "2"),
                (OTHER_PROJECT, "1", "3", "0", "0"),
            ],
            [tuple(each["resource"][name] for name in names) for each in found],
        )
        self.ask("GET", "/os-hosts/nowhere", status=404)
        self.ask("GET", f"/os-hosts/{BACKEND}", by=self.member, status=403)


class PoolsTest(Case):
    def setUp(self):
        super().setUp()
        capabilities = {
            "vendor_name": "mycloud", "driver_version": "1.0", "storage_protocol": "file",
            "reserved_percentage": 5, "multiattach": True,
        }  # fmt: skip
        pool = {
            "pool": "all", "backend_name": "fast", "total_gb": 10.5, "free_gb": 8.0,
            "provisioned_gb": 3.0, "capabilities": capabilities,
        }  # fmt: skip
        self.api.in_writer(volume_pools.publish, BACKEND, [pool], clock.now())
        self.name = f"{BACKEND}#all"

    def test_list(self):
        path = "/scheduler-stats/get_pools"
        self.assertEqual({"pools": [{"name": self.name}]}, self.ask("GET", path))
        pool = self.ask("GET", f"{path}?detail=True")["pools"][0]
        self.assertEqual(self.name, pool["name"])
        shown = pool["capabilities"]
        self.assertEqual(
            (10.5, 8.0, 3.0, 0, "fast", "mycloud", "file", 5, "all", "up"),
            tuple(shown[name] for name in (
                "total_capacity_gb", "free_capacity_gb", "provisioned_capacity_gb",
                "allocated_capacity_gb", "volume_backend_name", "vendor_name",
                "storage_protocol", "reserved_percentage", "pool_name", "backend_state",
            )),
        )  # fmt: skip
        self.assertEqual([], self.ask("GET", f"{path}?name=other")["pools"])
        named = self.ask("GET", f"{path}?name={self.name.replace('#', '%23')}")["pools"]
        self.assertEqual([{"name": self.name}], named)
        self.ask("GET", f"{path}?detail=maybe", status=400)
        self.ask("GET", path, by=self.member, status=403)
        self.api.in_writer(
            lambda conn: conn.execute(sa.update(services).values(trouble="no disk"))
        )
        pool = self.ask("GET", f"{path}?detail=True")["pools"][0]
        self.assertEqual("down", pool["capabilities"]["backend_state"])

    def test_capabilities(self):
        for host in (BACKEND, self.name.replace("#", "%23")):
            shown = self.ask("GET", f"/capabilities/{host}")
            self.assertEqual(f"OS::Storage::Capabilities::{BACKEND}", shown["namespace"])
            self.assertEqual(("fast", "all"), (shown["volume_backend_name"], shown["pool_name"]))
            self.assertEqual({"multiattach"}, set(shown["properties"]))
        self.ask("GET", "/capabilities/nowhere", status=404)
        self.ask("GET", f"/capabilities/{BACKEND}", by=self.member, status=403)


class CleanupTest(Case):
    def clean(self, status=202, **body):
        return self.ask("POST", "/workers/cleanup", body, status=status)

    def test_up_and_down(self):
        down = self.service("host2@disks", last_seen_at=clock.now() - LONG_AGO)
        answer = self.clean()
        self.assertEqual([down], [each["id"] for each in answer["unavailable"]])
        self.assertEqual(
            {"host1", BACKEND}, {each["host"] for each in answer["cleaning"]}
        )
        answer = self.clean(host="host2", is_up=False)
        self.assertEqual(
            [{"id": down, "host": "host2@disks", "binary": "cinder-volume",
              "cluster_name": None}],
            answer["unavailable"],
        )  # fmt: skip
        self.assertEqual([], answer["cleaning"])
        self.assertEqual([], self.clean(is_up="true")["unavailable"])
        self.assertEqual([], self.clean(disabled=True)["cleaning"])
        self.assertEqual(1, len(self.clean(service_id=down)["unavailable"]))

    def test_bad_input(self):
        for body in (
            {"cluster_name": "x"}, {"binary": "x"}, {"is_up": "maybe"}, {"unknown": 1},
            {"resource_id": "x"}, {"resource_id": "9" * 32}, {"resource_type": "Thing"},
        ):  # fmt: skip
            self.clean(status=400, **body)
        self.ask("POST", "/workers/cleanup", {}, by=self.member, status=403)
        self.ask("POST", "/workers/cleanup", {}, version="3.23", status=404)


class RestTest(Case):
    def test_extensions(self):
        found = self.ask("GET", "/extensions", by=self.member)["extensions"]
        self.assertIn("os-services", [each["alias"] for each in found])
        shown = self.ask("GET", "/extensions/os-services", by=self.member)["extension"]
        self.assertEqual("Services", shown["name"])
        self.ask("GET", "/extensions/unknown", status=404)

    def test_resource_filters(self):
        found = self.ask("GET", "/resource_filters", by=self.member)["resource_filters"]
        by_name = {each["resource"]: each["filters"] for each in found}
        self.assertIn("resource_uuid", by_name["message"])
        self.assertIn("volume_id", by_name["snapshot"])
        self.assertIn("name~", by_name["volume"])
        one = self.ask("GET", "/resource_filters?resource=volume_type")["resource_filters"]
        self.assertEqual(
            [{"resource": "volume_type", "filters": ["is_public", "name", "extra_specs"]}], one
        )
        self.ask("GET", "/resource_filters", version="3.32", status=404)
