"""Placement on a real database: what is chosen, what is refused and why, and never too much."""

import datetime

import testtools
from oslo_config import cfg

from mycloud.common import clock, concurrency, context, exceptions
from mycloud.common.states import Op, StepState, Vm
from mycloud.conductor import sweeper
from mycloud.db import aggregates, engine, group_claims, hosts, journal, services, settle
from mycloud.scheduler import chain
from mycloud.scheduler.manager import SchedulerManager
from tests.fixtures.placement import Placements


class ConcurrentPlacements:
    """Many placements at once; for every database."""

    cloud: Placements

    def place_all(self, operations: list[str]) -> None:
        tasks = [concurrency.spawn(self.cloud.place, each) for each in operations]
        for task in tasks:
            task.wait(120)

    def test_fifty_creates_on_a_host_for_ten(self) -> None:
        self.cloud.host("host1", memory_mb=10 * 512, vcpus=64)
        operations = [self.cloud.server() for _ in range(50)]
        self.place_all(operations)
        placed = [each for each in operations if self.cloud.host_of(each) == "host1"]
        self.assertEqual(10, len(placed))
        host = self.cloud.hosts()["host1"]
        self.assertEqual((5120, 10, 10), (host["memory_mb_used"], host["vcpus_used"],
                                          host["running_vms"]))
        refused = [self.cloud.operation(each) for each in operations if each not in placed]
        self.assertEqual({Op.FAILED}, {Op(row["state"]) for row in refused})
        self.assertEqual({"no_valid_host"}, {row["code"] for row in refused})
        self.assertEqual(
            {Vm.ERROR},
            {self.cloud.placed(row["id"])["vm_state"] for row in refused},
        )

    def test_every_server_of_a_burst_is_placed_once(self) -> None:
        for number in range(3):
            self.cloud.host(f"host{number}", memory_mb=10 * 512)
        operations = [self.cloud.server() for _ in range(30)]
        # every bell twice, as when the sweeper is too quick
        self.place_all(operations * 2)
        self.assertNotIn(None, {self.cloud.host_of(each) for each in operations})
        for host in self.cloud.hosts().values():
            self.assertEqual(host["memory_mb"], host["memory_mb_used"])
            self.assertEqual(10, host["running_vms"])

    def test_anti_affinity_holds_under_concurrency(self) -> None:
        for number in range(5):
            self.cloud.host(f"host{number}")
        group = self.cloud.group(group_claims.ANTI_AFFINITY)
        operations = [self.cloud.server(server_group_id=group) for _ in range(10)]
        self.place_all(operations)
        placed = [self.cloud.host_of(each) for each in operations]
        self.assertEqual([f"host{number}" for number in range(5)], sorted(filter(None, placed)))

    def test_affinity_holds_under_concurrency(self) -> None:
        for number in range(5):
            self.cloud.host(f"host{number}", memory_mb=8 * 512)
        group = self.cloud.group(group_claims.AFFINITY)
        operations = [self.cloud.server(server_group_id=group) for _ in range(10)]
        self.place_all(operations)
        placed = [self.cloud.host_of(each) for each in operations]
        self.assertEqual(1, len(set(filter(None, placed))))
        self.assertEqual(2, placed.count(None))


