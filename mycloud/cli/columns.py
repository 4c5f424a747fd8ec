"""Values that look one way to a person and another to a program."""

from collections.abc import Mapping, Sequence
from typing import Any

from cliff.columns import FormattableColumn


class Pairs(FormattableColumn[Mapping[str, Any]]):
    """A mapping: ``a='1', b='2'`` in tables."""

    def human_readable(self) -> str:
        return ", ".join(f"{key}='{value}'" for key, value in sorted(self._value.items()))

    def machine_readable(self) -> dict[str, Any]:
        return dict(self._value)


class Names(FormattableColumn[Sequence[str]]):
    """A list: ``a, b`` in tables."""

    def human_readable(self) -> str:
        return ", ".join(self._value)

    def machine_readable(self) -> list[str]:
        return list(self._value)


class Bytes(FormattableColumn[int | None]):
    """A number of bytes: ``12.5 MiB`` in tables."""

    def human_readable(self) -> str:
        return "" if self._value is None else size_text(self._value)


class Seconds(FormattableColumn[float | None]):
    """A duration: ``1.250 s`` in tables."""

    def human_readable(self) -> str:
        return duration_text(self._value)


class Optional(FormattableColumn[Any]):
    """A value that may be missing: nothing in tables instead of None."""

    def human_readable(self) -> str:
        return "" if self._value is None else str(self._value)


def size_text(count: int) -> str:
    """A number of bytes with a unit that suits it."""
    if count < 1024:
        return f"{count} B"
    amount = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        amount /= 1024
        if amount < 1024:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1024:.1f} TiB"


def duration_text(seconds: float | None) -> str:
    """A duration with a precision that suits it; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.3f} s"
    if seconds < 600:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"
