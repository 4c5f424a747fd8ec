"""Live steps of operations: updating in place on a terminal, plain lines in a pipe.

They go to standard error, so that the output proper stays clean for programs.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from cliff.columns import FormattableColumn

from mycloud.cli.columns import duration_text, size_text
from mycloud.common import states

if TYPE_CHECKING:
    from rich.live import Live

    from mycloud.client.operations import Operation, Step

_MARKS: dict[str, str] = {
    states.StepState.RUNNING: "[cyan]…[/]",
    states.StepState.DONE: "[green]✓[/]",
    states.StepState.FAILED: "[red]✗[/]",
    states.StepState.UNDONE: "[yellow]↶[/]",
    states.StepState.SKIPPED: "[dim]-[/]",
}


class Quiet:
    """Shows nothing."""

    def show(self, operation: "Operation") -> None:
        """A new look at the operation."""

    def bytes_done(self, done: int, total: int | None) -> None:
        """So many bytes of a transfer are done."""


class Lines(Quiet):
    """One line whenever a step or the operation changes its state."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._steps: dict[tuple[str, int], str] = {}
        self._states: dict[str, str] = {}

    def show(self, operation: "Operation") -> None:
        for step in operation.steps:
            key = (operation.id, step.seq)
            if self._steps.get(key) != step.state:
                self._steps[key] = step.state
                self._write(f"{operation.kind} {operation.resource_id}: {describe(step)}")
        if self._states.get(operation.id) != operation.state:
            self._states[operation.id] = operation.state
            took = duration_text(operation.duration_s) if operation.ended else ""
            after = f" after {took}" if took else ""
            self._write(f"{operation.kind} {operation.resource_id}: {operation.state}{after}")

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class Table(Quiet):
    """A table that is drawn again in place."""

    def __init__(self, live: "Live"):
        self._live = live
        self._operations: dict[str, Operation] = {}

    def show(self, operation: "Operation") -> None:
        self._operations[operation.id] = operation
        self._live.update(self._drawn(), refresh=True)

    def _drawn(self) -> Any:
        from rich.markup import escape
        from rich.table import Table as RichTable

        table = RichTable.grid(padding=(0, 2))
        for operation in self._operations.values():
            table.add_row(
                "",
                f"[bold]{escape(operation.kind)}[/] {escape(operation.resource_id)}",
                escape(operation.host or ""),
                duration_text(operation.duration_s),
                escape(operation.state),
            )
            for step in operation.steps:
                table.add_row(
                    _MARKS.get(step.state, ""),
                    escape(step.name),
                    escape(step.host or ""),
                    duration_text(step.duration_s),
                    escape(step.detail or ""),
                )
        return table

    def bytes_done(self, done: int, total: int | None) -> None:
        from rich.text import Text

        of_total = f" of {size_text(total)} ({done * 100 // total} %)" if total else ""
        self._live.update(Text(f"{size_text(done)}{of_total}"), refresh=True)


class Steps(FormattableColumn[Any]):
    """Steps: a line for each in tables."""

    def human_readable(self) -> str:
        return "\n".join(describe(step) for step in self._value)

    def machine_readable(self) -> list[dict[str, Any]]:
        return [dataclasses.asdict(step) for step in self._value]


def describe(step: "Step") -> str:
    """A step in one line."""
    parts = [f"{step.name} {step.state}"]
    if step.host:
        parts.append(f"on {step.host}")
    if step.duration_s is not None and step.state != states.StepState.RUNNING:
        parts.append(f"in {duration_text(step.duration_s)}")
    if step.detail:
        parts.append(f"({step.detail})")
    return " ".join(parts)


@contextlib.contextmanager
def progress(stream: TextIO, *, quiet: bool = False) -> Iterator[Quiet]:
    """The way of showing that suits where ``stream`` goes."""
    if quiet:
        yield Quiet()
    elif not stream.isatty():
        yield Lines(stream)
    else:
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(file=stream), auto_refresh=False) as live:
            yield Table(live)
