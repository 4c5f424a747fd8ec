"""One process per service on RabbitMQ and PostgreSQL: killed services, a broker and a database
that are gone for 20 seconds. Every accepted create ends active, once; every accepted volume is
there, once, and attached where it was to be."""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import testtools

from mycloud.common.states import Attach, Vol
from mycloud.db import models
from tests.fixtures import postgresql, rabbitmq
from tests.fixtures.distributed import VOLUME_HOST, Distributed
from tests.fixtures.distributed_load import Creator, VolumeUser
from tests.fixtures.program import wait_for

OUTAGE_SECONDS = 20


def setUpModule() -> None:
    missing = rabbitmq.why_not() or postgresql.why_not()
    if missing:
        raise testtools.TestCase.skipException(missing)


class TestDistributed(testtools.TestCase):
    """One cloud for all, since its start is the dearest part."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Distributed("host1", "host2"))
        self.flavor, self.image = self.cloud.seed()

    def test_the_life_of_a_distributed_cloud(self) -> None:
        self.check_boot()
        self.check_hosts_have_no_database()
        self.check_a_backend_that_is_killed()
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

    def check_hosts_have_no_database(self) -> None:
        """Row A4.01: the open sockets of a compute host, and of a volume host, are AMQP only."""
        for host in (*self.cloud.hosts, VOLUME_HOST):
            program = psutil.Process(self.cloud.programs[host].pid)
            for process in program.children() or [program]:
                self.check_has_no_database(process)
            text = (self.cloud.state / f"{host}.conf").read_text()
            self.assertNotIn("postgresql", text)

    def check_has_no_database(self, process: psutil.Process) -> None:
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

    def check_a_backend_that_is_killed(self) -> None:
        """Row A5.18: a process a backend; one is killed, the other serves, and only that one is
        started again."""
        for name in self.cloud.backends:
            self.cloud.make_volume_type(name, volume_backend_name=name)
        program = self.cloud.programs[VOLUME_HOST]
        before = self.backend_pids()
        self.assertEqual(set(before.values()), {
            child.pid for child in psutil.Process(program.pid).children()
        })
        dead, alive = self.cloud.backends
        os.kill(before[dead], signal.SIGKILL)
        self.is_available(self.create_volume(volume_type=alive))
        self.is_available(self.create_volume(volume_type=dead))
        after = self.backend_pids()
        self.assertNotEqual(before[dead], after[dead])
        self.assertEqual(before[alive], after[alive])
        self.check_no_volume_is_doubled()

    def backend_pids(self) -> dict[str, int]:
        """The process of each backend, as the program says that it has forked them."""
        found = {}
        for line in self.cloud.programs[VOLUME_HOST].said:
            if match := re.search(r"Worker (\d+) has pid (\d+)", line):
                found[self.cloud.backends[int(match[1])]] = int(match[2])
        return found

    def create_volume(self, **values: Any) -> str:
        answer = self.cloud.request(
            "POST", "/volume/v3/volumes", {"volume": {"size": 1, **values}}
        )
        self.assertEqual(202, answer.status_code, answer.text)
        volume_id: str = answer.json()["volume"]["id"]
        return volume_id

    def is_available(self, volume_id: str) -> None:
        wait_for(
            lambda: self.cloud.volumes()[volume_id]["status"] == Vol.AVAILABLE,
            f"volume {volume_id} is available", 30,
        )

    def loads(self) -> tuple[Creator, VolumeUser]:
        server_id = self.create()
        self.active(server_id)
        servers = Creator(self.cloud, self.flavor, self.image)
        volumes = VolumeUser(self.cloud, server_id)
        servers.start()
        volumes.start()
        return servers, volumes

    def check_a_service_that_is_killed(self) -> None:
        servers, volumes = self.loads()
        try:
            for name in ("conductor", "scheduler", "host1", "host2", VOLUME_HOST, "api"):
                self.goes_on(servers, volumes)
                self.cloud.kill(name)
                self.cloud.start(name)
            self.goes_on(servers, volumes)
        finally:
            wait_for(self.cloud._answers, "the API answers again", 30)
            servers.finish()
            volumes.finish()
        self.settle(servers, volumes)

    def goes_on(self, servers: Creator, volumes: VolumeUser) -> None:
        """Something new is accepted, and something new is detached."""
        already, ended = len(servers.accepted), volumes.detached
        try:
            wait_for(
                lambda: len(servers.accepted) > already + 1 and volumes.detached > ended,
                "servers and volumes are made", 120,
            )
        except AssertionError as error:
            done = [len(servers.accepted) - already, volumes.attached, volumes.detached - ended]
            self.fail(
                f"{error}: {done} {self.cloud.open_operations()}\n{self.cloud.last_words()}"
            )

    def check_an_outage(self, stop: Callable[[], Any], start: Callable[[], Any]) -> None:
        servers, volumes = self.loads()
        try:
            self.goes_on(servers, volumes)
            stop()
            # the outage itself: the one thing here that has to take its time
            time.sleep(OUTAGE_SECONDS)
            start()
            self.goes_on(servers, volumes)
        finally:
            servers.finish()
            volumes.finish()
        for load in (servers, volumes):
            self.assertLess(load.slowest_refusal, 6.5)
            self.assertEqual(set(), set(load.refused) - {503}, self.cloud.last_words())
        self.settle(servers, volumes)

    def settle(self, servers: Creator, volumes: VolumeUser) -> None:
        try:
            wait_for(lambda: not self.cloud.open_operations(), "all operations end", 60)
        except AssertionError as error:
            self.fail(f"{error}: {self.cloud.open_operations()}\n{self.cloud.last_words()}")
        self.active(*servers.accepted, timeout=60)
        self.check_nothing_is_doubled()
        failed = self.cloud.in_database(
            models.operations.select().where(models.operations.c.state != "succeeded")
        )
        self.assertEqual([], failed)
        there = self.cloud.volumes()
        self.assertEqual(set(), set(volumes.accepted) - set(there))
        self.check_no_volume_is_doubled()

    def check_no_volume_is_doubled(self) -> None:
        """Database, backends, exports and guests have the same."""
        there = self.cloud.volumes()
        self.assertEqual(
            set(), {row["status"] for row in there.values()} - {Vol.AVAILABLE, Vol.IN_USE}
        )
        held = self.cloud.attachments()
        self.assertEqual(set(), {row["status"] for row in held} - {Attach.ATTACHED})
        self.assertEqual(
            {row["volume_id"] for row in held},
            {key for key, row in there.items() if row["status"] == Vol.IN_USE},
        )
        self.assertEqual(
            {(row["server_id"], row["volume_id"]) for row in held}, self.cloud.guests_volumes()
        )
        exports = set[str]()
        for name in self.cloud.backends:
            place = f"{VOLUME_HOST}@{name}#{name}"
            here = {key for key, row in there.items() if row["host"] == place}
            files = [path.name for path in self.cloud.backend_dir(name).glob("volumes/*")]
            self.assertEqual(sorted(f"volume-{key}" for key in here), sorted(files))
            exports |= {
                path.parent.name
                for path in self.cloud.backend_dir(name).glob("exports/*/*/record.json")
            }
            wait_for(
                lambda place=place, here=here:
                    self.cloud.pools()[place]["allocated_gb"] == len(here),
                f"{place} has promised {len(here)} GiB",
            )
        self.assertEqual({row["id"] for row in held}, exports)
        devices = self.cloud.in_database(
            models.block_devices.select().where(models.block_devices.c.deleted_at.is_(None))
        )
        self.assertEqual(
            Counter((row["id"], row["mountpoint"]) for row in held),
            Counter((row["attachment_id"], row["device_name"]) for row in devices),
        )

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
