"""Placement as the person who asks for servers sees it: through the API of a whole cloud."""

from typing import Any

import fixtures

from mycloud.common.faults import FAIL, Fault
from mycloud.common.states import Op
from tests.fixtures import seeds
from tests.fixtures.compute_api import ComputeApiCase


class ThreeHostsTest(ComputeApiCase):
    """Three hosts for two servers each."""

    hosts = 3

    def options(self) -> dict[str, Any]:
        return {
            "compute": {"driver": "fake", "fake_memory_mb": 1024},
            # what silent hosts would have room for is refused at once
            "scheduler": {"host_patience": 0},
        }

    def setUp(self) -> None:
        super().setUp()
        # failures that a test asks for are logged with their traces
        self.useFixture(fixtures.FakeLogger())

    def create(
        self, hints: dict[str, Any] | None = None, *, by: Any = None, **values: Any
    ) -> dict[str, Any]:
        """Ask for a server and wait for the end of it; the server as an operator sees it."""
        body = self.body(**values)
        if hints:
            body["os:scheduler_hints"] = hints
        answer = self.call("POST", "/servers", body, by=by)
        self.assertEqual(202, answer.status, answer)
        server_id = answer.body["server"]["id"]
        self.cloud.wait(
            lambda: seeds.row(server_id)["operation_id"] is None, what="the end of the create"
        )
        found: dict[str, Any] = self.call("GET", f"/servers/{server_id}", by=self.operator).body[
            "server"
        ]
        return found

    def host_of(self, server: dict[str, Any]) -> str:
        self.assertEqual("ACTIVE", server["status"], server.get("fault"))
        host: str = server["OS-EXT-SRV-ATTR:host"]
        return host

    def test_spread_until_full_and_the_reason_then(self) -> None:
        used = [self.host_of(self.create()) for _ in range(6)]
        self.assertEqual({"host1": 2, "host2": 2, "host3": 2},
                         {host: used.count(host) for host in used})
        refused = self.create()
        self.assertEqual("ERROR", refused["status"])
        message = (
            "No valid host was found. Of 3 hosts, memory refuses 3. The closest one has 0 MiB of "
            "memory free where 512 MiB are asked for: free 512 MiB there."
        )
        self.assertEqual((500, message), (refused["fault"]["code"], refused["fault"]["message"]))
        # the same in the journal
        answer = self.call("GET", f"/operations?resource_id={refused['id']}", api="/cloud/v1")
        [operation] = answer.body["operations"]
        self.assertEqual(
            (Op.FAILED, "no_valid_host", message),
            (operation["state"], operation["code"], operation["reason"]),
        )

    def test_groups(self) -> None:
        for policy, hosts, wanted in (
            ("anti-affinity", 3, {1}), ("affinity", 1, {2}), ("soft-anti-affinity", 3, {1}),
        ):
            group = self.call(
                "POST", "/os-server-groups",
                {"server_group": {"name": "g", "policies": [policy]}}, version="2.60",
            ).body["server_group"]["id"]
            count = hosts if policy != "affinity" else 2
            made = [self.create({"group": group}) for _ in range(count)]
            used = [self.host_of(server) for server in made]
            self.assertEqual(hosts, len(set(used)), policy)
            self.assertEqual(wanted, {used.count(host) for host in used}, policy)
            one_more = self.create({"group": group})
            if policy.startswith("soft"):
                self.host_of(one_more)
            else:
                self.assertIn("server group refuses", one_more["fault"]["message"])
            for server in (*made, one_more):
                self.delete(server["id"])

    def delete(self, server_id: str) -> None:
        self.assertEqual(204, self.call("DELETE", f"/servers/{server_id}").status)
        self.cloud.wait(lambda: seeds.row(server_id)["deleted_at"], what="the deletion")

    def test_hints(self) -> None:
        first = self.create()
        where = self.host_of(first)
        same = self.create({"same_host": [first["id"]]})
        self.assertEqual(where, self.host_of(same))
        other = self.create({"different_host": [first["id"], same["id"]]})
        self.assertNotEqual(where, self.host_of(other))

    def test_operator_names_zone_and_host(self) -> None:
        for zone in ("nova:host2", "nova:host2:host2"):
            server = self.create(by=self.operator, availability_zone=zone)
            self.assertEqual("host2", self.host_of(server))
        server = self.create(by=self.operator, availability_zone="nova:host2")
        self.assertIn(
            "requested host refuses 2 and memory refuses 1. The closest one has 0 MiB",
            server["fault"]["message"],
        )

    def test_failed_build_goes_to_another_host(self) -> None:
        for name in ("host1", "host2"):
            self.cloud.computes[name].driver.faults.set(Fault(verb="spawn", mode=FAIL))
        server = self.create()
        self.assertEqual("host3", self.host_of(server))
        # what the others had is given back, and there is one server
        hypervisors = self.call("GET", "/os-hypervisors/detail", by=self.operator).body
        self.assertEqual(
            {"host1": 0, "host2": 0, "host3": 512},
            {each["service"]["host"]: each["memory_mb_used"]
             for each in hypervisors["hypervisors"]},
        )
        self.assertEqual(1, len(self.call("GET", "/servers").body["servers"]))

    def test_every_host_fails(self) -> None:
        for compute in self.cloud.computes.values():
            compute.driver.faults.set(Fault(verb="spawn", mode=FAIL))
        server = self.create()
        self.assertEqual("ERROR", server["status"])
        for name in self.cloud.computes:
            self.assertIn(f"{name}: The hypervisor could not spawn", server["fault"]["message"])

    def test_disabled_and_dead_hosts_get_nothing(self) -> None:
        self.cloud.services.pop("host1").stop()
        services = self.call("GET", "/os-services?binary=mycloud-compute", by=self.operator)
        ids = {each["host"]: each["id"] for each in services.body["services"]}
        answer = self.call("PUT", f"/os-services/{ids['host2']}", {"status": "disabled"},
                           by=self.operator)
        self.assertEqual(200, answer.status, answer)
        self.cloud.wait(
            lambda: self.call(
                "GET", "/os-services?host=host1", by=self.operator
            ).body["services"][0]["state"] == "down",
            what="the death of host1",
        )
        used = [self.host_of(self.create()) for _ in range(2)]
        self.assertEqual(["host3"] * 2, used)
        message = self.create()["fault"]["message"]
        self.assertIn("Of 3 hosts, service status refuses 2 and memory refuses 1.", message)
        self.assertNotIn("host3", message)
