"""What a verb may know of the call that it runs in, and of the helper that runs it."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Helper:
    """What holds as long as the process.

    :ivar service_uid: of the user whom the helper serves
    :ivar service_dir: the cloud's state directory, which belongs to that user: open nothing in it
        but by ``roots``
    :ivar state_dir: root's own directory of the helper
    :ivar verbs: what the helper offers, by name (``discovery.Verb``)
    """

    service_uid: int
    service_gid: int
    service_dir: Path
    state_dir: Path
    verbs: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Call:
    """:ivar deadline: by ``time.monotonic``
    :ivar operation: id of the operation of the journal that it is a part of
    """

    verb: str
    deadline: float
    operation: str | None = None
    peer_uid: int = 0


_helper: Helper | None = None
_call: contextvars.ContextVar[Call | None] = contextvars.ContextVar("call", default=None)


def set_helper(made: Helper | None) -> None:
    """Told once, when the helper starts."""
    global _helper
    _helper = made


def helper() -> Helper:
    """:raises RuntimeError: outside the helper"""
    if _helper is None:
        raise RuntimeError("this is not the root helper")
    return _helper


def state_dir() -> Path:
    """Root's own directory, for what a verb has to remember."""
    return helper().state_dir


def service_dir() -> Path:
    return helper().service_dir


def service_uid() -> int:
    return helper().service_uid


def operation() -> str | None:
    """The id of the operation that the running call is a part of."""
    call = _call.get()
    return call.operation if call else None


def remaining() -> float | None:
    """Seconds until the running call's deadline; None outside a call."""
    call = _call.get()
    return None if call is None else max(0.0, call.deadline - time.monotonic())


@contextlib.contextmanager
def running(call: Call) -> Iterator[None]:
    """The block is that call."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)
