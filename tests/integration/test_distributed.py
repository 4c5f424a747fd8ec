"""One process per service on RabbitMQ and PostgreSQL: killed services, a broker and a database
that are gone for 20 seconds. Every accepted create ends active, once."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import requests
import testtools

from mycloud.db import models
from tests.fixtures import postgresql, rabbitmq
from tests.fixtures.distributed import Distributed
from tests.fixtures.program import wait_for

OUTAGE_SECONDS = 20


def setUpModule() -> None:
    missing = rabbitmq.why_not() or postgresql.why_not()
    if missing:
        raise testtools.TestCase.skipException(missing)


class Creator:
    """Creates servers one after another in a native thread, until told to stop."""

    def __init__(self, cloud: Distributed, flavor: str, image: str):
        self._cloud = cloud
        self._body = {"name": "load", "flavorRef": flavor, "imageRef": image}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted: list[str] = []
        self.refused: list[int] = []
        self.slowest_refusal = 0.0
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            started = time.monotonic()
            try:
                answer = self._cloud.request(
                    "POST", "/compute/v2.1/servers", {"server": self._body}, timeout=30
                )
            except requests.ConnectionError:
                # the API is being killed: nobody has been told anything
                continue
            if answer.status_code == 202:
                self.accepted.append(answer.json()["server"]["id"])
            else:
                self.refused.append(answer.status_code)
                self.slowest_refusal = max(
                    self.slowest_refusal, time.monotonic() - started
                )

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()


class TestDistributed(testtools.TestCase):
    """One cloud for all, since its start is the dearest part."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Distributed("host1", "host2"))
        self.flavor, self.image = self.cloud.seed()

    def test_the_life_of_a_distributed_cloud(self) -> None:
        self.check_boot()
        self.check_compute_has_no_database()
        self.check_a_service_that_is_killed()
        self.check_an_outage(self.cloud.bus.stop, self.cloud.bus.start)
        self.check_an_outage(self.cloud.database.stop, self.cloud.database.start)
        self.check_a_dead_broker_is_a_clear_503()

    def create(self) -> str:
        answer = self.cloud.request(
            "POST",
            "/compute/v2.1/servers",
            {"server": {"name": "one", "flavorRef": self.flavor, "imageRef": self.image}},
        )
        self.assertEqual(202, answer.status_code, answer.text)
        server_id: str = answer.json()["server"]["id"]
        return server_id

    def active(self, *server_ids: str, timeout: float = 30) -> None:
        def settled() -> bool:
            states = self.cloud.servers()
            bad = [sid for sid in server_ids if states.get(sid) == "ERROR"]
            self.assertEqual([], bad, self.cloud.in_database(
                models.operations.select().where(models.operations.c.state == "failed")))
            return all(states.get(sid) == "ACTIVE" for sid in server_ids)

        wait_for(settled, f"{len(server_ids)} servers are active", timeout)

    def check_boot(self) -> None:
        self.active(self.create(), self.create())
        self.check_nothing_is_doubled()

    def check_compute_has_no_database(self) -> None:
        """Row A4.01: a compute host's open sockets are AMQP only."""
        for host in self.cloud.hosts:
            process = psutil.Process(self.cloud.programs[host].pid)
            links = [
                link
                for link in process.net_connections(kind="inet")
                if link.status == psutil.CONN_ESTABLISHED
            ]
            # eventlet's pool of native threads talks to itself
            own = {link.laddr.port for link in links}
            peers = {link.raddr.port for link in links} - own
            bus_port = int(self.cloud.bus.url.rstrip("/").rsplit(":", 1)[1])
            self.assertEqual({bus_port}, peers)
            unix = [link.raddr for link in process.net_connections(kind="unix") if link.raddr]
            self.assertEqual([], [path for path in unix if "PGSQL" in str(path)])
            text = (self.cloud.state / f"{host}.conf").read_text()
            self.assertNotIn("postgresql", text)

    def check_a_service_that_is_killed(self) -> None:
        load = Creator(self.cloud, self.flavor, self.image)
        try:
            for name in ("conductor", "scheduler", "host1", "api"):
                already = len(load.accepted)
                wait_for(lambda a=already: len(load.accepted) > a + 1, "creates go on", 30)
                self.cloud.kill(name)
                self.cloud.start(name)
        finally:
            wait_for(self.cloud._answers, "the API answers again", 30)
            load.finish()
        self.settle(load)

    def check_an_outage(self, stop: Callable[[], Any], start: Callable[[], Any]) -> None:
        load = Creator(self.cloud, self.flavor, self.image)
        try:
            wait_for(lambda: len(load.accepted) > 2, "creates are accepted", 30)
            stop()
            # the outage itself: the one thing here that has to take its time
            time.sleep(OUTAGE_SECONDS)
            start()
            already = len(load.accepted)
            wait_for(lambda: len(load.accepted) > already + 2, "creates are accepted again", 60)
        finally:
            load.finish()
        self.assertLess(load.slowest_refusal, 6.5)
        self.assertEqual(set(), set(load.refused) - {503}, self.cloud.last_words())
        self.settle(load)

    def settle(self, load: Creator) -> None:
        try:
            wait_for(lambda: not self.cloud.open_operations(), "all operations end", 60)
        except AssertionError as error:
            self.fail(f"{error}: {self.cloud.open_operations()}\n{self.cloud.last_words()}")
        self.active(*load.accepted, timeout=60)
        self.check_nothing_is_doubled()

    def check_nothing_is_doubled(self) -> None:
        rows = self.cloud.in_database(
            models.servers.select().where(models.servers.c.deleted_at.is_(None))
        )
        placed = {row["id"]: row["host"] for row in rows}
        for host, guests in self.cloud.guests().items():
            self.assertEqual({sid for sid, where in placed.items() if where == host}, guests)
        held = self.cloud.in_database(models.allocations.select())
        self.assertEqual(sorted(placed), sorted(row["server_id"] for row in held))

    def check_a_dead_broker_is_a_clear_503(self) -> None:
        server_id = self.create()
        self.active(server_id)
        self.cloud.bus.stop()
        started = time.monotonic()
        answer = self.cloud.request(
            "POST", f"/compute/v2.1/servers/{server_id}/action", {"os-getConsoleOutput": {}}
        )
        self.assertEqual(503, answer.status_code, answer.text)
        self.assertLess(time.monotonic() - started, 6)
        self.assertIn("message bus", answer.text)
