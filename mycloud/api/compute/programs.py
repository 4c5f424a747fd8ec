"""What our programs are called in the compute API: as its clients know them."""

from collections.abc import Iterable, Mapping
from typing import Any

_OURS, _THEIRS = "mycloud-", "nova-"
#: Topics of services that another API tells of.
_OTHERS = frozenset({"volume"})


def of_compute(services: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the services that the compute API tells of."""
    return [row for row in services if row["topic"] not in _OTHERS]


def shown(binary: str) -> str:
    """mycloud-compute -> nova-compute"""
    return _THEIRS + binary.removeprefix(_OURS) if binary.startswith(_OURS) else binary


def meant(binary: str) -> str:
    """nova-compute -> mycloud-compute; the same for a name of ours"""
    return _OURS + binary.removeprefix(_THEIRS) if binary.startswith(_THEIRS) else binary