class PlacementTest(ConcurrentPlacements, testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Placements())

    def place(self, **values: object) -> str:
        """Place one server; returns the id of its operation."""
        operation = self.cloud.server(**values)
        self.cloud.place(operation)
        return operation

    def test_spread_goes_to_the_emptiest_host_and_keeps_alternates(self) -> None:
        for number in range(5):
            self.cloud.host(f"host{number}", memory_mb=4096 + 512 * number)
        operation = self.cloud.server()
        bells = self.cloud.place(operation)
        self.assertEqual("host4", self.cloud.host_of(operation))
        row = self.cloud.operation(operation)
        self.assertEqual(
            [{"id": operation, "topic": "compute", "host": "host4"}], bells
        )
        self.assertEqual((Op.PENDING, "compute"), (row["state"], row["topic"]))
        # three hosts in all, the chosen one included
        self.assertEqual(2, len(row["alternates"]))

    def test_pack_fills_one_host_first(self) -> None:
        for name in ("ram", "cpu", "disk"):
            cfg.CONF.set_override(f"{name}_weight_multiplier", -1.0, "scheduler")
            self.addCleanup(cfg.CONF.clear_override, f"{name}_weight_multiplier", "scheduler")
        for number in range(3):
            self.cloud.host(f"host{number}", memory_mb=2048)
        used = [self.cloud.host_of(self.place()) for _ in range(6)]
        self.assertEqual(1, len(set(used[:4])))
        self.assertEqual(2, len(set(used)))

    def test_equal_hosts_are_chosen_at_random(self) -> None:
        for number in range(2):
            self.cloud.host(f"host{number}")
        for name in ("ram", "cpu", "disk"):
            cfg.CONF.set_override(f"{name}_weight_multiplier", 0.0, "scheduler")
            self.addCleanup(cfg.CONF.clear_override, f"{name}_weight_multiplier", "scheduler")
        # 40 throws of a fair coin all show the same side once in 10^12
        self.assertEqual(2, len({self.cloud.host_of(self.place()) for _ in range(40)}))

    def test_subset_of_best_hosts(self) -> None:
        cfg.CONF.set_override("host_subset_size", 2, "scheduler")
        self.addCleanup(cfg.CONF.clear_override, "host_subset_size", "scheduler")
        for name in ("cpu", "disk"):
            cfg.CONF.set_override(f"{name}_weight_multiplier", 0.0, "scheduler")
            self.addCleanup(cfg.CONF.clear_override, f"{name}_weight_multiplier", "scheduler")
        for number, memory in enumerate((60000, 50000, 600)):
            self.cloud.host(f"host{number}", memory_mb=memory)
        used = {self.cloud.host_of(self.place(memory_mb=1)) for _ in range(40)}
        self.assertEqual({"host0", "host1"}, used)

    def test_second_bell_does_nothing(self) -> None:
        self.cloud.host("host1")
        operation = self.place()
        self.assertEqual([], self.cloud.place(operation))
        self.assertEqual(1, self.cloud.hosts()["host1"]["running_vms"])

    def test_services_that_get_no_work(self) -> None:
        cfg.CONF.set_override("host_patience", 0, "scheduler")
        self.addCleanup(cfg.CONF.clear_override, "host_patience", "scheduler")
        long_ago = clock.now() - datetime.timedelta(hours=1)
        self.cloud.host("disabled", service={"disabled": True, "disabled_reason": "secret"})
        self.cloud.host("forced", service={"forced_down": True})
        self.cloud.host("silent", service={"last_seen_at": long_ago})
        why = self.cloud.why(self.place())
        self.assertIn("Of 3 hosts, service status refuses 3.", why)
        self.assertNotIn("secret", why)
        self.cloud.host("good")
        self.assertEqual("good", self.cloud.host_of(self.place()))

    def test_no_host_at_all(self) -> None:
        self.assertIn("There is no compute host yet.", self.cloud.why(self.place()))

    def test_why_memory(self) -> None:
        self.cloud.host("host1", memory_mb=1024)
        self.cloud.host("host2", memory_mb=2048)
        self.place(memory_mb=1536)
        operation = self.place(memory_mb=2048)
        self.assertEqual(
            "No valid host was found. Of 2 hosts, memory refuses 2. The closest one has 1024 MiB "
            "of memory free where 2048 MiB are asked for: choose a flavor with at most 1024 MiB.",
            self.cloud.why(operation),
        )
        server = self.cloud.placed(operation)
        self.assertEqual(
            ("no_valid_host", 500, None, None),
            (self.cloud.operation(operation)["code"], server["fault"]["code"],
             server["host"], server["operation_id"]),
        )
        self.assertEqual(self.cloud.why(operation), server["fault"]["message"])

    def test_why_memory_that_can_be_freed(self) -> None:
        self.cloud.host("host1", memory_mb=2048)
        self.place(memory_mb=1536)
        self.assertIn(
            "has 512 MiB of memory free where 2048 MiB are asked for: choose a flavor with at "
            "most 512 MiB, or free 1536 MiB there.",
            self.cloud.why(self.place(memory_mb=2048)),
        )

    def test_why_several_filters(self) -> None:
        self.cloud.host("host1", memory_mb=256, disk_gb=5)
        self.cloud.host("host2", memory_mb=256, disk_gb=5, service={"forced_down": True})
        why = self.cloud.why(self.place(root_gb=10))
        self.assertIn(
            "Of 2 hosts, service status refuses 1, memory refuses 2 and disk refuses 2.", why
        )
        self.assertIn("at most 256 MiB; it has 5 GiB of disk free", why)

    def test_requested_host_and_node(self) -> None:
        self.cloud.host("host1")
        self.cloud.host("host2", memory_mb=1024)
        for payload in ({"requested_host": "host2"}, {"requested_node": "host2.test"}):
            operation = self.place(payload=payload)
            self.assertEqual("host2", self.cloud.host_of(operation))
            self.assertEqual([], self.cloud.operation(operation)["alternates"])
        why = self.cloud.why(self.place(payload={"requested_host": "host2"}))
        self.assertIn("requested host refuses 1 and memory refuses 1", why)
        self.assertIn("has 0 MiB of memory free", why)

    def test_oversubscription(self) -> None:
        cfg.CONF.set_override("cpu_allocation_ratio", 2.0, "scheduler")
        self.addCleanup(cfg.CONF.clear_override, "cpu_allocation_ratio", "scheduler")
        self.cloud.host("host1", vcpus=2)
        placed = [self.cloud.host_of(self.place()) for _ in range(5)]
        self.assertEqual(["host1"] * 4 + [None], placed)

    def test_swap_and_ephemeral_disk_count(self) -> None:
        self.cloud.host("host1", disk_gb=10)
        self.assertIsNotNone(
            self.cloud.host_of(self.place(root_gb=4, ephemeral_gb=2, swap_mb=1025))
        )
        self.assertEqual(8, self.cloud.hosts()["host1"]["disk_gb_used"])

    def test_max_server_per_host(self) -> None:
        self.cloud.host("host1")
        group = self.cloud.group(group_claims.ANTI_AFFINITY, max_server_per_host=2)
        placed = [self.cloud.host_of(self.place(server_group_id=group)) for _ in range(3)]
        self.assertEqual(["host1", "host1", None], placed)

    def test_soft_policies(self) -> None:
        # much less room: only the group can make it the better one
        self.cloud.host("large")
        self.cloud.host("small", memory_mb=4096, vcpus=8, disk_gb=10)
        group = self.cloud.group(group_claims.SOFT_ANTI_AFFINITY)
        placed = [self.cloud.host_of(self.place(server_group_id=group)) for _ in range(4)]
        self.assertEqual({"large": 2, "small": 2}, {host: placed.count(host) for host in placed})
        group = self.cloud.group(group_claims.SOFT_AFFINITY)
        self.place(server_group_id=group, payload={"requested_host": "small"})
        self.assertEqual("small", self.cloud.host_of(self.place(server_group_id=group)))

    def test_members_that_are_gone_do_not_count(self) -> None:
        self.cloud.host("host1")
        group = self.cloud.group(group_claims.ANTI_AFFINITY)
        first = self.place(server_group_id=group)
        with engine.writer() as conn:
            hosts.release(conn, self.cloud.placed(first)["id"])
        self.assertEqual("host1", self.cloud.host_of(self.place(server_group_id=group)))

    def test_hints_name_own_servers_only(self) -> None:
        self.cloud.host("host1")
        self.cloud.host("host2")
        first = self.place()
        where = self.cloud.host_of(first)
        known = self.cloud.placed(first)["id"]
        same = self.place(scheduler_hints={"same_host": [known]})
        other = self.place(scheduler_hints={"different_host": known})
        self.assertEqual(where, self.cloud.host_of(same))
        self.assertNotIn(self.cloud.host_of(other), (None, where))
        foreign = self.place(scheduler_hints={"same_host": [known]}, project_id="2" * 32)
        self.assertIn("hint same_host refuses 2", self.cloud.why(foreign))

    def test_zone(self) -> None:
        self.cloud.host("host1", service={"availability_zone": "east"})
        self.cloud.host("host2")
        east = self.place(requested_az="east")
        self.assertEqual("host1", self.cloud.host_of(east))
        self.assertEqual("nova", self.cloud.placed(
            self.place(payload={"requested_host": "host2"}))["availability_zone"])
        why = self.cloud.why(self.place(requested_az="west"))
        self.assertIn("availability zone refuses 2", why)

    def test_aggregates(self) -> None:
        for name in ("host1", "host2"):
            self.cloud.host(name)
        with engine.writer() as conn:
            made = aggregates.insert(
                conn, {"name": "fast", "availability_zone": None, "metadata": {"ssd": "true"}}
            )
            aggregates.add_host(conn, made["id"], "host2")
        for key in ("aggregate_instance_extra_specs:ssd", "ssd"):
            placed = [self.place(extra_specs={key: "true"}) for _ in range(2)]
            self.assertEqual({"host2"}, {self.cloud.host_of(each) for each in placed})
        refused = self.place(extra_specs={"aggregate_instance_extra_specs:ssd": "false"})
        self.assertIn("Of 2 hosts, capabilities refuses 2.", self.cloud.why(refused))

    def test_capabilities_and_image_reach_the_filters(self) -> None:
        self.cloud.host("host1", capabilities={"arch": "aarch64"})
        self.cloud.host("host2")
        for values in (
            {"extra_specs": {"capabilities:arch": "x86_64"}},
            {"image_properties": {"hw_architecture": "amd64"}},
        ):
            operation = self.place(**values)
            self.assertEqual("host2", self.cloud.host_of(operation))
            self.assertEqual([], self.cloud.operation(operation)["alternates"])


