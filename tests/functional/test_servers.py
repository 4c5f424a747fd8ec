"""Servers over the API: create, show, change, delete."""

import base64
from typing import Any

from mycloud.common import clock
from mycloud.db import engine
from mycloud.db.models import servers, services
from tests.fixtures import seeds
from tests.fixtures.compute_api import ComputeApiCase

UNKNOWN = "99999999-9999-4999-8999-999999999999"

# what the API's reference lists, by the version that it came with
BASE = {
    "id", "name", "status", "image", "flavor", "user_id", "tenant_id", "created", "updated",
    "progress", "metadata", "links", "addresses", "hostId", "OS-DCF:diskConfig", "accessIPv4",
    "accessIPv6",
}
DETAIL = BASE | {
    "key_name", "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at",
    "OS-EXT-AZ:availability_zone", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state",
    "OS-EXT-STS:power_state", "os-extended-volumes:volumes_attached", "config_drive",
}
OPERATOR = {
    "OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:instance_name",
    "OS-EXT-SRV-ATTR:hypervisor_hostname",
}
OPERATOR_2_3 = {
    f"OS-EXT-SRV-ATTR:{name}" for name in (
        "reservation_id", "launch_index", "kernel_id", "ramdisk_id", "hostname",
        "root_device_name", "user_data",
    )
}


