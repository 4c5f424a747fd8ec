"""Reads what ``tc qdisc show``, ``tc class show`` and ``tc filter show`` print.

tc 6.1 has no JSON for classes, and what it has for filters differs from version to version.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

_MIRRED = re.compile(r"mirred \((Egress|Ingress) (Mirror|Redirect) to device (\S+?)\)")
_UNITS = {"bit": 1, "Kbit": 10**3, "Mbit": 10**6, "Gbit": 10**9, "Tbit": 10**12}
_RATE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?bit)")


@dataclasses.dataclass(frozen=True)
class Qdisc:
    """:ivar handle: ``7c0d:``; ``0:`` of one that nobody has chosen
    :ivar parent: None at the root
    """

    kind: str
    handle: str
    device: str | None
    parent: str | None
    options: str


@dataclasses.dataclass(frozen=True)
class Class:
    """:ivar classid: ``7c0d:5``
    :ivar parent: None under the qdisc itself
    :ivar rate: bits a second; ``ceil`` likewise; None of a kind that has none
    :ivar quantum: bytes in a turn; shown with details only
    """

    kind: str
    classid: str
    parent: str | None
    rate: int | None
    ceil: int | None
    quantum: int | None


@dataclasses.dataclass(frozen=True)
class Filter:
    """:ivar handle: None for the list that the filters of a preference make
    :ivar flowid: the class that it sends to
    :ivar mirrors: names of the interfaces that it copies to
    """

    kind: str
    protocol: str
    pref: int
    handle: str | None
    flowid: str | None
    mirrors: tuple[str, ...]


def qdiscs(text: str) -> list[Qdisc]:
    """Of ``tc qdisc show [dev NAME]``."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[0] != "qdisc":
            continue
        found.append(Qdisc(
            kind=words[1], handle=words[2], device=_after(words, "dev"),
            parent=_after(words, "parent"), options=" ".join(words[3:]),
        ))
    return found


def classes(text: str) -> list[Class]:
    """Of ``tc [-d] class show dev NAME``."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[0] != "class":
            continue
        found.append(Class(
            kind=words[1], classid=words[2], parent=_after(words, "parent"),
            rate=rate(_after(words, "rate")), ceil=rate(_after(words, "ceil")),
            quantum=_number(_after(words, "quantum")),
        ))
    return found


def filters(text: str) -> list[Filter]:
    """Of ``tc filter show dev NAME ...``."""
    found: list[Filter] = []
    for block in _blocks(text):
        words = block.split()
        pref = _after(words, "pref")
        protocol = _after(words, "protocol")
        if pref is None or protocol is None:
            continue
        # tc marks where a filter sends to by a star in some cases: *flowid
        flowid = next(
            (_after(words, name) for name in ("flowid", "*flowid", "classid") if name in words),
            None,
        )
        found.append(Filter(
            kind=words[words.index(pref) + 1],
            protocol=protocol,
            pref=int(pref),
            handle=_after(words, "fh") or _after(words, "handle"),
            flowid=flowid if flowid and ":" in flowid else None,
            mirrors=tuple(
                match[3] for match in _MIRRED.finditer(block)
                if (match[1], match[2]) == ("Egress", "Mirror")
            ),
        ))
    return found


def rate(word: str | None) -> int | None:
    """``100Mbit`` → bits a second."""
    match = _RATE.fullmatch(word or "")
    return round(float(match[1]) * _UNITS[match[2]]) if match else None


def shown(bits: int) -> int:
    """What is left of a rate when tc has shown it: three digits at least."""
    # the kernel counts whole bytes
    bits, unit = bits // 8 * 8, 1
    while bits >= 1000 and (bits % 1000 == 0 or bits >= 1_000_000):
        bits, unit = bits // 1000, unit * 1000
    return bits * unit


def _number(word: str | None) -> int | None:
    return int(word) if word and word.isdigit() else None


def _blocks(text: str) -> Iterator[str]:
    """A filter with the lines that tell more of it."""
    block: list[str] = []
    for line in text.splitlines():
        if line.startswith("filter ") and block:
            yield "\n".join(block)
            block = []
        if line.startswith("filter ") or block:
            block.append(line)
    if block:
        yield "\n".join(block)


def _after(words: list[str], name: str) -> str | None:
    """The word that follows that one."""
    for at, word in enumerate(words[:-1]):
        if word == name:
            return words[at + 1]
    return None
