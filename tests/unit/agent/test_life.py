"""The agent's life: its parts start in order and stop in reverse."""

from pathlib import Path
from typing import Any

import testtools

from mycloud.agent.agent import Agent
from mycloud.agent.host import Host
from mycloud.agent.registry import Registry


def kind(name: str, seen: list[str], *, fails: bool = False) -> Any:
    """A class of parts that say what they do."""

    class Part:
        def start(self) -> None:
            if fails:
                raise OSError(f"{name} can't start")
            seen.append(f"+{name}")

        def stop(self) -> None:
            seen.append(f"-{name}")

    return Part


class LifeTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.seen: list[str] = []
        self.agent = Agent(Host("here", Path("/nowhere")), Registry([]))

    def test_in_order_and_back(self) -> None:
        for name in ("one", "two", "three"):
            self.agent.add(kind(name, self.seen)())
        self.agent.start()
        self.assertEqual(["+one", "+two", "+three"], self.seen)
        self.agent.stop()
        self.assertEqual(["-three", "-two", "-one"], self.seen[3:])
        # nothing runs any more
        self.agent.stop()
        self.assertEqual(6, len(self.seen))

    def test_one_that_can_not_start(self) -> None:
        for name in ("one", "two"):
            self.agent.add(kind(name, self.seen)())
        self.agent.add(kind("bad", self.seen, fails=True)())
        self.agent.add(kind("four", self.seen)())
        self.assertRaises(OSError, self.agent.start)
        self.assertEqual(["+one", "+two", "-two", "-one"], self.seen)

    def test_parts_are_found_by_their_class(self) -> None:
        made = kind("one", self.seen)
        part = made()
        self.agent.add(part)
        self.assertIs(part, self.agent.host.part(made))
        self.assertRaises(KeyError, self.agent.host.part, int)

    def test_what_is_published(self) -> None:
        class Talker(kind("talker", self.seen)):  # type: ignore[misc]
            def published(self) -> dict[str, Any]:
                return {"said": 5}

        self.agent.add(kind("silent", self.seen)())
        self.agent.add(Talker())
        self.assertEqual({"said": 5}, self.agent.published())
