"""The operation journal through the whole cloud: nothing accepted is lost or doubled."""

import datetime
from typing import Any

import fixtures
import testtools
from oslo_config import cfg

from mycloud.common import clock, context, exceptions
from mycloud.common.faults import FAIL, HANG, Fault
from mycloud.common.states import Op, StepState, Task, Vm
from mycloud.compute.requests import create, delete, power
from mycloud.conductor import sweeper
from mycloud.db import engine, hosts, journal
from mycloud.db.models import allocations
from mycloud.db.models import hosts as hosts_table
from mycloud.db.models import operations as ops
from mycloud.objects.operation import Operation
from tests.fixtures import seeds
from tests.fixtures.cloud import Cloud


class JournalCase(testtools.TestCase):
    hosts = 1

    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Cloud(hosts=self.hosts))
        self.ctxt = self.cloud.context()
        seeds.basics(self.cloud)

    def server(self, server_id: str) -> Any:
        return self.cloud.in_role(seeds.row, server_id)

    def create(self, **values: Any) -> tuple[str, str]:
        key = values.pop("key", None)
        made = self.cloud.in_role(create.create, self.ctxt, seeds.spec(**values), key=key)
        return made.servers[0]["id"], made.operation_ids[0]

    def operation(self, operation_id: str) -> Any:
        def read() -> Any:
            with engine.reader() as conn:
                return journal.get(conn, operation_id)

        return self.cloud.in_role(read)

    def steps(self, operation_id: str) -> list[Any]:
        def read() -> Any:
            with engine.reader() as conn:
                return journal.steps_of(conn, [operation_id])[operation_id]

        return self.cloud.in_role(read)

    def ended(self, operation_id: str) -> Any:
        self.cloud.wait(
            lambda: self.operation(operation_id)["state"] in (
                Op.SUCCEEDED, Op.FAILED, Op.CANCELLED
            ),
            what=f"the end of operation {operation_id}",
        )
        return self.operation(operation_id)

    def claims(self) -> tuple[int, int]:
        """(allocations, sum of vcpus_used of all hosts)"""

        def read() -> tuple[int, int]:
            with engine.reader() as conn:
                held = len(conn.execute(allocations.select()).all())
                used = sum(row["vcpus_used"] for row in hosts.every(conn))
            return held, used

        return self.cloud.in_role(read)

    def set_operation(self, operation_id: str, **values: Any) -> None:
        def write() -> None:
            with engine.writer() as conn:
                conn.execute(ops.update().where(ops.c.id == operation_id).values(**values))

        self.cloud.in_role(write)

    def faults(self, host: str, *faults: Fault) -> None:
        self.cloud.computes[host].driver.faults.set(*faults)

    def guests(self, host: str) -> set[str]:
        return {guest.server_id for guest in self.cloud.computes[host].driver.guests()}