class CreateTest(ComputeApiCase):
    def create(self, *, version: str = "2.60", **values: Any) -> Any:
        return self.call("POST", "/servers", self.body(**values), version=version)

    def row(self, server_id: str) -> Any:
        return self.cloud.in_role(seeds.row, server_id)

    def test_answers_with_what_clients_need(self) -> None:
        answer = self.create()
        self.assertEqual(202, answer.status, answer)
        server = answer.body["server"]
        self.assertEqual(
            {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}, set(server)
        )
        self.assertEqual(server["links"][0]["href"], answer.headers["Location"])
        self.assertTrue(answer.headers["x-openstack-request-id"].startswith("req-"))
        self.assertEqual(
            answer.headers["x-openstack-request-id"], answer.headers["x-compute-request-id"]
        )
        operation = self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual(
            ("server.create", "succeeded", server["id"]),
            (operation["kind"], operation["state"], operation["resource_id"]),
        )
        shown = self.call("GET", f"/servers/{server['id']}").body["server"]
        self.assertEqual("ACTIVE", shown["status"])
        self.assertEqual("one", shown["name"])

    def test_keeps_all_that_is_asked_for(self) -> None:
        user_data = base64.b64encode(b"#!/bin/sh\n").decode()
        server = self.create(
            metadata={"a b": "c"}, tags=["x", "y", "x"], description="d", user_data=user_data,
            config_drive=True, accessIPv4="192.0.2.1", accessIPv6="2001:DB8:0::0001",
            availability_zone="nova", security_groups=[{"name": "default"}],
            **{"OS-DCF:diskConfig": "AUTO"},
        ).body["server"]
        shown = self.call("GET", f"/servers/{server['id']}", by=self.operator).body["server"]
        self.assertEqual({"a b": "c"}, shown["metadata"])
        self.assertEqual(["x", "y"], shown["tags"])
        self.assertEqual("d", shown["description"])
        self.assertEqual("True", shown["config_drive"])
        self.assertEqual("192.0.2.1", shown["accessIPv4"])
        self.assertEqual("2001:db8::1", shown["accessIPv6"])
        self.assertEqual("AUTO", shown["OS-DCF:diskConfig"])
        self.assertEqual(user_data, shown["OS-EXT-SRV-ATTR:user_data"])
        self.assertEqual("nova", shown["OS-EXT-AZ:availability_zone"])

    def test_makes_several_and_tells_the_reservation(self) -> None:
        answer = self.create(min_count="2", max_count=3, return_reservation_id=True)
        self.assertEqual(["reservation_id"], list(answer.body))
        found = self.call(
            "GET", f"/servers?reservation_id={answer.body['reservation_id']}&sort_key=display_name"
            "&sort_dir=asc"
        ).body["servers"]
        self.assertEqual(["one-1", "one-2", "one-3"], [server["name"] for server in found])

    def test_makes_as_many_as_the_quota_lets_it(self) -> None:
        began = clock.monotonic()
        answer = self.create(name="n" * 255, max_count=999999)
        self.assertEqual(202, answer.status, answer)
        # nothing is prepared for those that are not made
        self.assertLess(clock.monotonic() - began, 3)
        names = [server["name"] for server in self.call("GET", "/servers").body["servers"]]
        self.assertEqual(10, len(set(names)))
        self.assertEqual({255}, {len(name) for name in names})

    def test_the_same_key_makes_one_server(self) -> None:
        first = self.call("POST", "/servers", self.body(config_drive=True), Idempotency_Key="k")
        again = self.call("POST", "/servers", self.body(config_drive=True), Idempotency_Key="k")
        self.assertEqual(first.body, again.body)
        self.assertEqual(1, len(self.call("GET", "/servers").body["servers"]))
        other = self.call("POST", "/servers", self.body(name="two"), Idempotency_Key="k")
        self.assertEqual(422, other.status, other)

    def test_the_boot_disk_may_be_named_twice(self) -> None:
        disk = {
            "uuid": seeds.IMAGE_ID, "boot_index": 0, "source_type": "image",
            "destination_type": "local", "delete_on_termination": True,
        }
        self.assertEqual(202, self.create(block_device_mapping_v2=[disk]).status)
        self.assertEqual(202, self.create(imageRef="", block_device_mapping_v2=[disk]).status)
        for bad in (
            {**disk, "destination_type": "volume"}, {**disk, "source_type": "blank"},
            {**disk, "uuid": UNKNOWN}, {**disk, "boot_index": 1},
        ):
            answer = self.create(block_device_mapping_v2=[bad])
            self.assertEqual(400, answer.status, answer)
            self.assertIn("block_device_mapping_v2", answer.message)

    def test_networks_by_version(self) -> None:
        self.assertEqual(202, self.create(version="2.36", networks=...).status)
        self.assertEqual(202, self.create(version="2.36", networks=[]).status)
        self.assertEqual(400, self.create(version="2.36", networks="none").status)
        self.assertEqual(400, self.create(version="2.37", networks=...).status)
        self.assertEqual(202, self.create(version="2.37", networks="auto").status)
        for network in ({"uuid": UNKNOWN}, {"port": UNKNOWN}, {"uuid": "a-b-c"}):
            answer = self.create(networks=[network])
            self.assertEqual(400, answer.status, answer)
            self.assertIn("networks", answer.message)

    def test_fields_come_and_go_with_versions(self) -> None:
        personality = [{"path": "/a", "contents": base64.b64encode(b"b").decode()}]
        for field, value, first, last in (
            ("description", "d", "2.19", None),
            ("tags", ["a"], "2.52", None),
            ("personality", personality, None, "2.56"),
        ):
            for version, expected in (
                (first, 202), (last, 202),
                (first and f"2.{int(first[2:]) - 1}", 400),
                (last and f"2.{int(last[2:]) + 1}", 400),
            ):
                if version:
                    networks = ... if int(version[2:]) < 37 else "none"
                    answer = self.create(
                        version=version, networks=networks, **{field: value}
                    )
                    self.assertEqual(expected, answer.status, (field, version, answer))

    def test_refuses_and_names_the_field(self) -> None:
        for field, value in (
            ("name", ""), ("name", " a"), ("name", "a" * 256), ("name", 5), ("name", "a\u0007"),
            ("flavorRef", "nope"), ("flavorRef", ...), ("imageRef", UNKNOWN),
            ("imageRef", "no-uuid"), ("imageRef", ""), ("imageRef", ...), ("key_name", "nope"),
            ("min_count", 0), ("max_count", "x"), ("max_count", -1), ("max_count", 2**40),
            ("metadata", {"a": 1}), ("metadata", {"": "a"}), ("metadata", {"a": "b" * 256}),
            ("user_data", "&"), ("user_data", "a" * 65536), ("accessIPv4", "1.2.3"),
            ("accessIPv6", "nope"), ("availability_zone", "moon"), ("config_drive", "maybe"),
            ("tags", ["a,b"]), ("tags", ["a"] * 51), ("description", "d" * 256),
            ("OS-DCF:diskConfig", "auto"), ("adminPass", 7),
            ("security_groups", [{"name": "nope"}]), ("security_groups", {}),
        ):
            answer = self.create(**{field: value})
            self.assertEqual(400, answer.status, (field, value, answer))
            self.assertIn(field, answer.message.replace("'server'", "server"))
        self.assertEqual(400, self.create(**{"nope": 1}).status)
        self.assertEqual(400, self.create(min_count=3, max_count=2).status)
        hints = {"os:scheduler_hints": {"group": UNKNOWN}}
        self.assertEqual(400, self.call("POST", "/servers", {**self.body(), **hints}).status)
        self.assertEqual([], self.call("GET", "/servers").body["servers"])

    def test_quotas(self) -> None:
        many = {str(number): "x" for number in range(129)}
        self.assertEqual(403, self.create(metadata=many).status)
        one = {"path": "/a", "contents": base64.b64encode(b"b").decode()}
        big = {**one, "contents": base64.b64encode(b"b" * 10241).decode()}
        for files in ([one] * 6, [big], [{**one, "path": "p" * 256}]):
            answer = self.create(version="2.56", personality=files)
            self.assertEqual(403, answer.status, answer)
        answer = self.create(min_count=11)
        self.assertEqual(403, answer.status, answer)
        self.assertIn("instances", answer.message)

    def test_only_operators_choose_the_host(self) -> None:
        answer = self.create(availability_zone="nova:host1")
        self.assertEqual(403, answer.status, answer)
        answer = self.call(
            "POST", "/servers", self.body(availability_zone="nova:host1"), by=self.operator
        )
        self.assertEqual(202, answer.status, answer)
        self.assertEqual(
            "succeeded", self.ended(answer.headers["X-Mycloud-Operation-Id"])["state"]
        )
        self.assertEqual(400, self.call(
            "POST", "/servers", self.body(availability_zone="a:b:c:d"), by=self.operator
        ).status)

    def test_readers_may_not(self) -> None:
        answer = self.call("POST", "/servers", self.body(), by=self.reader)
        self.assertEqual(403, answer.status)


