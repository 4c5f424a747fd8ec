"""Copies of all that passes an interface, sent out by another one."""

from __future__ import annotations

import errno
from typing import Literal

from mycloud.privileged import errors
from mycloud.privileged.tc import listing
from mycloud.privileged.tc.program import tc

Direction = Literal["ingress", "egress"]

DIRECTIONS: tuple[Direction, ...] = ("ingress", "egress")
#: The first preference of filters for each direction: u32 shows filters of one preference in both.
#: The second of each pair tells that the qdisc was there before us, so that it has to stay.
_PREFS: dict[Direction, tuple[int, int]] = {
    "ingress": (19_000, 19_100), "egress": (19_200, 19_300)
}
_MOST = 100


def set_mirror(source: str, target: str) -> bool:
    """Copy what ``source`` receives and sends to ``target``; False if it was so already.

    :raises Refused: the two are one, or somebody else's ingress qdisc is in the way
    :raises TcFailed: the kernel refuses; nothing is left of it
    """
    if source == target:
        raise errors.Refused(f"{source} can't be its own mirror; name another interface")
    made = _prepare(source)
    done = False
    try:
        added = [_add(source, target, direction, made=made) for direction in DIRECTIONS]
        done = True
    finally:
        if not done:
            unset_mirror(source, target)
            _tidy(source, made=made)
    return any(added)


def unset_mirror(source: str, target: str) -> bool:
    """Copy no more to ``target``; False if it was not copied to, or there is no ``source``."""
    found = False
    ours = False
    for direction in DIRECTIONS:
        for each in _filters(source, direction):
            if target in each.mirrors and _is_ours(each, direction):
                tc("filter", "del", "dev", source, direction, "pref", str(each.pref))
                found = True
                ours = ours or each.pref < _PREFS[direction][1]
    if found:
        _tidy(source, made=ours)
    return found


def _prepare(source: str) -> bool:
    """See that the source can have filters; True if that has made its qdisc."""
    present = [
        each for each in listing.qdiscs(tc("qdisc", "show", "dev", source))
        if each.handle == "ffff:"
    ]
    if not present:
        tc("qdisc", "add", "dev", source, "clsact")
        return True
    if present[0].kind != "clsact":
        raise errors.Refused(
            f"{source} has an {present[0].kind} queueing discipline already, which knows nothing "
            f"of what is sent; remove it (tc qdisc del dev {source} ingress) to mirror it"
        )
    # ours if the filters that are there say so
    return any(
        _is_ours(each, direction) and each.pref < _PREFS[direction][1]
        for direction in DIRECTIONS for each in _filters(source, direction)
    )


def _add(source: str, target: str, direction: Direction, *, made: bool) -> bool:
    present = _filters(source, direction)
    if any(target in each.mirrors and _is_ours(each, direction) for each in present):
        return False
    first = _PREFS[direction][0 if made else 1]
    used = {each.pref for each in present}
    pref = next(number for number in range(first, first + _MOST) if number not in used)
    tc(
        "filter", "add", "dev", source, direction, "pref", str(pref), "protocol", "all",
        "u32", "match", "u32", "0", "0",
        "action", "mirred", "egress", "mirror", "dev", target, "continue",
    )
    return True


def _tidy(source: str, *, made: bool) -> None:
    """Remove the qdisc if it is ours and has nothing more to do."""
    if made and not any(_filters(source, direction) for direction in DIRECTIONS):
        try:
            tc("qdisc", "del", "dev", source, "clsact")
        except errors.TcFailed as error:
            if error.details["errno"] not in (errno.ENOENT, errno.ENODEV, errno.EINVAL):
                raise


def _filters(source: str, direction: Direction) -> list[listing.Filter]:
    try:
        return listing.filters(tc("filter", "show", "dev", source, direction))
    except errors.TcFailed as error:
        # no clsact, or the interface is gone with all that was on it
        if error.details["errno"] in (errno.ENOENT, errno.ENODEV, errno.EINVAL):
            return []
        raise


def _is_ours(each: listing.Filter, direction: Direction) -> bool:
    first = _PREFS[direction][0]
    return first <= each.pref < first + 2 * _MOST
