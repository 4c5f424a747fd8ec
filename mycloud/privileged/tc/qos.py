"""Shares of a host's networks in what one of its interfaces sends.

One tree of HTB classes lies on the interface that the networks share::

    7c0d:            everything that no filter knows goes to 7c0d:1ffe
      7c0d:ffff      what the interface can send
        7c0d:1ffe    all others
        7c0d:1fff    the network without a tag
        7c0d:N       the network of VLAN N

A class gets what it is guaranteed, at most what it is limited to, and of what is left over its
share, in proportion to the other classes that want more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from mycloud.privileged import errors
from mycloud.privileged.tc import listing
from mycloud.privileged.tc.program import tc

Command = list[str]

HANDLE = "7c0d:"
ROOT, OTHERS, UNTAGGED = f"{HANDLE}ffff", f"{HANDLE}1ffe", f"{HANDLE}1fff"
SHARE_DEFAULT, SHARE_MAX = 50, 100
#: bits a second that a class has if nothing is guaranteed
RATE_LEAST = 64_000
#: bits a second, more than any interface has, of a class without a limit
RATE_MOST = 10**12
#: what an interface can send that does not know its speed
RATE_UNKNOWN = 100 * 10**9
#: bytes that a class may send in its turn, for each point of its share
_QUANTUM = 1514
_QUANTUM_MAX = 200_000
#: Preferences of filters, in the order in which they are asked
PREF_VLANS, PREF_OTHER_VLANS, PREF_UNTAGGED = 100, 200, 201


@dataclasses.dataclass(frozen=True)
class Outbound:
    """:ivar share: of what is left over, 1 to 100, beside the others' shares
    :ivar limit: bits a second at most
    :ivar guaranteed: bits a second at least
    """

    share: int = SHARE_DEFAULT
    limit: int | None = None
    guaranteed: int | None = None

    def check(self) -> None:
        """:raises InvalidArguments: names what is wrong"""
        if not 1 <= self.share <= SHARE_MAX:
            raise errors.InvalidArguments(f"share: a number from 1 to {SHARE_MAX} is wanted")
        for name in ("limit", "guaranteed"):
            value = getattr(self, name)
            if value is not None and not RATE_LEAST < value < RATE_MOST:
                raise errors.InvalidArguments(
                    f"{name}: {value} bit/s is not between {RATE_LEAST} and {RATE_MOST}"
                )
            if value is not None and value != (near := listing.shown(value)):
                raise errors.InvalidArguments(
                    f"{name}: {value} bit/s is finer than tc tells; {near} would do"
                )
        if self.limit is not None and (self.guaranteed or 0) > self.limit:
            raise errors.InvalidArguments(
                f"guaranteed: {self.guaranteed} bit/s is above the limit of {self.limit}"
            )


@dataclasses.dataclass(frozen=True)
class Tree:
    """What lies on an interface.

    :ivar root: the handle of the qdisc that somebody has put at its root
    """

    root: str | None
    classes: frozenset[str]
    filters: tuple[listing.Filter, ...]

    @property
    def ours(self) -> bool:
        return self.root == HANDLE

    @property
    def networks(self) -> frozenset[str]:
        """Classes of networks that have a share."""
        return self.classes - {ROOT, OTHERS} if self.ours else frozenset()


def look(device: str) -> Tree:
    """What lies on it now.

    :raises TcFailed: ENODEV: there is no such interface
    """
    roots = [each for each in listing.qdiscs(tc("qdisc", "show", "dev", device))
             if each.parent is None and each.handle != "0:"]
    if not roots:
        return Tree(None, frozenset(), ())
    handle = roots[0].handle
    if handle != HANDLE:
        return Tree(handle, frozenset(), ())
    return Tree(
        handle,
        frozenset(each.classid for each in listing.classes(tc("class", "show", "dev", device))),
        tuple(listing.filters(tc("filter", "show", "dev", device, "parent", HANDLE))),
    )


def shares() -> dict[str, dict[int | None, Outbound]]:
    """What the networks have on every interface, by their tags."""
    return {
        each.device: _shares(each.device)
        for each in listing.qdiscs(tc("qdisc", "show"))
        if each.handle == HANDLE and each.parent is None and each.device is not None
    }


def _shares(device: str) -> dict[int | None, Outbound]:
    found: dict[int | None, Outbound] = {}
    for each in listing.classes(tc("-d", "class", "show", "dev", device)):
        if each.classid in (ROOT, OTHERS) or not each.classid.startswith(HANDLE):
            continue
        vlan = int(each.classid.removeprefix(HANDLE), 16)
        found[None if each.classid == UNTAGGED else vlan] = outbound(
            each.rate or RATE_LEAST, each.ceil or RATE_MOST, each.quantum or 0
        )
    return found


def outbound(rate: int, ceil: int, quantum: int) -> Outbound:
    """What a class with these values stands for."""
    return Outbound(
        max(1, round(quantum / _QUANTUM)),
        ceil if ceil != RATE_MOST else None,
        rate if rate != RATE_LEAST else None,
    )


def class_of(vlan: int | None) -> str:
    """The class of a network by its tag."""
    return UNTAGGED if vlan is None else f"{HANDLE}{vlan:x}"


def additions(
    device: str, vlan: int | None, wanted: Outbound, *, rate: int, tree: Tree
) -> tuple[list[Command], list[Command]]:
    """What gives a network its share, and what takes away what that has made anew.

    :param rate: bits a second that the interface can send
    """
    do: list[Command] = []
    undo: list[Command] = []
    if not tree.ours:
        do.append(
            ["qdisc", "add", "dev", device, "root", "handle", HANDLE, "htb", "default", "1ffe"]
        )
        undo = [_root_gone(device)]
    # also where the making of a tree was cut off
    if ROOT not in tree.classes:
        do.append(_class("add", device, HANDLE, ROOT, (rate, rate, _QUANTUM_MAX)))
    if OTHERS not in tree.classes:
        do.append(_class("add", device, ROOT, OTHERS, _turn(Outbound())))
    own = class_of(vlan)
    do.append(_class("replace", device, ROOT, own, _turn(wanted)))
    if own not in tree.classes and tree.ours:
        undo.append(["class", "del", "dev", device, "classid", own])
    known = {each.flowid for each in tree.filters}
    if own not in known:
        do += _filters(device, vlan)
        if tree.ours:
            undo = [*_filters_gone(device, vlan), *undo]
    return do, undo


def removals(device: str, vlan: int | None, *, tree: Tree) -> list[Command]:
    """What takes a network's share away; with the last one the whole tree goes."""
    own = class_of(vlan)
    if own not in tree.networks:
        return []
    if tree.networks == {own}:
        return [_root_gone(device)]
    gone = _filters_gone(device, vlan) if own in {each.flowid for each in tree.filters} else []
    return [*gone, ["class", "del", "dev", device, "classid", own]]


