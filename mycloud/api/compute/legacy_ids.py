"""The whole numbers by which early microversions name what has a UUID here."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Row = TypeVar("Row", bound=Mapping[str, Any])

#: Numbers that every JSON reader keeps exactly.
_BITS = 52


def number_of(row_id: str) -> int:
    """The same number for the same id, always."""
    return int(row_id.replace("-", ""), 16) >> (128 - _BITS)


def find(rows: Iterable[Row], number: str) -> Row | None:
    """The row whose ``id`` has that number."""
    return next((row for row in rows if str(number_of(row["id"])) == number), None)
