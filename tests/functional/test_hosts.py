"""Services, hypervisors and availability zones, of a cloud with two hosts."""

import json

from mycloud.agent.registry import Registry
from mycloud.common import clock, context
from mycloud.db import engine, services
from tests.fixtures import seeds
from tests.fixtures.compute_api import ComputeApiCase

UNKNOWN = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"


class HostsCase(ComputeApiCase):
    hosts = 2

    def admin_get(self, path, version="2.60", status=200):
        answer = self.call("GET", path, by=self.operator, version=version)
        self.assertEqual(status, answer.status, answer)
        return answer.body

    def admin_do(self, method, path, body=None, *, version="2.60", status=200):
        answer = self.call(method, path, body, by=self.operator, version=version)
        self.assertEqual(status, answer.status, answer)
        return answer.body


class ServicesTest(HostsCase):
    def compute(self, host="host1", version="2.60"):
        path = f"/os-services?host={host}&binary=nova-compute"
        return self.admin_get(path, version)["services"][0]

    def test_list(self):
        found = self.admin_get("/os-services")["services"]
        self.assertEqual(
            {("nova-compute", "host1"), ("nova-compute", "host2"), ("nova-conductor", "test"),
             ("nova-scheduler", "test")},
            {(one["binary"], one["host"]) for one in found},
        )
        self.assertEqual({"up"}, {one["state"] for one in found})
        one = self.compute()
        self.assertEqual(
            {
                "id": one["id"], "binary": "nova-compute", "host": "host1", "zone": "nova",
                "status": "enabled", "state": "up", "updated_at": one["updated_at"],
                "disabled_reason": None, "forced_down": False,
            },
            one,
        )
        self.assertEqual(36, len(one["id"]))
        self.assertNotIn("forced_down", self.compute(version="2.10"))
        self.assertIsInstance(self.compute(version="2.52")["id"], int)
        for query in ("host=unknown", "binary=unknown"):
            self.assertEqual([], self.admin_get(f"/os-services?{query}")["services"])
        every = self.admin_get("/os-services?unknown=1")["services"]
        self.assertEqual(4, len(every))

    def test_only_for_administrators(self):
        for path in ("/os-services", "/os-hypervisors", "/os-hypervisors/detail",
                     "/os-hypervisors/statistics", f"/os-hypervisors/{UNKNOWN}",
                     f"/os-hypervisors/{UNKNOWN}/uptime", "/os-availability-zone/detail"):
            self.assertEqual(403, self.call("GET", path, by=self.member).status, path)
        update = {"status": "disabled"}
        path = f"/os-services/{self.compute()['id']}"
        self.assertEqual(403, self.call("PUT", path, update, by=self.member).status)
        self.assertEqual(403, self.call("DELETE", path, by=self.member).status)

    def test_update(self):
        path = f"/os-services/{self.compute()['id']}"
        shown = self.admin_do("PUT", path, {"status": "disabled", "disabled_reason": "fan"})
        self.assertEqual("disabled", shown["service"]["status"])
        self.assertEqual("fan", self.compute()["disabled_reason"])
        self.admin_do("PUT", path, {"forced_down": True})
        self.assertEqual(("down", True), (self.compute()["state"], self.compute()["forced_down"]))
        self.assertEqual("fan", self.compute()["disabled_reason"])
        self.admin_do("PUT", path, {"status": "enabled", "forced_down": False})
        self.assertIsNone(self.compute()["disabled_reason"])
        self.assertEqual("up", self.compute()["state"])
        for bad in ({}, {"disabled_reason": "x"}, {"status": "enabled", "disabled_reason": "x"},
                    {"status": "off"}, {"forced_down": "yes"}, {"status": "disabled", "x": 1},
                    {"status": "disabled", "disabled_reason": "x" * 256}):
            self.admin_do("PUT", path, bad, status=400)
        self.admin_do("PUT", f"/os-services/{UNKNOWN}", {"status": "enabled"}, status=404)
        scheduler = self.admin_get("/os-services?binary=nova-scheduler")["services"][0]
        disable = {"status": "disabled"}
        self.admin_do("PUT", f"/os-services/{scheduler['id']}", disable, status=400)

    def test_switches_of_early_versions(self):
        which = {"host": "host1", "binary": "nova-compute"}
        for name, more, expected in (
            ("disable", {}, {"status": "disabled"}),
            ("disable-log-reason", {"disabled_reason": "fan"},
             {"status": "disabled", "disabled_reason": "fan"}),
            ("enable", {}, {"status": "enabled"}),
            ("force-down", {"forced_down": True}, {"forced_down": True}),
        ):
            path = f"/os-services/{name}"
            shown = self.admin_do("PUT", path, {**which, **more}, version="2.52")
            self.assertEqual({"service": {**which, **expected}}, shown)
            self.admin_do("PUT", path, which | {"host": "no", **more}, version="2.52", status=404)
        self.admin_do("PUT", "/os-services/enable", which, version="2.53", status=404)
        self.admin_do("PUT", "/os-services/force-down", which, version="2.10", status=404)
        self.assertEqual("down", self.compute()["state"])

    def test_disabled_hosts_get_no_servers(self):
        path = f"/os-services/{self.compute('host1')['id']}"
        self.admin_do("PUT", path, {"status": "disabled"})
        server_id = seeds.boot(self.cloud)
        row = self.cloud.in_role(seeds.row, server_id)
        self.assertEqual("host2", row["host"])

    def test_delete(self):
        server_id = seeds.boot(self.cloud)
        host = self.cloud.in_role(seeds.row, server_id)["host"]
        other = {"host1": "host2", "host2": "host1"}[host]
        for name, version in ((host, "2.60"), (other, "2.52")):
            path = f"/os-services/{self.compute(name, version)['id']}"
            self.admin_do("DELETE", path, version=version, status=409)
            self.cloud.services.pop(name).stop()
            forced = {"host": name, "binary": "nova-compute", "forced_down": True}
            self.admin_do("PUT", "/os-services/force-down", forced, version="2.52")
            expected = 409 if name == host else 204
            self.admin_do("DELETE", path, version=version, status=expected)
        self.assertEqual([], self.admin_get(f"/os-services?host={other}")["services"])
        self.assertEqual(1, len(self.admin_get("/os-hypervisors")["hypervisors"]))
        self.admin_do("DELETE", path, version="2.52", status=404)
        self.admin_do("DELETE", f"/os-services/{UNKNOWN}", status=404)


