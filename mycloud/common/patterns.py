"""Regular expressions that people send: a part that every database reads the same way.

Literals, ``.``, ``[...]``, ``\\d \\w \\s``, groups, ``|``, ``^``, ``$`` and the quantifiers
``* + ? {m,n}``. A pattern of a stranger runs inside the database of an embedded cloud, in its
process, so matching here takes time in proportion to the text (a set of states is walked, as in
Thompson's construction) and no pattern can make it stall.
"""

import functools
from collections.abc import Callable
from typing import Any

from mycloud.common import exceptions

#: The longest pattern, and the most states that one may have.
MAX_LENGTH = 255
_MAX_STATES = 400
_MAX_DEPTH = 20
_MAX_CACHED_MOVES = 4096

Test = Callable[[str], bool]
Node = tuple[Any, ...]

_CLASSES: dict[str, Test] = {
    "d": str.isdigit,
    "w": lambda char: char.isalnum() or char == "_",
    "s": str.isspace,
    "D": lambda char: not char.isdigit(),
    "W": lambda char: not (char.isalnum() or char == "_"),
    "S": lambda char: not char.isspace(),
}
_SPECIAL = frozenset("*+?{}[]()|")


class PatternError(Exception):
    """The text is no pattern of this kind; the message says why."""


class _Parser:
    """From text to a tree of (kind, ...) nodes."""

    def __init__(self, text: str):
        self._text = text
        self._at = 0

    def parse(self) -> Node:
        tree = self._alternatives(0)
        if self._at < len(self._text):
            raise PatternError("there is a ')' too many")
        return tree

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _alternatives(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise PatternError("its groups are nested too deep")
        found = [self._sequence(depth)]
        while self._peek() == "|":
            self._next()
            found.append(self._sequence(depth))
        return found[0] if len(found) == 1 else ("any", found)

    def _sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            items.append(self._quantified(self._atom(depth)))
        return ("all", items)

    def _atom(self, depth: int) -> Node:
        char = self._next()
        if char == "(":
            return self._group(depth)
        if char == "[":
            return ("char", self._set())
        if char == "\\":
            return ("char", self._escape())
        if char == ".":
            return ("char", lambda found: True)
        if char in "^$":
            return ("start",) if char == "^" else ("end",)
        if char in _SPECIAL:
            raise PatternError(f"'{char}' must follow something, or be written as '\\{char}'")
        return ("char", char.__eq__)

    def _group(self, depth: int) -> Node:
        if self._peek() == "?":
            self._next()
            if self._next() != ":":
                raise PatternError("of the groups with '(?', only '(?:' is known")
        inner = self._alternatives(depth + 1)
        if self._next() != ")":
            raise PatternError("a ')' is missing")
        return ("group", inner)

    def _escape(self) -> Test:
        char = self._next()
        if not char:
            raise PatternError("it ends with '\\'")
        if char in _CLASSES:
            return _CLASSES[char]
        if char.isalnum():
            raise PatternError(f"'\\{char}' is not known")
        return char.__eq__

    def _set(self) -> Test:
        negated = self._peek() == "^"
        if negated:
            self._next()
        tests: list[Test] = []
        while True:
            char = self._next()
            if not char:
                raise PatternError("a ']' is missing")
            if char == "]":
                break
            if char == "[":
                raise PatternError("'[' inside of '[...]' must be written as '\\['")
            tests.append(self._member(char))
        if not tests:
            raise PatternError("'[]' is empty")
        if negated:
            return lambda found: not any(test(found) for test in tests)
        return lambda found: any(test(found) for test in tests)

    def _member(self, char: str) -> Test:
        ranged = self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", "")
        if char == "\\":
            test = self._escape()
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                raise PatternError("a range can't begin with '\\'")
            return test
        if ranged:
            self._next()
            last = self._next()
            if last in "[\\" or last < char:
                raise PatternError(f"'{char}-{last}' is no range")
            return lambda found: char <= found <= last
        return char.__eq__

    def _quantified(self, atom: Node) -> Node:
        char = self._peek()
        if char not in ("*", "+", "?", "{"):
            return atom
        if atom[0] in ("start", "end"):
            raise PatternError("'^' and '$' can't be repeated")
        self._next()
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(char) or self._bounds()
        if self._peek() in ("*", "+", "{") or (self._peek() == "?" and char == "?"):
            raise PatternError("a repetition can't be repeated")
        if self._peek() == "?":
            # the shortest match is there whenever the longest is
            self._next()
        return ("repeat", atom, least, most)

    def _bounds(self) -> tuple[int, int | None]:
        inside, brace, _ = self._text[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        numbers = [least, most] if most else [least]
        if not brace or not all(text.isascii() and text.isdigit() for text in numbers):
            raise PatternError("'{' must begin '{m}', '{m,}' or '{m,n}'")
        self._at += len(inside) + 1
        low = int(least)
        high = int(most) if most else (None if comma else low)
        if max(low, high or 0) > MAX_LENGTH or (high is not None and high < low):
            raise PatternError(f"'{{{inside}}}' is no range of numbers up to {MAX_LENGTH}")
        return low, high


class Pattern:
    """A compiled pattern."""

    def __init__(self, text: str):
        #: state -> (test of the next character, state after it), or None
        self._steps: list[tuple[Test, int] | None] = []
        #: state -> states reached without a character, and under which condition
        self._free: list[list[tuple[str, int]]] = []
        self._moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        begin = self._state()
        self._accept = self._build(_Parser(text).parse(), begin)
        self._first = self._closure({begin}, "start")
        self._begin = self._closure({begin}, "")

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in the text."""
        states = self._first
        for char in text:
            if self._accept in states:
                return True
            key = (states, char)
            following = self._moves.get(key)
            if following is None:
                if len(self._moves) >= _MAX_CACHED_MOVES:
                    self._moves.clear()
                following = self._moves[key] = self._move(states, char)
            states = following
        ends = {"start", "end"} if not text else {"end"}
        return self._accept in self._closure(set(states), *ends)

    def _move(self, states: frozenset[int], char: str) -> frozenset[int]:
        reached = {
            step[1]
            for step in (self._steps[state] for state in states)
            if step is not None and step[0](char)
        }
        return self._closure(reached, "") | self._begin

    def _closure(self, states: set[int], *conditions: str) -> frozenset[int]:
        found = set(states)
        waiting = list(states)
        while waiting:
            for condition, target in self._free[waiting.pop()]:
                if target not in found and (not condition or condition in conditions):
                    found.add(target)
                    waiting.append(target)
        return frozenset(found)

    def _state(self) -> int:
        if len(self._steps) >= _MAX_STATES:
            raise PatternError("it is too large")
        self._steps.append(None)
        self._free.append([])
        return len(self._steps) - 1

    def _build(self, node: Node, begin: int) -> int:
        """Add a node's states after ``begin``; returns the state after it."""
        kind = node[0]
        if kind == "all":
            for item in node[1]:
                begin = self._build(item, begin)
            return begin
        if kind == "group":
            return self._build(node[1], begin)
        if kind == "repeat":
            return self._repeat(node, begin)
        end = self._state()
        if kind == "char":
            self._steps[begin] = (node[1], end)
        elif kind == "any":
            for choice in node[1]:
                first = self._state()
                self._free[begin].append(("", first))
                self._free[self._build(choice, first)].append(("", end))
        else:
            self._free[begin].append((kind, end))
        return end

    def _repeat(self, node: Node, begin: int) -> int:
        _, atom, least, most = node
        for _ in range(least):
            begin = self._build(atom, self._after(begin))
        end = self._state()
        if most is None:
            loop = self._after(begin)
            self._free[self._build(atom, self._after(loop))].append(("", loop))
            self._free[loop].append(("", end))
            return end
        for _ in range(most - least):
            self._free[begin].append(("", end))
            begin = self._build(atom, self._after(begin))
        self._free[begin].append(("", end))
        return end

    def _after(self, state: int) -> int:
        """A new state behind that one, so that no state has two ways to go on."""
        fresh = self._state()
        self._free[state].append(("", fresh))
        return fresh


@functools.lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """:raises PatternError:"""
    return Pattern(text)


def check(text: str, field: str) -> None:
    """:raises BadField: names the field and what is wrong with the pattern"""
    if len(text) > MAX_LENGTH:
        raise exceptions.BadField(field=field, reason=f"it is longer than {MAX_LENGTH}")
    try:
        compiled(text)
    except PatternError as error:
        raise exceptions.BadField(
            field=field, reason=f"it is no regular expression that works here: {error}"
        ) from error


def sqlite_regexp(pattern: str, value: str | None) -> bool | None:
    """What SQLite calls for ``value REGEXP pattern``."""
    return None if value is None else compiled(pattern).search(value)