class ShowTest(ComputeApiCase):
    def test_each_version_shows_what_it_has(self) -> None:
        server_id = self.boot()
        for version, more, operators in (
            (None, set(), OPERATOR),
            ("2.3", set(), OPERATOR | OPERATOR_2_3),
            ("2.9", {"locked"}, OPERATOR | OPERATOR_2_3),
            ("2.16", {"locked"}, OPERATOR | OPERATOR_2_3 | {"host_status"}),
            ("2.19", {"locked", "description"}, OPERATOR | OPERATOR_2_3 | {"host_status"}),
            ("2.26", {"locked", "description", "tags"},
             OPERATOR | OPERATOR_2_3 | {"host_status"}),
            ("2.60", {"locked", "description", "tags"},
             OPERATOR | OPERATOR_2_3 | {"host_status"}),
        ):
            for by, fields in (
                (self.member, DETAIL | more), (self.operator, DETAIL | more | operators)
            ):
                answer = self.call("GET", f"/servers/{server_id}", version=version, by=by)
                self.assertEqual(fields, set(answer.body["server"]), (version, answer))
                self.assertEqual(version or "2.1",
                                 answer.headers["X-OpenStack-Nova-API-Version"])

    def test_the_flavor_is_a_copy_from_2_47(self) -> None:
        server_id = self.boot()
        before = self.call("GET", f"/servers/{server_id}", version="2.46").body["server"]
        self.assertEqual({"id", "links"}, set(before["flavor"]))
        after = self.call("GET", f"/servers/{server_id}", version="2.47").body["server"]
        self.assertEqual(
            {"original_name": "m1.test", "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0,
             "swap": 0, "extra_specs": {}},
            after["flavor"],
        )

    def test_host_status(self) -> None:
        server_id = self.boot()

        def status(**values: Any) -> str:
            def write() -> None:
                with engine.writer() as conn:
                    conn.execute(
                        services.update().where(services.c.topic == "compute").values(**values)
                    )

            self.cloud.in_role(write)
            shown = self.call("GET", f"/servers/{server_id}", by=self.operator)
            return shown.body["server"]["host_status"]

        self.assertEqual("UP", status(disabled=False))
        self.assertEqual("MAINTENANCE", status(disabled=True))
        self.assertEqual("DOWN", status(forced_down=True))

    def test_a_fault_without_its_trace_for_its_owner(self) -> None:
        server_id = self.boot()
        fault = {"code": 500, "message": "m", "created": "2026-01-01T00:00:00Z", "details": "t"}

        def write() -> None:
            with engine.writer() as conn:
                conn.execute(servers.update().values(vm_state="error", fault=fault))

        self.cloud.in_role(write)
        shown = self.call("GET", f"/servers/{server_id}").body["server"]
        self.assertEqual({"code", "message", "created"}, set(shown["fault"]))
        self.assertNotIn("progress", shown)
        shown = self.call("GET", f"/servers/{server_id}", by=self.operator).body["server"]
        self.assertEqual("t", shown["fault"]["details"])

    def test_one_statement(self) -> None:
        server_id = self.boot()
        self.call("GET", f"/servers/{server_id}")
        self.cloud.stop()
        before = self.cloud.db.statements
        self.call("GET", f"/servers/{server_id}", by=self.operator)
        # BEGIN is not counted by every driver
        self.assertLessEqual(self.cloud.db.statements - before, 2)

    def test_foreign_and_unknown_are_the_same(self) -> None:
        server_id = self.boot()
        for method, tail, body in (
            ("GET", "", None), ("PUT", "", {"server": {"name": "a"}}), ("DELETE", "", None),
            ("POST", "/action", {"os-stop": None}), ("POST", "/action", {"lock": None}),
            ("POST", "/action", {"unlock": None}), ("POST", "/action", {"os-start": None}),
            ("POST", "/action", {"reboot": {"type": "HARD"}}),
            ("POST", "/action", {"os-getConsoleOutput": {}}),
            ("GET", "/metadata", None), ("POST", "/metadata", {"metadata": {}}),
            ("PUT", "/metadata", {"metadata": {}}), ("GET", "/metadata/a", None),
            ("PUT", "/metadata/a", {"meta": {"a": "b"}}), ("DELETE", "/metadata/a", None),
            ("GET", "/tags", None), ("PUT", "/tags", {"tags": []}), ("DELETE", "/tags", None),
            ("GET", "/tags/a", None), ("PUT", "/tags/a", None), ("DELETE", "/tags/a", None),
            ("GET", "/ips", None), ("GET", "/ips/a", None),
            ("GET", "/os-instance-actions", None), ("GET", "/os-instance-actions/a", None),
        ):
            texts = []
            for name, by in ((server_id, self.stranger), (UNKNOWN, self.member)):
                answer = self.call(method, f"/servers/{name}{tail}", body, by=by)
                self.assertEqual(404, answer.status, (method, tail, answer))
                texts.append(answer.message.replace(name, "ID"))
            self.assertEqual(texts[0], texts[1])
        self.assertEqual("ACTIVE", self.call("GET", f"/servers/{server_id}").body["server"]
                         ["status"])


