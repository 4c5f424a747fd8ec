"""The arguments of a verb: its annotations as a JSON schema, and as a check of what a call brings.

Understood are ``str``, ``int``, ``float``, ``bool``, ``list[...]``, ``dict[str, ...]``,
``Literal``, ``... | None`` and other unions, ``Any``, and the checked kinds of
``mycloud.privileged.arguments``.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from mycloud.common import exceptions
from mycloud.privileged.arguments import Check

#: Checks a value at a place (``names[2]``): raises BadField.
_Checker = Callable[[Any, str], None]

_SIMPLE: dict[Any, tuple[str, str, tuple[type, ...]]] = {
    str: ("string", "a string", (str,)),
    int: ("integer", "a whole number", (int,)),
    float: ("number", "a number", (int, float)),
    bool: ("boolean", "true or false", (bool,)),
    type(None): ("null", "null", (type(None),)),
}


@dataclasses.dataclass(frozen=True)
class Kind:
    """What one annotation admits.

    :ivar schema: in JSON schema's words
    :ivar check: of a value and where it stands; raises BadField
    """

    schema: dict[str, Any]
    check: _Checker

    @property
    def words(self) -> str:
        """For people."""
        return str(self.schema.get("description") or self.schema.get("type") or "given")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """The named arguments of a function.

    :ivar required: those that a call must bring
    """

    kinds: dict[str, Kind]
    required: frozenset[str]
    defaults: dict[str, Any]

    @property
    def schema(self) -> dict[str, Any]:
        """One object, in JSON schema's words."""
        properties = {
            name: {**kind.schema, **self._default(name)} for name, kind in self.kinds.items()
        }
        return {
            "type": "object",
            "properties": properties,
            "required": sorted(self.required),
            "additionalProperties": False,
        }

    def _default(self, name: str) -> dict[str, Any]:
        return {"default": self.defaults[name]} if name in self.defaults else {}

    def check(self, given: Any) -> dict[str, Any]:
        """The arguments as they may be passed on.

        :raises BadField: naming the one that is missing, unknown or wrong
        """
        if not isinstance(given, dict):
            raise _bad("params", f"must be an object of named arguments, not {_shown(given)}")
        for name in given:
            if name not in self.kinds:
                known = ", ".join(sorted(self.kinds)) or "none"
                raise _bad(str(name), f"there is no such argument; known: {known}")
        for name in sorted(self.required - set(given)):
            raise _bad(name, f"is missing (wanted: {self.kinds[name].words})")
        for name, value in given.items():
            self.kinds[name].check(value, name)
        return dict(given)


def of(function: Callable[..., Any]) -> Arguments:
    """What the keyword-only parameters of a function admit.

    :raises TypeError: one has no annotation, one that is not understood, or is not keyword-only
    """
    parameters = list(inspect.signature(function).parameters.values())
    hints = typing.get_type_hints(function, include_extras=True)
    kinds: dict[str, Kind] = {}
    defaults: dict[str, Any] = {}
    for parameter in parameters[1:]:
        if parameter.kind is not parameter.KEYWORD_ONLY:
            raise TypeError(f"the parameter {parameter.name} must be keyword-only")
        if parameter.name not in hints:
            raise TypeError(f"the parameter {parameter.name} has no annotation")
        try:
            kinds[parameter.name] = kind_of(hints[parameter.name])
        except TypeError as error:
            raise TypeError(f"the parameter {parameter.name}: {error}") from None
        if parameter.default is not parameter.empty:
            defaults[parameter.name] = parameter.default
    return Arguments(kinds, frozenset(set(kinds) - set(defaults)), defaults)


def kind_of(annotation: Any) -> Kind:
    """:raises TypeError: the annotation is not understood"""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return Kind({}, lambda value, where: None)
    if annotation in _SIMPLE or annotation is None:
        return _simple(type(None) if annotation is None else annotation)
    if origin is typing.Annotated:
        return _checked(kind_of(inner[0]), inner[1:])
    if origin in (typing.Union, types.UnionType):
        return _any_of([kind_of(each) for each in inner])
    if origin is typing.Literal:
        return _literal(list(inner))
    if annotation is list or origin is list:
        return _list(kind_of(inner[0] if inner else Any))
    if annotation is dict or (origin is dict and inner[0] is str):
        return _dict(kind_of(inner[1] if inner else Any))
    raise TypeError(f"{annotation!r} is not understood as the kind of an argument")


def _simple(made: type) -> Kind:
    name, words, classes = _SIMPLE[made]

    def check(value: Any, where: str) -> None:
        # True is an int to Python, but nobody's number
        if not isinstance(value, classes) or (isinstance(value, bool) and made is not bool):
            raise _bad(where, f"must be {words}, not {_shown(value)}")

    return Kind({"type": name}, check)


def _checked(kind: Kind, found: tuple[Any, ...]) -> Kind:
    checks = [each for each in found if isinstance(each, Check)]

    def check(value: Any, where: str) -> None:
        kind.check(value, where)
        for each in checks:
            if not each.holds(value):
                raise _bad(where, f"must be {each.what}, not {_shown(value)}")

    words = "; ".join(each.what for each in checks)
    return Kind({**kind.schema, "description": words} if words else kind.schema, check)


def _any_of(kinds: list[Kind]) -> Kind:
    def check(value: Any, where: str) -> None:
        problems = []
        for kind in kinds:
            try:
                return kind.check(value, where)
            except exceptions.BadField as error:
                problems.append(error)
        # the last word has the alternative that the value was nearest to: not null
        raise next((each for each in problems if each.kwargs["field"] != where), problems[0])

    return Kind({"anyOf": [kind.schema for kind in kinds]}, check)


def _literal(values: list[Any]) -> Kind:
    def check(value: Any, where: str) -> None:
        if not any(value == each and type(value) is type(each) for each in values):
            wanted = ", ".join(map(repr, values))
            raise _bad(where, f"must be one of {wanted}, not {_shown(value)}")

    return Kind({"enum": values}, check)


def _list(item: Kind) -> Kind:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, list):
            raise _bad(where, f"must be a list, not {_shown(value)}")
        for at, each in enumerate(value):
            item.check(each, f"{where}[{at}]")

    return Kind({"type": "array", "items": item.schema}, check)


def _dict(item: Kind) -> Kind:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise _bad(where, f"must be an object, not {_shown(value)}")
        for name, each in value.items():
            item.check(each, f"{where}.{name}")

    return Kind({"type": "object", "additionalProperties": item.schema}, check)


def _bad(field: str, reason: str) -> exceptions.BadField:
    return exceptions.BadField(field=field, reason=reason)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
