"""The shares of host networks in what their NIC or bond sends, as a document says them.

``qos: {out: {ls: 70, ul: 200Mbit, rt: 50Mbit}}``, in the words of hierarchical fair service
curves: ``ls`` (link sharing) is the network's share of what is left over, 1 to 100, beside the
shares of the others; ``ul`` (upper limit) and ``rt`` (real time) are the rates that it has at most
and at least.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from mycloud.agent.network import conversions
from mycloud.common import exceptions
from mycloud.privileged.tc import listing, qos

_DIRECTIONS, _CURVES = ("out",), ("ls", "ul", "rt")


@dataclasses.dataclass(frozen=True)
class Qos:
    """:ivar ul: bits a second; None: no limit; ``rt`` likewise: nothing is guaranteed"""

    ls: int = qos.SHARE_DEFAULT
    ul: int | None = None
    rt: int | None = None

    def document(self) -> dict[str, Any]:
        """As ``read`` takes it."""
        rates = {name: value for name in ("ul", "rt") if (value := getattr(self, name))}
        return {"out": {"ls": self.ls, **rates}}


def read(field: str, given: object) -> Qos | None:
    """:raises BadField: it is no such thing; None for a network that sends as all others"""
    if given is None:
        return None
    parts = _object(field, given, _DIRECTIONS)
    if "out" not in parts:
        raise _bad(field, "say how it sends: {out: {ls: 50}}")
    curves = _object(f"{field}.out", parts["out"], _CURVES)
    ls = conversions.whole_number(
        f"{field}.out.ls", curves.get("ls", qos.SHARE_DEFAULT), 1, qos.SHARE_MAX
    )
    ul, rt = (
        None if curves.get(name) is None else _rate(f"{field}.out.{name}", curves[name])
        for name in ("ul", "rt")
    )
    if ul is not None and (rt or 0) > ul:
        raise _bad(f"{field}.out.rt", f"{rt} bit/s is above the limit ul of {ul}; lower it")
    return Qos(ls, ul, rt)


def _rate(field: str, given: object) -> int:
    # what tc tells is what can be kept
    bits = listing.shown(conversions.rate(field, given))
    if not qos.RATE_LEAST < bits < qos.RATE_MOST:
        raise _bad(
            field, f"{given!r} is no rate above {qos.RATE_LEAST // 1000}kbit and below "
            f"{qos.RATE_MOST // 10**12}Tbit"
        )
    return bits


def _object(field: str, given: object, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise _bad(field, f"{given!r} is no object of named fields")
    for key in given:
        if key not in known:
            raise _bad(f"{field}.{key}", f"there is no such field; known: {', '.join(known)}")
    return given


def _bad(field: str, reason: str) -> exceptions.BadField:
    return exceptions.BadField(field=field, reason=reason)
