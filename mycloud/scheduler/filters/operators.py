"""The comparisons that an extra spec's value may ask for, as in OpenStack's flavors.

``>= 4``, ``s== text``, ``<in> text``, ``<all-in> a b``, ``<or> a <or> b`` ...; a value without
an operator must be equal.
"""

import operator
from collections.abc import Callable
from typing import Any

_NUMERIC: dict[str, Callable[[Any, Any], bool]] = {
    # a single sign asks for at least as much
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXTUAL: dict[str, Callable[[Any, Any], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s>=": operator.ge,
    "s>": operator.gt,
    "s<=": operator.le,
    "s<": operator.lt,
}


def matches(have: Any, wanted: str) -> bool:
    """Whether what a host has satisfies the value of an extra spec; False if it makes no sense."""
    first, _, rest = wanted.strip().partition(" ")
    rest = rest.strip()
    if first in _NUMERIC:
        return _compare_numbers(_NUMERIC[first], have, rest)
    if first in _TEXTUAL:
        return _TEXTUAL[first](_text(have), rest)
    if first == "<in>":
        return _contains(have, rest)
    if first == "<all-in>":
        return all(_contains(have, word) for word in rest.split())
    if first == "<or>":
        return any(_equal(have, choice.strip()) for choice in rest.split("<or>"))
    return _equal(have, wanted.strip())


def _compare_numbers(compare: Callable[[Any, Any], bool], have: Any, wanted: str) -> bool:
    try:
        return compare(float(have), float(wanted))
    except (TypeError, ValueError):
        return False


def _contains(have: Any, wanted: str) -> bool:
    return wanted in (have if isinstance(have, (list, dict)) else _text(have))


def _equal(have: Any, wanted: str) -> bool:
    if isinstance(have, (list, dict)):
        return wanted in have
    return _text(have) == wanted


def _text(value: Any) -> str:
    return str(value)