class HypervisorsTest(HostsCase):
    def every(self, version="2.60"):
        return self.admin_get("/os-hypervisors/detail", version)["hypervisors"]

    def test_fields(self):
        fields = {
            "id", "status", "state", "cpu_info", "current_workload", "disk_available_least",
            "host_ip", "free_disk_gb", "free_ram_mb", "hypervisor_hostname", "hypervisor_type",
            "hypervisor_version", "local_gb", "local_gb_used", "memory_mb", "memory_mb_used",
            "running_vms", "service", "vcpus", "vcpus_used",
        }
        for version, id_type, cpu_type in (
            ("2.1", int, str), ("2.27", int, str), ("2.28", int, dict), ("2.52", int, dict),
            ("2.53", str, dict),
        ):
            for one in self.every(version):
                self.assertEqual(fields, set(one), version)
                self.assertIsInstance(one["id"], id_type)
                self.assertIsInstance(one["service"]["id"], id_type)
                self.assertIsInstance(one["cpu_info"], cpu_type)
                path = f"/os-hypervisors/{one['id']}"
                shown = self.admin_get(path, version)["hypervisor"]
                self.assertEqual(one, shown)
                up = self.admin_get(f"{path}/uptime", version)["hypervisor"]
                self.assertEqual(
                    {"id", "hypervisor_hostname", "state", "status", "uptime"}, set(up)
                )
            brief = self.admin_get("/os-hypervisors", version)["hypervisors"][0]
            self.assertEqual({"id", "hypervisor_hostname", "state", "status"}, set(brief))
            self.assertRegex(
                up["uptime"],
                r"^ \d\d:\d\d:\d\d up .*\d:\d\d,  \d+ users?,  load average: [\d., ]+$",
            )
        self.assertEqual("127.0.0.1", one["host_ip"])
        json.loads(self.every("2.1")[0]["cpu_info"])
        for unknown in (UNKNOWN, "1", "x" * 200):
            self.admin_get(f"/os-hypervisors/{unknown}", status=404)
            self.admin_get(f"/os-hypervisors/{unknown}/uptime", "2.1", status=404)

    def test_servers(self):
        server_id = seeds.boot(self.cloud)
        row = self.cloud.in_role(seeds.row, server_id)
        expected = [{"uuid": server_id, "name": row["name"]}]
        (mine,) = [one for one in self.every() if one["service"]["host"] == row["host"]]
        self.assertNotIn("servers", mine)
        self.assertEqual((1, 1), (mine["running_vms"], mine["vcpus_used"]))
        path = f"/os-hypervisors/{mine['id']}"
        shown = self.admin_get(f"{path}?with_servers=true")["hypervisor"]
        self.assertEqual(expected, shown["servers"])
        listed = self.admin_get("/os-hypervisors?with_servers=true")["hypervisors"]
        self.assertEqual([expected], [one["servers"] for one in listed if "servers" in one])
        node = mine["hypervisor_hostname"]
        old = self.admin_get(f"/os-hypervisors/{node}/servers", "2.52")["hypervisors"]
        self.assertEqual(expected, old[0]["servers"])
        self.admin_get(f"/os-hypervisors/{node}/servers", "2.53", status=404)
        self.admin_get("/os-hypervisors?with_servers=maybe", status=400)

    def test_disk_that_guests_may_still_fill(self):
        (one, _) = self.every()
        self.assertEqual(one["local_gb"], one["disk_available_least"])
        server_id = seeds.boot(self.cloud)
        name = self.cloud.in_role(seeds.row, server_id)["host"]
        manager = self.cloud.computes[name]
        manager.publish_inventory(context.admin_context())
        (mine,) = [each for each in self.every() if each["service"]["host"] == name]
        self.assertEqual(mine["local_gb"] - 1, mine["disk_available_least"])

    def test_uptime_of_a_host_that_does_not_answer(self):
        one = self.every()[0]
        agent = self.cloud.computes[one["service"]["host"]].agent
        agent.registry = Registry([])
        shown = self.admin_get(f"/os-hypervisors/{one['id']}/uptime")["hypervisor"]
        self.assertIn("load average", shown["uptime"])

    def test_search(self):
        found = self.admin_get("/os-hypervisors/host1/search", "2.52")["hypervisors"]
        self.assertEqual(1, len(found))
        found = self.admin_get("/os-hypervisors?hypervisor_hostname_pattern=host")["hypervisors"]
        self.assertEqual(2, len(found))
        for path, version in (
            ("/os-hypervisors?hypervisor_hostname_pattern=no", "2.53"),
            ("/os-hypervisors?hypervisor_hostname_pattern=%25", "2.53"),
            ("/os-hypervisors/unknown/search", "2.52"),
            ("/os-hypervisors/unknown/servers", "2.52"),
            ("/os-hypervisors/host1/search", "2.53"),
        ):
            self.admin_get(path, version, status=404)

    def test_pages(self):
        for version in ("2.33", "2.53"):
            first = self.admin_get("/os-hypervisors?limit=1", version)
            href = first["hypervisors_links"][0]["href"]
            second = self.admin_get(href.split("/compute/v2.1", 1)[1], version)
            ids = {page["hypervisors"][0]["id"] for page in (first, second)}
            self.assertEqual(2, len(ids))
            self.admin_get(f"/os-hypervisors?marker={UNKNOWN}", version, status=400)
        self.assertEqual(2, len(self.admin_get("/os-hypervisors?limit=1", "2.32")["hypervisors"]))

    def test_statistics(self):
        found = self.admin_get("/os-hypervisors/statistics")["hypervisor_statistics"]
        self.assertEqual(2, found["count"])
        self.assertEqual(sum(one["vcpus"] for one in self.every()), found["vcpus"])
        self.assertEqual(found["memory_mb"], found["free_ram_mb"] + found["memory_mb_used"])