class TestLife(JournalCase):
    def test_every_step_is_journalled_in_order(self) -> None:
        server_id, operation_id = self.create()
        operation = self.ended(operation_id)
        self.assertEqual((Op.SUCCEEDED, "server.create"),
                         (operation["state"], operation["kind"]))
        steps = self.steps(operation_id)
        self.assertEqual(["schedule", "image", "disk", "spawn"], [s["name"] for s in steps])
        self.assertEqual({"done"}, {s["state"] for s in steps})
        self.assertEqual([1, 2, 3, 4], [s["seq"] for s in steps])
        self.assertTrue(all(s["finished_at"] >= s["started_at"] for s in steps))
        server = self.server(server_id)
        self.assertEqual((Vm.ACTIVE, None, None, "host1"),
                         (server["vm_state"], server["task_state"], server["operation_id"],
                          server["host"]))
        self.assertEqual({server_id}, self.guests("host1"))
        self.assertEqual((1, 1), self.claims())

    def test_a_second_boot_skips_the_image(self) -> None:
        self.ended(self.create()[1])
        _, second = self.create(name="two")
        self.ended(second)
        states = {s["name"]: s["state"] for s in self.steps(second)}
        self.assertEqual(StepState.SKIPPED, states["image"])
        self.assertEqual(StepState.DONE, states["spawn"])

    def test_stop_start_reboot_delete(self) -> None:
        server_id = seeds.boot(self.cloud)
        for verb, wanted in ((power.stop, Vm.STOPPED), (power.start, Vm.ACTIVE)):
            operation_id = self.cloud.in_role(verb, self.ctxt, self.server(server_id))
            self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
            self.assertEqual(wanted, self.server(server_id)["vm_state"])
        for hard in (False, True):
            operation_id = self.cloud.in_role(
                power.reboot, self.ctxt, self.server(server_id), hard=hard
            )
            self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        operation_id = self.cloud.in_role(delete.delete, self.ctxt, self.server(server_id))
        self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        server = self.server(server_id)
        self.assertEqual(Vm.DELETED, server["vm_state"])
        self.assertIsNotNone(server["deleted_at"])
        self.assertEqual(set(), self.guests("host1"))
        self.assertEqual([], self.cloud.computes["host1"].driver.leftovers())
        self.assertEqual((0, 0), self.claims())

    def test_a_busy_server_refuses_with_the_operations_name(self) -> None:
        server_id = seeds.boot(self.cloud)
        self.faults("host1", Fault("power_off", HANG))
        self.addCleanup(self.faults, "host1")
        stop = self.cloud.in_role(power.stop, self.ctxt, self.server(server_id))
        error = self.assertRaises(
            exceptions.OperationInProgress,
            self.cloud.in_role, power.start, self.ctxt, self.server(server_id),
        )
        self.assertIn(stop, error.message)
        self.assertIn("server.stop", error.message)
        self.assertEqual(409, error.status)

    def test_a_wrong_state_refuses_with_the_states_name(self) -> None:
        server_id = seeds.boot(self.cloud)
        error = self.assertRaises(
            exceptions.StateConflict,
            self.cloud.in_role, power.start, self.ctxt, self.server(server_id),
        )
        self.assertIn("Cannot 'start' instance", error.message)
        self.assertIn("vm_state active", error.message)
        self.assertIsNone(self.server(server_id)["operation_id"])

    def test_a_locked_server_is_the_administrators(self) -> None:
        server_id = seeds.boot(self.cloud)
        locked = {**self.server(server_id), "locked": True}
        self.assertRaises(
            exceptions.ServerLocked, self.cloud.in_role, power.stop, self.ctxt, locked
        )
        self.assertRaises(
            exceptions.ServerLocked, self.cloud.in_role, delete.delete, self.ctxt, locked
        )
        admin = self.cloud.context(is_admin=True)
        self.ended(self.cloud.in_role(power.stop, admin, locked))


class TestDoorbells(JournalCase):
    def test_a_bell_that_rings_again_does_nothing(self) -> None:
        server_id, operation_id = self.create()
        self.ended(operation_id)
        before = self.steps(operation_id)
        for service in ("host1", "scheduler"):
            manager = self.cloud.services[service].manager
            with context.role(manager.role):
                manager.run_operation(self.ctxt, operation_id)
        self.assertEqual(before, self.steps(operation_id))
        self.assertEqual((1, 1), self.claims())
        self.assertEqual(Vm.ACTIVE, self.server(server_id)["vm_state"])

    def test_a_bell_that_nobody_heard_is_rung_again(self) -> None:
        scheduler = self.cloud.services.pop("scheduler")
        scheduler.stop()
        server_id, operation_id = self.create()
        self.cloud.start()
        self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        self.assertEqual(Vm.ACTIVE, self.server(server_id)["vm_state"])

    def test_a_host_that_starts_takes_up_what_waits_for_it(self) -> None:
        server_id = seeds.boot(self.cloud)
        self.cloud.services.pop("host1").stop()
        operation_id = self.cloud.in_role(power.stop, self.ctxt, self.server(server_id))
        self.assertEqual(Op.PENDING, self.operation(operation_id)["state"])
        self.cloud.start()
        self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        self.assertEqual(Vm.STOPPED, self.server(server_id)["vm_state"])


