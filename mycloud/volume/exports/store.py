"""What is kept of exports: a directory for each, and a record in it.

Records hold the names and secrets of exports, so nobody but this user reads them. A record is
seen whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oslo_concurrency import lockutils

from mycloud.common import secret_files

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_RECORD = "record.json"
_LOCKS = ".locks"
#: so many lock files at most lie there, however many exports come and go
_STRIPES = 32


class Store:
    """The directory of one protocol of one backend; any number of processes may look after it."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def keys(self) -> list[str]:
        """Of every export that has a directory, even one that was only begun."""
        if not self._root.is_dir():
            return []
        names = (path.name for path in self._root.iterdir() if path.is_dir())
        return sorted(name for name in names if _KEY.fullmatch(name))

    def directory(self, key: str) -> Path:
        """Where the things of an export lie, whether it is there or not.

        :raises ValueError: this can't be a key
        """
        if not _KEY.fullmatch(key):
            raise ValueError(f"not the key of an export: {key!r}")
        return self._root / key

    def read(self, key: str) -> dict[str, Any] | None:
        """The record, or None."""
        try:
            record: dict[str, Any] = json.loads((self.directory(key) / _RECORD).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return record

    def records(self) -> dict[str, dict[str, Any]]:
        """All records by key."""
        found = {key: self.read(key) for key in self.keys()}
        return {key: record for key, record in found.items() if record is not None}

    def write(self, key: str, record: Mapping[str, Any]) -> None:
        """Keep the record; it outlives a crash of the machine."""
        self._make()
        directory = self.directory(key)
        directory.mkdir(mode=0o700, exist_ok=True)
        secret_files.write(directory / _RECORD, json.dumps(record))

    def forget(self, key: str) -> None:
        """Remove the directory and all in it."""
        directory = self.directory(key)
        if directory.exists():
            # what is half removed is no export any more
            (directory / _RECORD).unlink(missing_ok=True)
            shutil.rmtree(directory)

    def lock(self, key: str) -> contextlib.AbstractContextManager[Any]:
        """Nobody else works on this export meanwhile."""
        return self._lock(f"export-{zlib.crc32(key.encode()) % _STRIPES}")

    def lock_all(self) -> contextlib.AbstractContextManager[Any]:
        """Nobody else chooses what must differ between exports; taken inside ``lock``."""
        return self._lock("all")

    def _lock(self, name: str) -> contextlib.AbstractContextManager[Any]:
        self._make()
        # within a process the name alone counts, so it says whose lock it is
        whose = hashlib.sha256(os.fsencode(self._root)).hexdigest()[:12]
        return lockutils.lock(
            f"{whose}-{name}", external=True, lock_path=str(self._root / _LOCKS), do_log=False
        )

    def _make(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root.chmod(0o700)