def link_rate(device: str, *, sys: Path = Path("/sys")) -> int:
    """Bits a second that an interface can send."""
    try:
        speed = int((sys / "class/net" / device / "speed").read_text())
    except (OSError, ValueError):
        return RATE_UNKNOWN
    return speed * 10**6 if 0 < speed < 1 << 31 else RATE_UNKNOWN


def set_share(device: str, vlan: int | None, wanted: Outbound) -> None:
    """Give a network its share, or change it; on failure the interface is as before.

    :raises Refused: something else is at the interface's root
    :raises TcFailed: the kernel refuses
    """
    wanted.check()
    tree = look(device)
    if tree.root is not None and not tree.ours:
        raise errors.Refused(
            f"{device} has a queueing discipline {tree.root} that mycloud has not made; remove it "
            f"(tc qdisc del dev {device} root), or leave qos out of the network"
        )
    if tree.ours and class_of(vlan) not in {each.flowid for each in tree.filters}:
        # half of them may be there
        _each(_filters_gone(device, vlan), forgiving=True)
    do, undo = additions(device, vlan, wanted, rate=link_rate(device), tree=tree)
    done = False
    try:
        _each(do)
        done = True
    finally:
        if not done:
            _each(undo, forgiving=True)


def remove_share(device: str, vlan: int | None) -> bool:
    """Take a network's share away; False if it had none."""
    commands = removals(device, vlan, tree=look(device))
    _each(commands)
    return bool(commands)


def _each(commands: Iterable[Command], *, forgiving: bool = False) -> None:
    for words in commands:
        try:
            tc(*words)
        except errors.TcFailed:
            if not forgiving:
                raise


def _turn(wanted: Outbound) -> tuple[int, int, int]:
    return wanted.guaranteed or RATE_LEAST, wanted.limit or RATE_MOST, wanted.share * _QUANTUM


def _class(
    verb: str, device: str, parent: str, classid: str, turn: tuple[int, int, int]
) -> Command:
    rate, ceil, quantum = turn
    return [
        "class", verb, "dev", device, "parent", parent, "classid", classid, "htb",
        "rate", f"{rate}bit", "ceil", f"{ceil}bit", "quantum", str(quantum),
    ]


def _filters(device: str, vlan: int | None) -> list[Command]:
    def add(pref: int, protocol: str, *match: str) -> Command:
        return [
            "filter", "add", "dev", device, "parent", HANDLE, "pref", str(pref),
            "protocol", protocol, *match,
        ]

    everything = ("u32", "match", "u32", "0", "0", "flowid")
    if vlan is not None:
        return [[
            "filter", "add", "dev", device, "parent", HANDLE, "pref", str(PREF_VLANS), "handle",
            f"0x{vlan:x}", "protocol", "802.1Q", "flower", "vlan_id", str(vlan), "classid",
            class_of(vlan),
        ]]
    return [
        add(PREF_OTHER_VLANS, "802.1Q", *everything, OTHERS),
        add(PREF_UNTAGGED, "all", *everything, UNTAGGED),
    ]


def _filters_gone(device: str, vlan: int | None) -> list[Command]:
    if vlan is not None:
        return [[
            "filter", "del", "dev", device, "parent", HANDLE, "pref", str(PREF_VLANS), "handle",
            f"0x{vlan:x}", "protocol", "802.1Q", "flower",
        ]]
    return [
        ["filter", "del", "dev", device, "parent", HANDLE, "pref", str(pref)]
        for pref in (PREF_UNTAGGED, PREF_OTHER_VLANS)
    ]


def _root_gone(device: str) -> Command:
    return ["qdisc", "del", "dev", device, "root"]
