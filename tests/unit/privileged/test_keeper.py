"""The keeper of checkpoints, cut off wherever it can be."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fixtures
import testtools

from mycloud.privileged import errors
from mycloud.privileged.checkpoint.keeper import Keeper, Wanted
from mycloud.privileged.checkpoint.store import Store
from mycloud.privileged.network.actions import Action
from mycloud.privileged.network.difference import difference
from mycloud.privileged.network.model import Address, Link, Scope, State

BEFORE = State({"eth0": Link("eth0")}, frozenset({Address("eth0", "192.0.2.7/24")}))
TARGET = State(
    {"eth0": Link("eth0", master="br0"), "br0": Link("br0", "bridge", options={"stp": False})},
    frozenset({Address("br0", "192.0.2.8/24")}),
)
SCOPE = Scope(frozenset({"eth0", "br0"}), frozenset({"eth0", "br0"}))
WANTED = Wanted({"networks": {}}, TARGET, SCOPE, SCOPE)


class Killed(BaseException):
    """The helper's process is no more."""


class FatefulStore(Store):
    """Ends the process before or after one of its writes."""

    fate: Callable[[], None] = staticmethod(lambda: None)  # type: ignore[assignment]

    def write(self, name: str, document: dict[str, Any]) -> None:
        self.fate()
        super().write(name, document)
        self.fate()

    def remove(self, name: str) -> None:
        self.fate()
        super().remove(name)
        self.fate()


class ModelHost:
    """A host of data, whose restoration can be cut off before each step."""

    def __init__(self) -> None:
        self.state = BEFORE
        self.fate: Callable[[], None] = lambda: None
        self.problems: list[str] = []

    def read(self) -> State:
        return self.state

    def do(self, steps: list[Action]) -> None:
        for step in steps:
            self.fate()
            self.state = step.applied(self.state)

    def commit(self) -> None:
        self.fate()

    def resume(self, target: State, scope: Scope) -> None:
        self.fate()

    def go_back(self, before: State, scope: Scope) -> list[str]:
        return self.restore(before, scope)

    def restore(self, target: State, scope: Scope) -> list[str]:
        self.do(difference(self.state, target, scope, force=True))
        return self.problems


class KeeperTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)
        self.host = ModelHost()
        self.now = 1000.0
        self.boot = "first"
        self.keeper = self.life()

    def life(self, directory: Path | None = None) -> Keeper:
        """The helper starts."""
        self.store = FatefulStore(directory or self.directory)
        made = Keeper(
            self.store, {"netlink": self.host}, clock=lambda: self.now, boot_id=lambda: self.boot
        )
        made.resume()
        return made

    def applied(self) -> str:
        armed = self.keeper.arm(WANTED, 60)
        self.host.do(difference(self.host.state, TARGET, SCOPE))
        return str(armed["id"])

    def test_commit(self) -> None:
        checkpoint = self.applied()
        self.assertEqual("committed", self.keeper.commit(checkpoint)["outcome"])
        self.assertEqual("committed", self.keeper.commit(checkpoint)["outcome"])
        status = self.keeper.status()
        self.assertIsNone(status["armed"])
        self.assertEqual({"networks": {}}, status["committed"]["document"])
        self.assertRaises(errors.Refused, self.keeper.roll_back, checkpoint, "")

    def test_roll_back(self) -> None:
        checkpoint = self.applied()
        ended = self.keeper.roll_back(checkpoint, "why")
        self.assertEqual(ended, self.keeper.roll_back(checkpoint, "again"))
        self.assertEqual(BEFORE, self.host.state)
        error = self.assertRaises(errors.Refused, self.keeper.commit, checkpoint)
        self.assertIn("rolled back (why)", error.message)

    def test_deadline(self) -> None:
        checkpoint = self.applied()
        self.now += 59
        self.assertEqual(1, self.keeper.look())
        self.now += 1
        error = self.assertRaises(errors.Refused, self.keeper.commit, checkpoint)
        self.assertIn("is not open", error.message)
        self.assertIsNone(self.keeper.look())
        self.assertEqual(BEFORE, self.host.state)

    def test_one_at_a_time(self) -> None:
        self.applied()
        error = self.assertRaises(errors.Refused, self.keeper.arm, WANTED, 60)
        self.assertIn("60 s more", error.message)

    def test_what_may_be_changed_meanwhile(self) -> None:
        def change(checkpoint: str | None, *links: str) -> bool:
            with self.keeper.changing(checkpoint, frozenset(links)) as covered:
                return covered

        checkpoint = self.applied()
        self.assertTrue(change(checkpoint, "eth0", "br0"))
        self.assertFalse(change(None, "tap0"))
        self.assertRaises(errors.Refused, change, None, "br0")
        self.assertRaises(errors.Refused, change, checkpoint, "tap0")
        self.keeper.roll_back(checkpoint, "")
        # a caller that was slow must not undo what was undone
        self.assertRaises(errors.Refused, change, checkpoint, "eth0")

    def test_a_restart_within_the_deadline(self) -> None:
        checkpoint = self.applied()
        self.now += 30
        again = self.life()
        armed = again.status()["armed"]
        self.assertEqual((checkpoint, 30), (armed["id"], armed["seconds_left"]))
        again.commit(checkpoint)

    def test_a_restart_after_the_deadline(self) -> None:
        self.applied()
        self.now += 61
        self.assertIn("was down", self.life().status()["last"]["reason"])
        self.assertEqual(BEFORE, self.host.state)

    def test_a_restart_of_the_host(self) -> None:
        self.keeper.commit(self.applied())
        self.keeper.arm(dataclasses.replace(WANTED, target=BEFORE), 60)
        self.boot, self.now, self.host.state = "second", 5.0, State({"eth0": Link("eth0")})
        status = self.life().status()
        self.assertEqual(TARGET, self.host.state)
        self.assertEqual("rolled back", status["last"]["outcome"])
        self.assertTrue(status["boot"]["restored"])
        # not again: what changes later is not the helper's to undo
        self.host.state = BEFORE
        self.life()
        self.assertEqual(BEFORE, self.host.state)

    def test_interfaces_that_come_late(self) -> None:
        self.keeper.commit(self.applied())
        self.boot, self.host.problems = "second", ["there is no interface eth0"]
        keeper = self.life()
        self.assertIsNotNone(keeper.look())
        self.assertEqual("first", self.store.read("boot")["id"])  # type: ignore[index]
        self.host.problems = []
        self.assertIsNone(keeper.look())
        self.assertEqual("second", self.store.read("boot")["id"])  # type: ignore[index]
        self.boot, self.host.problems = "third", ["there is no interface eth0"]
        keeper = self.life()
        self.now += 100
        self.assertIsNone(keeper.look())
        self.assertEqual(self.host.problems, keeper.status()["boot"]["problems"])

    def test_documents_that_are_none_are_put_aside(self) -> None:
        self.keeper.commit(self.applied())
        for text in ("", "{", "[]", "\x00" * 100):
            (self.directory / "checkpoint.json").write_text(text)
            (self.directory / "boot.json").write_text(text)
            self.assertIsNone(self.life().status()["armed"])
        self.assertTrue((self.directory / "boot.bad").exists())

    def test_killed_at_each_point(self) -> None:
        points = 0
        for ending in ("commit", "roll back", "time out", "restart the host"):
            survived = False
            while not survived:
                survived = self.killed_at(points, ending)
                points += 1
            self.assertGreater(points, 3)
            points = 0

    def killed_at(self, point: int, ending: str) -> bool:
        """True: it was through before that point."""
        self.host.state, self.boot = BEFORE, "first"
        self.keeper = self.life(Path(tempfile.mkdtemp(dir=self.directory)))
        left = point

        def fate() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        self.store.fate = self.host.fate = fate  # type: ignore[method-assign]
        committed = False
        try:
            checkpoint = self.applied()
            if ending == "commit":
                self.keeper.commit(checkpoint)
                committed = True
            elif ending == "roll back":
                self.keeper.roll_back(checkpoint, "")
            elif ending == "time out":
                self.now += 61
                self.keeper.look()
            else:
                self.boot = "second"
                self.life(self.store.directory)
        except Killed:
            survived = False
        else:
            survived = True
        self.store.fate = self.host.fate = lambda: None  # type: ignore[method-assign]
        self.now += 120
        status = self.life(self.store.directory).status()
        self.assertIsNone(status["armed"])
        if status["committed"] is not None:
            self.assertEqual("commit", ending)
            self.assertEqual(TARGET, self.host.state)
            self.assertEqual("committed", status["last"]["outcome"])
        elif ending != "restart the host" or self.boot == "first":
            self.assertFalse(committed)
            self.assertEqual(BEFORE, self.host.state)
        return survived