class ChangeTest(ComputeApiCase):
    def test_update(self) -> None:
        server_id = self.boot()
        answer = self.call("PUT", f"/servers/{server_id}", {"server": {
            "name": "two", "description": None, "accessIPv4": "192.0.2.7", "accessIPv6": "",
            "OS-DCF:diskConfig": "MANUAL",
        }})
        self.assertEqual(200, answer.status, answer)
        self.assertEqual(
            BASE | {"locked", "description", "tags"}, set(answer.body["server"])
        )
        shown = self.call("GET", f"/servers/{server_id}").body["server"]
        self.assertEqual(("two", "192.0.2.7", ""),
                         (shown["name"], shown["accessIPv4"], shown["accessIPv6"]))
        answer = self.call("PUT", f"/servers/{server_id}", {"server": {}}, version="2.1")
        self.assertEqual(BASE, set(answer.body["server"]))
        for bad in ({"name": ""}, {"name": "a" * 256}, {"metadata": {}}, {"accessIPv4": "x"}):
            answer = self.call("PUT", f"/servers/{server_id}", {"server": bad})
            self.assertEqual(400, answer.status, answer)
        answer = self.call(
            "PUT", f"/servers/{server_id}", {"server": {"description": "d"}}, version="2.18"
        )
        self.assertEqual(400, answer.status)

    def test_delete(self) -> None:
        server_id = self.boot()
        answer = self.call("DELETE", f"/servers/{server_id}")
        self.assertEqual((204, b""), (answer.status, answer.raw))
        self.ended(answer.headers["X-Mycloud-Operation-Id"])
        self.assertEqual(404, self.call("GET", f"/servers/{server_id}").status)
        self.assertEqual(404, self.call("DELETE", f"/servers/{server_id}").status)

    def test_v2_is_2_1_whatever_is_asked(self) -> None:
        server_id = self.boot()
        answer = self.call("GET", f"/servers/{server_id}", api="/compute/v2", version="2.60")
        self.assertEqual(DETAIL, set(answer.body["server"]))
        self.assertNotIn("OpenStack-API-Version", answer.headers)
        # its bodies and queries are checked as those of 2.1
        for method, path, body in (
            ("POST", "/servers", {}), ("POST", "/servers", self.body()),
            ("PUT", f"/servers/{server_id}", {"server": {"description": "d"}}),
        ):
            answer = self.call(method, path, body, api="/compute/v2", version="2.60")
            self.assertEqual(400, answer.status, answer)
        actions = f"/servers/{server_id}/os-instance-actions?limit=x"
        self.assertEqual(200, self.call("GET", actions, api="/compute/v2").status)
        self.assertEqual(
            404, self.call("GET", f"/servers/{server_id}/tags", api="/compute/v2").status
        )

    def test_addresses_are_none(self) -> None:
        server_id = self.boot()
        self.assertEqual({"addresses": {}}, self.call("GET", f"/servers/{server_id}/ips").body)
        self.assertEqual(404, self.call("GET", f"/servers/{server_id}/ips/private").status)
