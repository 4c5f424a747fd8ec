"""Checks the arguments of a call against the verb's own signature.

The annotations are the schema: what they don't say is refused when the helper starts, and what a
call brings that they don't fit is refused before the verb runs.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any

from mycloud.privileged import arguments, errors

_PLAIN = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


@dataclasses.dataclass(frozen=True)
class Kind:
    """What one argument, or a part of it, may be.

    :ivar what: in words
    :ivar fault: of a value: the words of what is wanted where it doesn't fit, or None
    """

    what: str
    fault: Callable[[Any], str | None]


@dataclasses.dataclass(frozen=True)
class Parameter:
    name: str
    kind: Kind
    required: bool
    keyword_only: bool

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name, "wants": self.kind.what, "required": self.required,
            "keyword_only": self.keyword_only,
        }


class Signature:
    """The parameters of one verb."""

    def __init__(self, function: Callable[..., Any]):
        """:raises TypeError: an annotation is missing, or is of no kind that a call can bring"""
        self.parameters: dict[str, Parameter] = {}
        hints = typing.get_type_hints(function, include_extras=True)
        for name, found in inspect.signature(function).parameters.items():
            if found.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, _KEYWORD_ONLY):
                raise TypeError(f"{function.__name__}: {name!r} takes what has no name")
            if name not in hints:
                raise TypeError(f"{function.__name__}: {name!r} has no annotation")
            self.parameters[name] = Parameter(
                name, kind_of(hints[name]), found.default is found.empty,
                found.kind == _KEYWORD_ONLY,
            )
        self._positional = [
            each.name for each in self.parameters.values() if not each.keyword_only
        ]

    def bind(self, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Every argument that was given, by its name.

        :raises InvalidArguments: names the argument and says what is wanted
        """
        if len(args) > len(self._positional):
            raise errors.InvalidArguments(
                f"It takes {len(self._positional)} arguments by position, not {len(args)}",
                wants=[each.describe() for each in self.parameters.values()],
            )
        given = dict(zip(self._positional, args, strict=False))
        for name in kwargs:
            if name not in self.parameters:
                raise errors.InvalidArguments(f"It has no argument {name[:64]!r}", argument=name)
            if name in given:
                raise errors.InvalidArguments(f"{name!r} is given twice", argument=name)
        given.update(kwargs)
        for name, parameter in self.parameters.items():
            if name not in given:
                if parameter.required:
                    raise errors.InvalidArguments(
                        f"{name!r} is missing: {parameter.kind.what}", argument=name
                    )
                continue
            wanted = parameter.kind.fault(given[name])
            if wanted is not None:
                raise errors.InvalidArguments(
                    f"{name!r} must be {wanted}, not {_show(given[name])}", argument=name
                )
        return given

    def describe(self) -> list[dict[str, Any]]:
        return [each.describe() for each in self.parameters.values()]


def kind_of(hint: Any) -> Kind:
    """:raises TypeError: no call can bring that"""
    if hint is Any:
        return Kind("anything", lambda value: None)
    if hint is None or hint is type(None):
        return Kind("null", lambda value: None if value is None else "null")
    if hint in _PLAIN:
        return _plain(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _checked(kind_of(inner[0]), inner[1:])
    if origin in (typing.Union, types.UnionType):
        return _union([kind_of(each) for each in inner])
    if origin is typing.Literal:
        return _literal(inner)
    if origin is list or hint is list:
        return _list(kind_of(inner[0] if inner else Any))
    if origin is dict or hint is dict:
        key, value = inner or (str, Any)
        return _dict(kind_of(key), kind_of(value))
    raise TypeError(f"no call can bring {hint!r}")


def _plain(hint: type) -> Kind:
    what = _PLAIN[hint]

    def fault(value: Any) -> str | None:
        if hint is str:
            if isinstance(value, str) and "\0" in value:
                return "a text without null bytes"
            return None if isinstance(value, str) else what
        if isinstance(value, bool) or hint is bool:
            return None if isinstance(value, hint) and hint is bool else what
        if hint is float:
            return None if isinstance(value, (int, float)) else what
        return None if isinstance(value, int) and abs(value) < 1 << 64 else what

    return Kind(what, fault)


def _checked(base: Kind, marks: tuple[Any, ...]) -> Kind:
    checks = [each for each in marks if isinstance(each, arguments.Check)]
    if not checks:
        return base

    def fault(value: Any) -> str | None:
        if base.fault(value) is not None:
            return checks[0].what
        return next((each.what for each in checks if not each.holds(value)), None)

    return Kind(" and ".join(each.what for each in checks), fault)


def _union(kinds: list[Kind]) -> Kind:
    what = " or ".join(each.what for each in kinds)

    def fault(value: Any) -> str | None:
        return None if any(each.fault(value) is None for each in kinds) else what

    return Kind(what, fault)


def _literal(values: tuple[Any, ...]) -> Kind:
    what = "one of " + ", ".join(map(str, values))

    def fault(value: Any) -> str | None:
        fits = any(type(value) is type(each) and value == each for each in values)
        return None if fits else what

    return Kind(what, fault)


def _list(item: Kind) -> Kind:
    what = f"a list, each {item.what}"

    def fault(value: Any) -> str | None:
        fits = isinstance(value, list) and all(item.fault(each) is None for each in value)
        return None if fits else what

    return Kind(what, fault)


def _dict(key: Kind, item: Kind) -> Kind:
    what = f"an object, each value {item.what}"

    def fault(value: Any) -> str | None:
        fits = isinstance(value, dict) and all(
            key.fault(name) is None and item.fault(each) is None for name, each in value.items()
        )
        return None if fits else what

    return Kind(what, fault)


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
