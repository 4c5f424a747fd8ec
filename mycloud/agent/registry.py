"""The closed list of what the host agent answers, by whichever way it is asked.

A verb is a function of the host and of keyword arguments, whose annotations are its schema. It is
found because it lies in ``mycloud/agent/verbs/`` and is marked.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, TypeVar

from mycloud.agent import arguments
from mycloud.common import exceptions

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclasses.dataclass(frozen=True)
class Verb:
    """:ivar name: ``noun.verb``, as callers write it
    :ivar changes: it changes the host: only the control plane may ask for it
    :ivar private: its answer is for the control plane alone
    """

    name: str
    function: Callable[..., Any]
    changes: bool
    private: bool = False

    @property
    def guarded(self) -> str | None:
        """Why not everybody may ask for it; None: everybody may."""
        if self.changes:
            return "changes the host"
        return "tells what is not for everybody" if self.private else None


def verb(name: str, *, changes: bool = False, private: bool = False) -> Callable[[F], F]:
    """Offer ``function(host: Host, *, ...)`` to callers of the agent."""

    def mark(function: F) -> F:
        function.verb = Verb(name, function, changes, private)  # type: ignore[attr-defined]
        return function

    return mark


class Registry:
    """Verbs by name, with what their arguments may be.

    :raises VerbBroken: two have one name, or one has a name or parameters that won't do
    """

    def __init__(self, verbs: Iterable[Verb]):
        self._verbs: dict[str, Verb] = {}
        self._arguments: dict[str, arguments.Arguments] = {}
        for each in verbs:
            self._add(each)

    @classmethod
    def load(cls, package: ModuleType) -> Registry:
        """All that is marked in the modules of a package.

        :raises VerbBroken:
        """
        return cls(_marked(package))

    def _add(self, new: Verb) -> None:
        if not _NAME.fullmatch(new.name):
            raise exceptions.VerbBroken(verb=new.name, reason="its name is not noun.verb")
        other = self._verbs.get(new.name)
        if other is not None:
            places = " and ".join(_place(each) for each in (other, new))
            raise exceptions.VerbBroken(verb=new.name, reason=f"it is there twice, in {places}")
        try:
            self._arguments[new.name] = arguments.of(new.function)
        except TypeError as error:
            raise exceptions.VerbBroken(
                verb=new.name, reason=f"{_place(new)}: {error}"
            ) from error
        self._verbs[new.name] = new

    @property
    def names(self) -> list[str]:
        """Of all verbs."""
        return sorted(self._verbs)

    def get(self, name: str) -> Verb:
        """:raises VerbNotFound:"""
        if name not in self._verbs:
            raise exceptions.VerbNotFound(verb=name)
        return self._verbs[name]

    def check(self, name: str, given: Any) -> dict[str, Any]:
        """The arguments of a call as they may be passed on.

        :raises VerbNotFound: :raises BadField: naming the argument
        """
        self.get(name)
        return self._arguments[name].check(given)

    def describe(self) -> list[dict[str, Any]]:
        """What a caller must know of each verb."""
        return [
            {
                "name": name,
                "description": _first_sentence(self._verbs[name].function),
                "changes": self._verbs[name].changes,
                "private": self._verbs[name].private,
                "defined": _place(self._verbs[name]),
                "params": self._arguments[name].schema,
            }
            for name in self.names
        ]


def _marked(package: ModuleType) -> Iterator[Verb]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        for _, function in inspect.getmembers(module, inspect.isfunction):
            # one that is imported from elsewhere is found there
            if function.__module__ == module.__name__ and hasattr(function, "verb"):
                yield function.verb


def _place(found: Verb) -> str:
    return f"{found.function.__module__}.{found.function.__qualname__}"


def _first_sentence(function: Callable[..., Any]) -> str:
    text = inspect.getdoc(function) or ""
    return " ".join(text.split("\n\n", 1)[0].split())
