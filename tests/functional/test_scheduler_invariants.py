"""Whatever happens in whatever order: no host is oversold, no claim leaks, no policy is broken."""

from typing import Any

import testtools
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mycloud.common import clock, context
from mycloud.common.states import Op, StepState
from mycloud.db import engine, group_claims, hosts, journal, servers, services, settle
from mycloud.db.models import allocations
from tests.fixtures.placement import Placements

POLICIES = (group_claims.AFFINITY, group_claims.ANTI_AFFINITY, group_claims.SOFT_ANTI_AFFINITY)
HOSTS = ("host0", "host1", "host2")
SIZE = {"memory_mb": 1024, "vcpus": 1, "disk_gb": 3}

#: (what happens, a number to choose with, an amount)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("place", "place", "place", "fail", "fail", "finish", "remove", "toggle")),
        st.integers(0, 50),
        st.sampled_from((512, 1024)),
    ),
    min_size=10,
    max_size=30,
)


class InvariantsTest(testtools.TestCase):
    """One database; every example begins with no servers in it."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Placements())
        for name in HOSTS:
            self.cloud.host(name, **SIZE)

    # no shrinking: an example takes half a second where the machine is busy
    @settings(
        max_examples=15,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(EVENTS)
    def test_any_order(self, events: list[tuple[str, int, int]]) -> None:
        self.open: list[str] = []
        self.built: list[str] = []
        self.groups = {self.cloud.group(policy): policy for policy in POLICIES}
        for name in HOSTS:
            self.cloud.host(name, **SIZE, service={"forced_down": False})
        try:
            for what, number, amount in events:
                getattr(self, f"do_{what}")(number, amount)
                self.check()
        finally:
            for operation in [*self.open, *self.built]:
                self.release(operation)
        self.assertEqual([0] * 3, [row["running_vms"] for row in self.cloud.hosts().values()])

    # -- events --------------------------------------------------------------------------------

    def do_place(self, number: int, amount: int) -> None:
        group = [None, *self.groups][number % 4]
        operation = self.cloud.server(memory_mb=amount, server_group_id=group)
        self.cloud.place(operation)
        if self.cloud.operation(operation)["state"] == Op.PENDING:
            self.open.append(operation)

    def do_fail(self, number: int, amount: int) -> None:
        if not self.open:
            return
        operation = self.open[number % len(self.open)]
        with context.role(context.CONDUCTOR), engine.writer() as conn:
            row = self.claim(conn, operation)
            journal.insert_step(
                conn, operation,
                {"seq": journal.last_seq(conn, operation) + 1, "name": "spawn",
                 "host": row["host"], "attempt": row["attempt"], "state": StepState.FAILED,
                 "detail": "it broke", "started_at": clock.now()},
            )
            bells = settle.fail(conn, row, {"code": "x", "message": "it broke"}, clock.now())
        if not bells:
            self.open.remove(operation)

    def do_finish(self, number: int, amount: int) -> None:
        if not self.open:
            return
        operation = self.open.pop(number % len(self.open))
        with context.role(context.CONDUCTOR), engine.writer() as conn:
            row = self.claim(conn, operation)
            settle.close(conn, row, Op.SUCCEEDED, {}, clock.now())
        self.built.append(operation)

    def do_remove(self, number: int, amount: int) -> None:
        if self.built:
            self.release(self.built.pop(number % len(self.built)))

    def do_toggle(self, number: int, amount: int) -> None:
        name = HOSTS[number % 3]
        down = bool(number % 2)
        self.cloud.host(name, **SIZE, service={"forced_down": down})

    def claim(self, conn: Any, operation: str) -> Any:
        host = journal.get(conn, operation)["host"]
        owner = services.every(conn, host=host)[0]["id"]
        journal.claim(conn, operation, owner, clock.new_id())
        return journal.get(conn, operation)

    def release(self, operation: str) -> None:
        """As the end of a deletion does."""
        with engine.writer() as conn:
            server_id = journal.get(conn, operation)["resource_id"]
            servers.update(conn, server_id, {"deleted_at": clock.now()})
            hosts.release(conn, server_id)

    # -- what always holds ---------------------------------------------------------------------

    def check(self) -> None:
        with engine.reader() as conn:
            held = list(conn.execute(allocations.select()).mappings())
            rows = {row["id"]: row for row in hosts.every(conn)}
        for host in rows.values():
            mine = [each for each in held if each["host_id"] == host["id"]]
            self.assertEqual(len(mine), host["running_vms"])
            for name, ratio in (("vcpus", 4.0), ("memory_mb", 1.0), ("disk_gb", 1.0)):
                used = host[f"{name}_used"]
                self.assertEqual(sum(each[name] for each in mine), used)
                self.assertTrue(0 <= used <= host[name] * ratio, (name, used))
        where = {each["server_id"]: rows[each["host_id"]]["host"] for each in held}
        self.assertEqual(len(held), len(where), "a server has two claims")
        expected = [*self.open, *self.built]
        self.assertEqual(
            {self.cloud.placed(each)["id"]: self.cloud.host_of(each) for each in expected}, where
        )
        for group, policy in self.groups.items():
            used = [
                self.cloud.host_of(each)
                for each in expected
                if self.cloud.placed(each)["server_group_id"] == group
            ]
            if policy == group_claims.AFFINITY:
                self.assertLessEqual(len(set(used)), 1)
            elif policy == group_claims.ANTI_AFFINITY:
                self.assertEqual(len(set(used)), len(used))
