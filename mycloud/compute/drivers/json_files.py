"""Small JSON files that are written whole and put in place by a rename: what is read is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mycloud.common import clock

_SAFE_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")


class JsonFiles:
    """``ROOT/KIND/NAME.json``."""

    def __init__(self, root: Path, *kinds: str) -> None:
        self.root = root
        for kind in kinds:
            (root / kind).mkdir(parents=True, exist_ok=True)

    def path(self, kind: str, name: str) -> Path:
        """:raises ValueError: the name can't be that of a file"""
        if not _SAFE_NAME.match(name) or name.startswith("."):
            raise ValueError(f"{name!r} can't be the name of a file")
        return self.root / kind / f"{name}.json"

    def names(self, kind: str) -> list[str]:
        """Every name of that kind."""
        return sorted(path.stem for path in (self.root / kind).glob("*.json"))

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        """What is in the file; None if there is none."""
        try:
            found: dict[str, Any] = json.loads(self.path(kind, name).read_text())
        except FileNotFoundError:
            return None
        return found

    def write(self, kind: str, name: str, content: dict[str, Any]) -> None:
        """Replace the file."""
        path = self.path(kind, name)
        fresh = path.with_name(f".{name}.{clock.new_id()}")
        fresh.write_text(json.dumps(content))
        fresh.replace(path)

    def remove(self, kind: str, name: str) -> None:
        """Remove the file, if it is there."""
        self.path(kind, name).unlink(missing_ok=True)

    def each(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(name, content) of every file of that kind."""
        for name in self.names(kind):
            found = self.read(kind, name)
            if found is not None:
                yield name, found
