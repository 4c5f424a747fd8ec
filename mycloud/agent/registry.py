"""The closed list of what the host agent answers, by whichever way it is asked.

A verb is a function of the host and of keyword arguments, whose annotations are its schema.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Verb:
    """:ivar name: ``noun.verb``, as callers write it
    :ivar changes: it changes the host: only the control plane may ask for it
    """

    name: str
    function: Callable[..., Any]
    changes: bool


def verb(name: str, *, changes: bool = False) -> Callable[[F], F]:
    """Offer ``function(host: Host, *, ...)`` to callers of the agent."""

    def mark(function: F) -> F:
        function.verb = Verb(name, function, changes)  # type: ignore[attr-defined]
        return function

    return mark