class TestFailure(JournalCase):
    hosts = 4

    def test_the_next_host_builds_what_the_first_could_not(self) -> None:
        for host in ("host1", "host2", "host3", "host4"):
            self.faults(host, Fault("spawn", FAIL))
        server_id, operation_id = self.create()
        self.cloud.wait(lambda: self.operation(operation_id)["attempt"] >= 1)
        operation = self.ended(operation_id)
        self.assertEqual(Op.FAILED, operation["state"])
        tried = [s["host"] for s in self.steps(operation_id) if s["state"] == "failed"]
        # at most max_attempts, each one once
        self.assertEqual(3, len(tried))
        self.assertEqual(3, len(set(tried)))
        server = self.server(server_id)
        self.assertEqual(Vm.ERROR, server["vm_state"])
        for host in tried:
            self.assertIn(host, server["fault"]["message"])
            self.assertEqual(set(), self.guests(host))
            self.assertEqual([], self.cloud.computes[host].driver.leftovers())
        self.assertEqual((0, 0), self.claims())
        undone = {s["name"] for s in self.steps(operation_id) if s["state"] == "undone"}
        self.assertIn("disk", undone)

    def test_one_bad_host_is_not_seen_by_the_person(self) -> None:
        hosts = ("host1", "host2", "host3", "host4")
        for host in hosts:
            self.faults(host, Fault("create_disk", FAIL))
        for host in hosts[1:]:
            self.faults(host)
        # whichever host comes first, the server ends active, once
        made = [self.create(name=f"s{number}") for number in range(6)]
        for server_id, operation_id in made:
            self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
            owners = [host for host in hosts if server_id in self.guests(host)]
            self.assertEqual([self.server(server_id)["host"]], owners)
        self.assertEqual((6, 6), self.claims())


class TestFaultOfAPowerAction(JournalCase):
    def test_the_server_keeps_its_state_and_tells_why(self) -> None:
        server_id = seeds.boot(self.cloud)
        self.faults("host1", Fault("power_off", FAIL))
        operation_id = self.cloud.in_role(power.stop, self.ctxt, self.server(server_id))
        operation = self.ended(operation_id)
        self.assertEqual(Op.FAILED, operation["state"])
        self.assertTrue(operation["reason"])
        server = self.server(server_id)
        self.assertEqual((Vm.ACTIVE, None), (server["vm_state"], server["task_state"]))


class TestCancel(JournalCase):
    def test_a_delete_during_a_build_undoes_it(self) -> None:
        self.faults("host1", Fault("create_disk", HANG))
        server_id, operation_id = self.create()
        self.cloud.wait(
            lambda: any(s["name"] == "disk" for s in self.steps(operation_id)),
            what="the disk step",
        )
        deletion = self.cloud.in_role(delete.delete, self.ctxt, self.server(server_id))
        self.assertEqual(Op.WAITING, self.operation(deletion)["state"])
        again = self.cloud.in_role(delete.delete, self.ctxt, self.server(server_id))
        self.assertEqual(deletion, again)
        self.faults("host1")
        self.assertEqual(Op.SUCCEEDED, self.ended(deletion)["state"])
        self.assertEqual(Op.CANCELLED, self.operation(operation_id)["state"])
        self.assertEqual(Vm.DELETED, self.server(server_id)["vm_state"])
        self.assertEqual([], self.cloud.computes["host1"].driver.leftovers())
        self.assertEqual((0, 0), self.claims())

    def test_a_delete_of_what_nobody_has_begun(self) -> None:
        self.cloud.services.pop("scheduler").stop()
        server_id, operation_id = self.create()
        self.assertEqual(Task.SCHEDULING, self.server(server_id)["task_state"])
        deletion = self.cloud.in_role(delete.delete, self.ctxt, self.server(server_id))
        self.assertEqual(Op.CANCELLED, self.operation(operation_id)["state"])
        self.assertEqual(Op.SUCCEEDED, self.ended(deletion)["state"])
        self.cloud.start()
        self.assertEqual(Vm.DELETED, self.server(server_id)["vm_state"])
        self.assertEqual((0, 0), self.claims())

    def test_a_delete_while_the_host_is_down(self) -> None:
        server_id = seeds.boot(self.cloud)
        self.cloud.services.pop("host1").stop()
        deletion = self.cloud.in_role(delete.delete, self.ctxt, self.server(server_id))
        self.assertEqual(Op.SUCCEEDED, self.ended(deletion)["state"])
        self.assertEqual((0, 0), self.claims())
        # the host is back: what it has of no living server goes
        self.cloud.start()
        self.assertEqual(set(), self.guests("host1"))
        self.assertEqual([], self.cloud.computes["host1"].driver.leftovers())