class AvailabilityZonesTest(HostsCase):
    def test_zones(self):
        answer = self.call("GET", "/os-availability-zone", by=self.member)
        expected = [{"zoneName": "nova", "zoneState": {"available": True}, "hosts": None}]
        self.assertEqual(expected, answer.body["availabilityZoneInfo"])

    def test_detail(self):
        zones = self.admin_get("/os-availability-zone/detail")["availabilityZoneInfo"]
        self.assertEqual(["internal", "nova"], [zone["zoneName"] for zone in zones])
        hosts = zones[1]["hosts"]
        self.assertEqual({"host1", "host2"}, set(hosts))
        compute = hosts["host1"]["nova-compute"]
        self.assertEqual((True, True), (compute["active"], compute["available"]))

    def test_a_zone_without_enabled_hosts_is_not_available(self):
        def disable():
            with engine.writer() as conn:
                for row in services.every(conn, binary="mycloud-compute"):
                    services.update(conn, row["id"], {"disabled": True})

        self.cloud.in_role(disable)
        answer = self.call("GET", "/os-availability-zone", by=self.member)
        zone = answer.body["availabilityZoneInfo"][0]
        self.assertIs(False, zone["zoneState"]["available"])


class UsageTest(ComputeApiCase):
    def servers(self, path):
        return self.call("GET", path).body["tenant_usage"]["server_usages"]

    def test_usage(self):
        path = "/os-simple-tenant-usage"
        mine = f"{path}/{self.member.project_id}"
        self.assertEqual([], self.servers(mine))
        self.assertEqual(0.0, self.call("GET", mine).body["tenant_usage"]["total_hours"])
        server_id = seeds.boot(self.cloud)
        found = self.call("GET", mine).body["tenant_usage"]
        self.assertEqual([server_id], [one["instance_id"] for one in found["server_usages"]])
        self.assertEqual("active", found["server_usages"][0]["state"])
        self.assertGreater(found["total_hours"], 0)
        every = self.call("GET", f"{path}?detailed=1&start=2026-01-01T00:00:00",
                         by=self.operator).body["tenant_usages"]
        self.assertEqual([self.member.project_id], [one["tenant_id"] for one in every])
        self.assertEqual(1, len(every[0]["server_usages"]))
        page = self.call("GET", f"{mine}?limit=1").body
        self.assertIn("tenant_usage_links", page)
        self.assertEqual([], self.servers(f"{mine}?marker={server_id}"))
        future = f"{mine}?start={clock.now().year + 1}-01-01&end={clock.now().year + 2}-01-01"
        self.assertEqual([], self.servers(future))
        for query in ("start=never", "start=2026-02-01&end=2026-01-01", "end=0001-01-01",
                      "marker=x", "limit=x"):
            self.assertEqual(400, self.call("GET", f"{mine}?{query}").status, query)
        self.assertEqual(403, self.call("GET", mine, by=self.stranger).status)
        self.assertEqual(403, self.call("GET", path).status)
        self.assertEqual(404, self.call("GET", f"{path}/").status)


class ExtensionsTest(ComputeApiCase):
    def test_extensions(self):
        every = self.call("GET", "/extensions").body["extensions"]
        self.assertIn("os-consoles", [one["alias"] for one in every])
        one = self.call("GET", "/extensions/os-consoles").body["extension"]
        self.assertEqual(
            {"alias", "name", "description", "namespace", "updated", "links"}, set(one)
        )
        self.assertEqual(404, self.call("GET", "/extensions/unknown").status)
