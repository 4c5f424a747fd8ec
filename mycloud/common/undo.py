"""A stack of what to undo, beside what was done."""

import logging
from collections.abc import Callable

LOG = logging.getLogger(__name__)


class UndoStack:
    """Undo functions with names, run backwards; one that fails does not stop the others.

    This is one of the four doors where any exception is caught.
    """

    def __init__(self) -> None:
        self._stack: list[tuple[str, Callable[[], None]]] = []

    def push(self, name: str, undo: Callable[[], None] | None) -> None:
        if undo is not None:
            self._stack.append((name, undo))

    def run(self) -> tuple[list[str], list[str]]:
        """Undo everything; returns the names undone and the names whose undo failed."""
        undone: list[str] = []
        failed: list[str] = []
        while self._stack:
            name, undo = self._stack.pop()
            try:
                undo()
            except Exception:
                LOG.exception("The undo of %s failed", name)
                failed.append(name)
            else:
                undone.append(name)
        return undone, failed
