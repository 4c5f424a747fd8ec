"""Faults that a fake driver commits when it is told to.

``fault`` in the driver's state directory holds one fault or a list of them as JSON::

    {"verb": "spawn", "mode": "fail", "subject": null, "count": 1}

``verb`` is a method of the driver.  ``mode`` is ``fail`` (an error of the driver's kind) or
``hang`` (the call does not return until the fault is taken away).  ``subject`` limits it to one
server or volume (``server_id`` is another word for it) and ``count`` to that many calls.  The
calls that were hit are counted in the file, so a process that is killed and started again does
not begin anew.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mycloud.common import clock, concurrency

FAIL = "fail"
HANG = "hang"
_POLL_SECONDS = 0.02

#: Makes the error that a driver raises: (verb, subject, reason).
MakeError = Callable[[str, str | None, str], Exception]


@dataclasses.dataclass(frozen=True)
class Fault:
    """One fault.

    :ivar count: None hits every call
    """

    verb: str
    mode: str = FAIL
    subject: str | None = None
    count: int | None = None
    hits: int = 0
    id: str = dataclasses.field(default_factory=clock.new_id)

    def hit(self, verb: str, subject: str | None) -> bool:
        return (
            self.verb == verb
            and self.subject in (None, subject)
            and (self.count is None or self.hits < self.count)
        )


class FaultFile:
    """The faults of one fake driver.

    :param error: makes what a fault raises
    """

    def __init__(self, path: Path, error: MakeError) -> None:
        self._path = path
        self._error = error
        self._lock = concurrency.Lock()
        self._closed = False

    def set(self, *faults: Fault) -> None:
        """Replace all faults; none takes them away and lets hanging calls go on."""
        with self._lock:
            self._write(list(faults))

    def close(self) -> None:
        """Let every hanging call fail."""
        self._closed = True

    def strike(self, verb: str, subject: str | None) -> None:
        """Commit the fault that stands for this call, if there is one: raise the driver's error,
        at once or, after ``close``, out of a call that hangs."""
        if not self._path.exists():
            return
        with self._lock:
            faults = self._read()
            fault = next((each for each in faults if each.hit(verb, subject)), None)
            if fault is None:
                return
            at = faults.index(fault)
            faults[at] = dataclasses.replace(fault, hits=fault.hits + 1)
            self._write(faults)
        if fault.mode == FAIL:
            raise self._error(verb, subject, "the fake driver was told to fail")
        while any(each.id == fault.id for each in self._read()):
            if self._closed:
                raise self._error(verb, subject, "the driver was closed meanwhile")
            concurrency.sleep(_POLL_SECONDS)

    def _read(self) -> list[Fault]:
        try:
            found: Any = json.loads(self._path.read_text())
        except FileNotFoundError:
            return []
        rows = found if isinstance(found, list) else [found]
        return [_fault(i, row) for i, row in enumerate(rows)]

    def _write(self, faults: list[Fault]) -> None:
        if not faults:
            self._path.unlink(missing_ok=True)
            return
        fresh = self._path.with_name(f".{self._path.name}.{clock.new_id()}")
        fresh.write_text(json.dumps([dataclasses.asdict(each) for each in faults]))
        fresh.replace(self._path)


def _fault(place: int, row: dict[str, Any]) -> Fault:
    # a fault that somebody wrote by hand has no id: its place and its words name it
    told = {"id": f"{place}:{row['verb']}:{row.get('mode')}", **row}
    if "server_id" in told:
        told["subject"] = told.pop("server_id")
    return Fault(**told)
