"""``mycloud volume migrate|drain`` against the whole cloud."""

from typing import Any, ClassVar

from tests.fixtures.command_case import CommandCase
from tests.fixtures.live_cloud import ADMIN


class DrainTest(CommandCase):
    backends: ClassVar[dict[str, dict[str, Any]] | None] = {"east": {}, "west": {}}

    def place(self, name: str) -> str:
        (found,) = [
            row["Host"] for row in self.ask("volume", "list", "--all-projects", "--long",
                                            cloud=ADMIN)
            if row["Name"] == name
        ]
        return str(found)

    def test_a_backend_is_emptied(self) -> None:
        ids = {}
        for name in ("one", "two", "kept"):
            made = self.ask("volume", "create", "--size", "1", name, "--wait")
            ids[name] = made["id"]
        for name, volume_id in ids.items():
            if self.place(name) != "test@east#east":
                words = ("--host", "test@east#east", "--wait")
                self.run_cli("volume", "migrate", volume_id, *words, cloud=ADMIN)
        self.run_cli("volume", "snapshot", "create", "--volume", "kept", "s1", "--wait")
        status, out, err = self.attempt(
            "volume", "drain", "test@east", "-f", "value", cloud=ADMIN
        )
        self.assertEqual(1, status, err)
        self.assertIn("volume.migrate", err)
        lines = out.splitlines()
        self.assertEqual(
            {f"{ids['one']} moved", f"{ids['two']} moved"},
            {line.strip() for line in lines if line.split()[1] == "moved"},
        )
        (stays,) = [line for line in lines if line.split()[1] == "stays"]
        self.assertTrue(stays.startswith(ids["kept"]), stays)
        self.assertIn("it has snapshots", stays)
        self.assertEqual("test@west#west", self.place("one"))
        self.run_cli("volume", "snapshot", "delete", "s1", "--wait")
        rows = self.ask("volume", "drain", "test@east", cloud=ADMIN)
        self.assertEqual([(ids["kept"], "moved")],
                         [(row["Volume"], row["Outcome"]) for row in rows])
        self.assertEqual("test@west#west", self.place("kept"))
        status, _, err = self.attempt("volume", "drain", "test@east")
        self.assertEqual(1, status, err)
