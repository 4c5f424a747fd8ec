"""Kernel samepage merging: memory that guests have in common is kept once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mycloud.privileged import errors
from mycloud.privileged.arguments import Check
from mycloud.privileged.expose import expose

_KSM = Path("/sys/kernel/mm/ksm")
_TOLD = (
    "run", "pages_to_scan", "sleep_millisecs", "merge_across_nodes", "pages_shared",
    "pages_sharing", "pages_unshared", "pages_volatile", "full_scans",
)

Pages = Annotated[
    int, Check("a number of pages from 1 to 1000000", lambda value: 0 < value <= 1_000_000)
]
Milliseconds = Annotated[
    int, Check("milliseconds from 0 to 3600000", lambda value: 0 <= value <= 3_600_000)
]


@expose(touches="nothing", idempotent=True, deadline=5.0)
def ksm_read() -> dict[str, int | bool]:
    """Whether it runs, how it is set, and what it has merged (``pages_sharing`` are saved).

    Each value is a number; ``run`` is true or false.
    """
    _check()
    told: dict[str, int | bool] = {}
    for name in _TOLD:
        path = _KSM / name
        # merge_across_nodes is there with NUMA alone
        if path.exists():
            told[name] = int(path.read_text())
    told["run"] = told["run"] == 1
    return told


@expose(touches="/sys/kernel/mm/ksm", idempotent=True, deadline=30.0)
def ksm_set(
    *, run: bool | None = None, pages_to_scan: Pages | None = None,
    sleep_millisecs: Milliseconds | None = None,
) -> dict[str, int | bool]:
    """Change what is given; returns how it is then. What was merged stays so when it stops."""
    _check()
    for name, value in (
        ("pages_to_scan", pages_to_scan), ("sleep_millisecs", sleep_millisecs),
        ("run", None if run is None else int(run)),
    ):
        if value is not None:
            (_KSM / name).write_text(str(value))
    return ksm_read()


def _check() -> None:
    if not (_KSM / "run").exists():
        raise errors.Refused("this kernel can't merge pages (it was built without KSM)")
