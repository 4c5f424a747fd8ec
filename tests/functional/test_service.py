"""A service: the order of its start, its row, its periodic work, its end."""

import unittest
from typing import Any

import fixtures
import oslo_messaging as messaging
import testtools
from oslo_config import cfg

from mycloud.common import clock, concurrency, context, exceptions, rpc
from mycloud.common.service import Service
from mycloud.conductor.manager import ConductorManager
from mycloud.db import engine
from mycloud.db import services as db_services
from mycloud.journal.hooks import ServiceHooks
from tests.fixtures.cloud import Cloud
from tests.fixtures.program import wait_for


class RecordingManager:
    """A manager that notes what happens to it."""

    target = messaging.Target(version="1.0")
    topic = "recorded"
    binary = "mycloud-recorded"
    role = context.COMPUTE

    def __init__(self) -> None:
        self.events: list[str] = []
        self.ticks: list[float] = []
        self.tasks: list[Any] = []

    def init_host(self, owner: Any) -> None:
        self.events.append(f"init_host in {context.current_role()}")

    def after_start(self) -> None:
        self.events.append("after_start")

    def stop(self) -> None:
        self.events.append("stop")

    def periodic_tasks(self) -> list[Any]:
        return self.tasks

    def run_operation(self, ctxt: Any, operation_id: str) -> None:
        self.events.append(f"run {operation_id}")

    def echo(self, ctxt: Any, text: str) -> str:
        return f"{text} in {context.current_role()}"

    def wait(self, ctxt: Any) -> str:
        self.events.append("waiting")
        concurrency.sleep(0.5)
        self.events.append("waited")
        return "done"

    def tick(self, ctxt: Any) -> None:
        self.ticks.append(clock.monotonic())

    def explode(self, ctxt: Any) -> None:
        self.events.append("explode")
        raise ZeroDivisionError("a bug in a periodic task")


class RecordedAPI(rpc.Client):
    topic = RecordingManager.topic
    version = "1.0"


class Hooks(ServiceHooks):
    """The real ones, noting when they are asked."""

    def __init__(self, conductor: Any, events: list[str], resume: list[str]):
        super().__init__(conductor)
        self._events, self._resume = events, resume

    def wait_until_ready(self, ctxt: Any) -> None:
        super().wait_until_ready(ctxt)
        self._events.append("conductor is ready")

    def register(self, ctxt: Any, values: dict[str, Any]) -> Any:
        self._events.append("register")
        return super().register(ctxt, values)

    def endpoints(self, manager: Any) -> list[Any]:
        self._events.append("listen")
        return super().endpoints(manager)

    def to_resume(
        self, ctxt: Any, manager: Any, owner: Any, patience: float
    ) -> list[str]:
        self._events.append("resume")
        return self._resume


class ServiceTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Cloud(hosts=1))
        self.manager = RecordingManager()

    def service(self, *, resume: list[str] | None = None) -> Service:
        hooks: Any = Hooks(self.cloud.conductor_api, self.manager.events, resume or [])
        service = Service(self.manager, "there", hooks)
        self.addCleanup(service.stop)
        return service

    def row(self) -> Any:
        with context.role(context.API), engine.reader() as conn:
            return db_services.every(conn, binary=self.manager.binary)[0]

    def test_the_order_of_a_start(self) -> None:
        self.service(resume=["op-1"]).serve()
        wait_for(lambda: "run op-1" in self.manager.events, "the operation is resumed")
        events = [event for event in self.manager.events if event != "run op-1"]
        self.assertEqual(
            [
                "conductor is ready",
                "register",
                "init_host in compute",
                "listen",
                "resume",
                "after_start",
            ],
            events,
        )

    def test_the_row_tells_topic_host_and_epoch(self) -> None:
        service = self.service()
        service.serve()
        row = self.row()
        self.assertEqual(
            ("there", "recorded", service.epoch), (row["host"], row["topic"], row["epoch"])
        )

    def test_serving_twice_is_an_error(self) -> None:
        service = self.service()
        service.serve()
        self.assertRaises(RuntimeError, service.serve)

    def test_methods_run_in_the_role_of_the_service(self) -> None:
        self.service().serve()
        answer = RecordedAPI().call(
            context.admin_context(), "echo", host="there", version="1.0", text="hi"
        )
        self.assertEqual("hi in compute", answer)

    def test_it_keeps_reporting(self) -> None:
        self.service().serve()
        before = self.row()["report_count"]
        wait_for(lambda: self.row()["report_count"] > before, "another sign of life")

    def test_a_second_process_takes_the_row_over(self) -> None:
        first = self.service()
        first.serve()
        second = self.service()
        second.serve()
        self.assertEqual(second.epoch, self.row()["epoch"])
        assert first._registration is not None
        with context.role(context.COMPUTE):
            self.assertFalse(first._registration.heartbeat())

    def test_periodic_tasks_run_again_even_after_a_failure(self) -> None:
        self.manager.tasks = [(0.05, self.manager.tick), (0.05, self.manager.explode)]
        logger = self.useFixture(fixtures.FakeLogger("mycloud.common.service"))
        self.service().serve()
        wait_for(lambda: len(self.manager.ticks) > 2, "three ticks")
        wait_for(lambda: self.manager.events.count("explode") > 2, "three failures")
        self.assertIn("a bug in a periodic task", logger.output)

    def test_no_periodic_tasks_if_they_are_switched_off(self) -> None:
        cfg.CONF.set_override("periodic_enable", False)
        self.addCleanup(cfg.CONF.clear_override, "periodic_enable")
        self.manager.tasks = [(0.01, self.manager.tick)]
        self.service().serve()
        concurrency.sleep(0.2)
        self.assertEqual([], self.manager.ticks)

    def test_first_runs_are_spread(self) -> None:
        cfg.CONF.set_override("periodic_fuzzy_delay", 2)
        self.addCleanup(cfg.CONF.set_override, "periodic_fuzzy_delay", 0)
        fractions = iter((0.0, 0.5))
        self.useFixture(fixtures.MonkeyPatch(
            "mycloud.common.clock.fraction", lambda: next(fractions)
        ))
        late: list[float] = []

        def tock(ctxt: Any) -> None:
            late.append(clock.monotonic())

        self.manager.tasks = [(60, self.manager.tick), (60, tock)]
        self.service().serve()
        wait_for(lambda: self.manager.ticks and late, "both have run")
        self.assertGreater(late[0] - self.manager.ticks[0], 0.8)

    def test_no_sleep_is_longer_than_told(self) -> None:
        cfg.CONF.set_override("periodic_interval_max", 1)
        self.addCleanup(cfg.CONF.clear_override, "periodic_interval_max")
        self.manager.tasks = [(3600, self.manager.tick)]
        self.service().serve()
        wait_for(lambda: len(self.manager.ticks) > 1, "it runs again after a second")

    def test_the_end_waits_for_messages_under_way(self) -> None:
        service = self.service()
        service.serve()
        call = concurrency.spawn(
            RecordedAPI().call, context.admin_context(), "wait", host="there", version="1.0"
        )
        wait_for(lambda: "waiting" in self.manager.events, "the message is there")
        service.stop()
        service.wait()
        self.assertEqual(["waiting", "waited", "stop"], self.manager.events[-3:])
        self.assertEqual("done", call.wait(5))

    def test_the_end_does_not_wait_for_ever(self) -> None:
        cfg.CONF.set_override("graceful_shutdown_timeout_seconds", 1)
        self.addCleanup(cfg.CONF.clear_override, "graceful_shutdown_timeout_seconds")
        release = concurrency.Event()
        self.addCleanup(release.set)
        self.useFixture(fixtures.MonkeyPatch(
            "tests.functional.test_service.RecordingManager.run_operation",
            lambda manager, ctxt, operation_id: release.wait(20),
        ))
        service = self.service(resume=["op-1"])
        service.serve()
        started = clock.monotonic()
        service.stop()
        service.wait()
        self.assertLess(clock.monotonic() - started, 8)

    def test_a_compute_host_waits_for_the_conductor(self) -> None:
        self.cloud.services.pop("conductor").stop()
        logger = self.useFixture(fixtures.FakeLogger("mycloud.journal.hooks"))
        starting = concurrency.spawn(self.service().serve)
        wait_for(lambda: "Waiting for the conductor" in logger.output, "it says so", 20)
        self.assertFalse(starting.done)
        self.assertNotIn("register", self.manager.events)
        conductor: Any = Service(
            ConductorManager(), "test", ServiceHooks(self.cloud.conductor_api)
        )
        conductor.serve()
        self.cloud.services["conductor"] = conductor
        starting.wait(20)
        self.assertIn("after_start", self.manager.events)

    def test_workers_have_rows_of_their_own(self) -> None:
        one, two = self.service(), self.service()
        one.set_worker(0)
        two.set_worker(1)
        one.serve()
        two.serve()
        with context.role(context.API), engine.reader() as conn:
            rows = db_services.every(conn, binary=self.manager.binary)
        self.assertEqual(["there", "there/1"], sorted(row["host"] for row in rows))
        self.assertEqual(2, len({row["epoch"] for row in rows}))

    def test_a_silent_service_counts_as_down(self) -> None:
        from mycloud.objects.service import Service as Record

        self.service().serve()
        row = self.row()
        record = Record.from_row(None, row)
        self.assertTrue(record.is_up(clock.now(), 4))
        late = row["last_seen_at"].replace(year=row["last_seen_at"].year + 1)
        self.assertFalse(record.is_up(late, 4))

    def test_a_dead_method_is_told_to_the_caller(self) -> None:
        self.assertRaises(
            exceptions.ServiceUnavailable,
            RecordedAPI().call,
            context.admin_context(), "echo", host="nobody", version="1.0", text="hi", timeout=1,
        )


if __name__ == "__main__":
    unittest.main()