class TestSweeper(JournalCase):
    def test_what_belongs_to_a_dead_epoch_is_handed_over(self) -> None:
        self.faults("host1", Fault("spawn", HANG))
        server_id, operation_id = self.create()
        self.cloud.wait(
            lambda: any(s["name"] == "spawn" for s in self.steps(operation_id))
        )
        # as if the process had been killed and another had taken its place
        self.set_operation(operation_id, owner_epoch="an epoch that is gone")
        self.faults("host1")
        self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        self.assertEqual({server_id}, self.guests("host1"))
        self.assertEqual((1, 1), self.claims())

    def test_the_fence_stops_a_worker_that_has_lost_its_operation(self) -> None:
        _, operation_id = self.create()
        self.ended(operation_id)
        self.set_operation(operation_id, state=Op.RUNNING, owner_epoch="another")
        self.assertRaises(
            exceptions.OperationLost,
            self.cloud.in_role, Operation.succeed, self.ctxt, operation_id, "mine", {}, steps=[],
        )
        self.set_operation(operation_id, state=Op.SUCCEEDED)

    def test_past_its_deadline_an_operation_fails_with_the_reason(self) -> None:
        self.faults("host1", Fault("spawn", HANG))
        self.addCleanup(self.faults, "host1")
        server_id, operation_id = self.create()
        self.cloud.wait(
            lambda: any(s["name"] == "spawn" for s in self.steps(operation_id))
        )
        late = clock.now() - datetime.timedelta(seconds=1)
        self.set_operation(operation_id, deadline_at=late)
        self.cloud.in_role(sweeper.sweep, self.ctxt)
        operation = self.operation(operation_id)
        self.assertEqual((Op.FAILED, "operation_timed_out"),
                         (operation["state"], operation["code"]))
        self.assertEqual(Vm.ERROR, self.server(server_id)["vm_state"])


class TestIdempotency(JournalCase):
    def test_the_same_key_makes_one_server(self) -> None:
        first = self.create(key="k1")
        again = self.create(key="k1")
        self.assertEqual(first, again)
        self.ended(first[1])
        self.assertEqual(first, self.create(key="k1"))
        self.assertEqual((1, 1), self.claims())

    def test_the_same_key_for_something_else_is_refused(self) -> None:
        self.create(key="k1")
        error = self.assertRaises(
            exceptions.IdempotencyConflict, self.create, name="other", key="k1"
        )
        self.assertEqual(422, error.status)

    def test_keys_of_two_projects_do_not_meet(self) -> None:
        first = self.create(key="k1")
        self.ctxt = self.cloud.context(project_id="f" * 32)
        self.assertNotEqual(first, self.create(key="k1"))