class AlternatesTest(testtools.TestCase):
    """What a failed build does with the other ranked hosts."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Placements())

    def place(self, **values: object) -> str:
        operation = self.cloud.server(**values)
        self.cloud.place(operation)
        return operation

    def fail(self, operation: str) -> list[dict[str, object]]:
        """The build fails on the host where it is; returns the bells."""
        with context.role(context.CONDUCTOR), engine.writer() as conn:
            where = journal.get(conn, operation)["host"]
            owner = services.every(conn, host=where)[0]["id"]
            self.assertIs(False, journal.claim(conn, operation, owner, "epoch"))
            row = journal.get(conn, operation)
            journal.insert_step(
                conn, operation,
                {"seq": journal.last_seq(conn, operation) + 1, "name": "spawn",
                 "host": row["host"], "attempt": row["attempt"], "state": StepState.FAILED,
                 "detail": "it broke", "started_at": clock.now()},
            )
            return settle.fail(
                conn, row, {"code": "x", "message": "it broke"}, clock.now()
            )

    def test_next_host_up_to_max_attempts(self) -> None:
        for number in range(5):
            self.cloud.host(f"host{number}")
        operation = self.place()
        tried = []
        bells = [{"host": self.cloud.host_of(operation)}]
        while bells:
            tried.append(bells[0]["host"])
            self.assertEqual(tried[-1], self.cloud.host_of(operation))
            busy = [row["host"] for row in self.cloud.hosts().values() if row["running_vms"]]
            self.assertEqual([tried[-1]], busy)
            bells = self.fail(operation)
        self.assertEqual(3, len(set(tried)))
        row = self.cloud.operation(operation)
        self.assertEqual(Op.FAILED, row["state"])
        for host in tried:
            self.assertIn(f"{host}: it broke", row["reason"])
        self.assertEqual({0}, {host["running_vms"] for host in self.cloud.hosts().values()})

    def test_a_late_bell_at_the_first_host(self) -> None:
        for number in range(2):
            self.cloud.host(f"host{number}")
        operation = self.place()
        first = self.cloud.host_of(operation)
        self.fail(operation)
        with context.role(context.CONDUCTOR), engine.writer() as conn:
            owner = services.every(conn, host=first)[0]["id"]
            self.assertIsNone(journal.claim(conn, operation, owner, "epoch"))

    def test_alternates_are_checked_again(self) -> None:
        for number in range(3):
            self.cloud.host(f"host{number}", memory_mb=1024)
        operation = self.place()
        for host in {"host0", "host1", "host2"} - {self.cloud.host_of(operation)}:
            self.place(payload={"requested_host": host}, memory_mb=1024)
        self.assertEqual([], self.fail(operation))
        self.assertEqual(Vm.ERROR, self.cloud.placed(operation)["vm_state"])

    def test_alternates_keep_the_group_apart(self) -> None:
        for number in range(3):
            self.cloud.host(f"host{number}")
        group = self.cloud.group(group_claims.ANTI_AFFINITY)
        operations = [self.place(server_group_id=group) for _ in range(3)]
        self.assertEqual(3, len({self.cloud.host_of(each) for each in operations}))
        self.assertEqual([], self.fail(operations[0]))

    def test_alternates_that_went_down_are_left_out(self) -> None:
        self.cloud.host("host0", memory_mb=65536)
        self.cloud.host("host1", memory_mb=1024)
        operation = self.place()
        self.cloud.host("host1", memory_mb=1024, service={"forced_down": True})
        self.assertEqual([], self.fail(operation))


    def sweep(self, seconds: int = 5) -> list[str]:
        """The hosts whose bells a conductor rings that many seconds from now."""
        later = clock.now() + datetime.timedelta(seconds=seconds)
        with context.role(context.CONDUCTOR):
            return [bell["host"] for bell in sweeper._ring_again(later)]

    def test_a_host_that_died_before_it_began(self) -> None:
        for number in range(2):
            self.cloud.host(f"host{number}")
        operation = self.place()
        first = self.cloud.host_of(operation)
        [second] = {"host0", "host1"} - {first}
        self.assertEqual([first], self.sweep())
        self.cloud.host(first, service={"forced_down": True})
        self.assertEqual([second], self.sweep(10))
        self.assertEqual(second, self.cloud.host_of(operation))
        self.assertEqual((Op.PENDING, second), (self.cloud.operation(operation)["state"],
                                                self.cloud.operation(operation)["host"]))
        self.assertEqual({first: 0, second: 1},
                         {name: row["running_vms"] for name, row in self.cloud.hosts().items()})

    def test_it_stays_where_it_is_when_no_other_host_fits(self) -> None:
        self.cloud.host("host0", memory_mb=65536)
        self.cloud.host("host1", memory_mb=512)
        operation = self.place()
        self.place(payload={"requested_host": "host1"})
        self.cloud.host("host0", service={"forced_down": True})
        self.assertEqual(["host1"], self.sweep())
        self.assertEqual("host0", self.cloud.host_of(operation))
        self.assertEqual(1, self.cloud.hosts()["host0"]["running_vms"])
        self.assertEqual(1, self.cloud.hosts()["host1"]["running_vms"])

    def test_what_a_host_has_begun_is_left_to_it(self) -> None:
        for number in range(2):
            self.cloud.host(f"host{number}")
        operation = self.place()
        first = self.cloud.host_of(operation)
        with context.role(context.CONDUCTOR), engine.writer() as conn:
            journal.claim(conn, operation, services.every(conn, host=first)[0]["id"], "epoch")
            journal.move(conn, operation, [Op.RUNNING], {"state": Op.PENDING, "owner": None})
        self.cloud.host(first, service={"forced_down": True})
        self.assertEqual([], self.sweep())
        self.assertEqual(first, self.cloud.host_of(operation))


class OptionsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(Placements())

    def test_unknown_filter_stops_the_start(self) -> None:
        for option in ("enabled_filters", "enabled_weighers"):
            cfg.CONF.set_override(option, ["memory", "nonsense"], "scheduler")
            self.addCleanup(cfg.CONF.clear_override, option, "scheduler")
            error = self.assertRaises(exceptions.ConfigError, SchedulerManager)
            self.assertIn(f"scheduler.{option}: there is no nonsense; known:", str(error))
            cfg.CONF.clear_override(option, "scheduler")

    def test_all_filters_are_loaded_in_order(self) -> None:
        found = chain.load()
        self.assertEqual(12, len(found.filters))
        self.assertEqual("service status", found.filters[0].label)
        self.assertEqual(5, len(found.weighers))
