"""Small documents of the root helper that outlive it: each is written whole or not at all."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)


class Store:
    """:ivar directory: root's own"""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, name: str) -> dict[str, Any] | None:
        """None: there is none, or it is none; that is put aside."""
        path = self._path(name)
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            LOG.error("%s is no document; it is put aside", path)
            path.replace(path.with_suffix(".bad"))
            return None
        return found

    def write(self, name: str, document: dict[str, Any]) -> None:
        """It is on the disk when this returns."""
        path = self._path(name)
        fresh = path.with_suffix(".new")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w") as out:
            json.dump(document, out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
        self._sync()

    def remove(self, name: str) -> None:
        """It is gone from the disk when this returns."""
        self._path(name).unlink(missing_ok=True)
        self._sync()

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    def _sync(self) -> None:
        fd = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
