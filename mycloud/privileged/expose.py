"""Marks the functions that the root helper offers as verbs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

DEADLINE_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Exposed:
    """What is declared of a verb.

    :ivar touches: what it reads or changes, in a few words for people
    :ivar idempotent: a call that was in flight when the helper died may be made again
    :ivar deadline: seconds that a call may take, unless its caller allows fewer
    :ivar secrets: names of arguments that no log may show
    """

    touches: str
    idempotent: bool
    deadline: float
    secrets: frozenset[str]


def expose(
    *, touches: str, idempotent: bool = False, deadline: float = DEADLINE_SECONDS,
    secrets: Iterable[str] = (),
) -> Callable[[F], F]:
    """Offer a function under its own name.

    Its parameters are annotated with what a call may bring: ``str``, ``int``, ``float``, ``bool``,
    lists and dictionaries of these, ``| None``, and the checked kinds of ``arguments``.  What it
    returns is what JSON can say, or ``descriptors.Opened``.
    """

    def mark(function: F) -> F:
        function.exposed = Exposed(  # type: ignore[attr-defined]
            touches, idempotent, deadline, frozenset(secrets)
        )
        return function

    return mark