class TestClaims(JournalCase):
    def test_a_claim_on_a_host_that_has_changed_is_refused(self) -> None:
        def race() -> tuple[bool, bool]:
            amounts = {"vcpus": 1, "memory_mb": 1, "disk_gb": 1}
            with engine.writer() as conn:
                row = hosts.every(conn)[0]
                first = hosts.claim(conn, row, clock.new_id(), amounts)
                second = hosts.claim(conn, row, clock.new_id(), amounts)
                conn.execute(hosts_table.select())
            return first, second

        self.assertEqual((True, False), self.cloud.in_role(race))


class TestSilentHosts(JournalCase):
    """After an outage of the bus every host has been silent: creates wait for them."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud.services.pop("host1").stop()

        def down() -> bool:
            with engine.reader() as conn:
                row = hosts.every(conn)[0]
                return hosts.out_of_service(row, clock.now(), 4) == hosts.SILENT

        self.cloud.wait(down, what="the silence")

    def test_a_create_waits_for_a_host_that_would_fit(self) -> None:
        server_id, operation_id = self.create()
        self.cloud.in_role(sweeper.sweep, self.ctxt)
        self.assertEqual(Op.PENDING, self.operation(operation_id)["state"])
        self.cloud.start()
        self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        self.assertEqual(Vm.ACTIVE, self.server(server_id)["vm_state"])

    def test_it_does_not_wait_for_ever(self) -> None:
        cfg.CONF.set_override("host_patience", 0, group="scheduler")
        self.addCleanup(cfg.CONF.clear_override, "host_patience", group="scheduler")
        _, operation_id = self.create()
        operation = self.ended(operation_id)
        self.assertEqual((Op.FAILED, "no_valid_host"), (operation["state"], operation["code"]))


class TestLostAnswers(JournalCase):
    """A conductor that is killed after a commit: nobody hears what it did."""

    def test_a_claim_whose_answer_is_lost(self) -> None:
        claim = Operation.claim
        lost: list[str] = []

        def losing(
            cls: Any, context: Any, operation_id: str, *args: Any, **kwargs: Any
        ) -> Any:
            found = claim(context, operation_id, *args, **kwargs)
            if not lost:
                lost.append(operation_id)
                raise exceptions.ServiceUnavailable(service="conductor")
            return found

        # the conductor of this process looks for the same name
        losing.remotable = True  # type: ignore[attr-defined]
        self.useFixture(fixtures.MonkeyPatch("mycloud.journal.runner.Operation.claim", losing))
        server_id, operation_id = self.create()
        self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        self.assertEqual([operation_id], lost)
        self.assertEqual({server_id}, self.guests("host1"))

    def test_an_end_whose_answer_is_lost(self) -> None:
        finish = Operation.finish
        lost: list[str] = []

        def losing(operation: Operation, *args: Any) -> None:
            finish(operation, *args)
            lost.append(operation.id)
            raise exceptions.BusUnavailable()

        self.useFixture(fixtures.MonkeyPatch("mycloud.journal.runner.Operation.finish", losing))
        server_id, operation_id = self.create()
        self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        self.cloud.wait(lambda: not self.runner_is_busy(), what="the worker's peace")
        self.assertEqual([operation_id], lost)
        self.assertEqual({server_id}, self.guests("host1"))

    def runner_is_busy(self) -> bool:
        runner = self.cloud.computes["host1"].runner
        assert runner is not None
        return bool(runner._under_way)


class TestDeafService(JournalCase):
    def test_what_waits_is_taken_up_without_a_bell(self) -> None:
        cfg.CONF.set_override("take_up_interval", 1)
        self.addCleanup(cfg.CONF.clear_override, "take_up_interval")
        self.cloud.restart("host1")
        # its queue is gone, as after a broker that forgot it: it hears nothing any more
        self.cloud.services["host1"]._server.stop()
        server_id, operation_id = self.create()
        self.assertEqual(Op.SUCCEEDED, self.ended(operation_id)["state"])
        self.assertEqual(Vm.ACTIVE, self.server(server_id)["vm_state"])
