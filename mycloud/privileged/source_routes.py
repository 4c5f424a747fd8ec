"""Answers leave a host by the network that they were asked on.

Each network has a table of its own, in which the default route leads through its own gateway, and
rules that have what comes from its addresses looked up there.  The table's number follows from the
interface's name, so that all of it is found again, also when the interface is gone.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import zlib
from typing import Any

from mycloud.privileged import errors
from mycloud.privileged.run import run

IP = "/usr/sbin/ip"
#: marks what is ours (rtnetlink's rtm_protocol, free from 187 on)
PROTOCOL = "212"
PRIORITY = "32000"
_FIRST_TABLE, _TABLES = 0x6D000000, 1 << 24
_FAMILIES = (4, 6)


@dataclasses.dataclass(frozen=True)
class Rule:
    """``from`` that network, or ``to`` it by that interface."""

    source: str | None = None
    target: str | None = None
    incoming: str | None = None

    def words(self, table: int) -> list[str]:
        """As ``ip rule`` takes it."""
        named = {"from": self.source, "to": self.target, "iif": self.incoming}
        words = [word for name, value in named.items() if value for word in (name, value)]
        return [*words, "lookup", str(table), "priority", PRIORITY, "protocol", PROTOCOL]


def table_of(device: str) -> int:
    """The number of an interface's own table."""
    return _FIRST_TABLE + zlib.crc32(device.encode()) % _TABLES


def add(device: str, address: str, gateway: str) -> None:
    """Have answers from this address leave by its interface and gateway, and no others.

    :raises Refused: there is no such interface, or the gateway is of the other family
    """
    own = ipaddress.ip_interface(address)
    router = ipaddress.ip_address(gateway)
    if own.version != router.version:
        raise errors.Refused(f"{gateway} is no gateway of {address}: they are of two families")
    family, table, network = own.version, table_of(device), str(own.network)
    off_link = [] if router in own.network or router.is_link_local else ["onlink"]
    source = ["src", str(own.ip)]
    mark = ["table", str(table), "protocol", PROTOCOL]
    wanted = {
        network: [network, "dev", device, *source, *mark],
        "default": ["default", "via", gateway, "dev", device, *off_link, *source, *mark],
    }
    for route in wanted.values():
        _ip(family, "route", "replace", *route)
    for each in _routes(family, table):
        if str(each.get("dst")) not in {_plain(name) for name in wanted}:
            _ip(family, "route", "del", str(each["dst"]), "table", str(table))
    rules = {Rule(source=network), Rule(target=network, incoming=device)}
    present = _rules(family, table)
    for rule in sorted(rules - present, key=repr):
        _ip(family, "rule", "add", *rule.words(table))
    for rule in sorted(present - rules, key=repr):
        _ip(family, "rule", "del", *rule.words(table))


def remove(device: str, family: int | None = None) -> bool:
    """Forget what ``add`` has done for an interface, be it there or not; False: nothing."""
    table, found = table_of(device), False
    for each in _FAMILIES if family is None else (family,):
        for rule in sorted(_rules(each, table), key=repr):
            _ip(each, "rule", "del", *rule.words(table))
            found = True
        for route in _routes(each, table):
            _ip(each, "route", "del", str(route["dst"]), "table", str(table))
            found = True
    return found


def devices() -> list[tuple[str, int]]:
    """The interfaces that have rules of ours, with the family."""
    found = {
        (str(each["iif"]), family)
        for family in _FAMILIES for each in _json(family, "rule", "show")
        if each.get("iif") and _is_ours(each)
    }
    return sorted(found)


def _rules(family: int, table: int) -> set[Rule]:
    return {
        Rule(_prefix(each, "src"), _prefix(each, "dst"), each.get("iif"))
        for each in _json(family, "rule", "show")
        if _is_ours(each) and str(each.get("table")) == str(table)
    }


def _routes(family: int, table: int) -> list[dict[str, Any]]:
    # of a table that has never been used ip says that there is none
    return _json(family, "route", "show", "table", str(table), good=(0, 2))


def _is_ours(rule: dict[str, Any]) -> bool:
    return str(rule.get("protocol")) == PROTOCOL


def _prefix(rule: dict[str, Any], name: str) -> str | None:
    value = rule.get(name)
    if value in (None, "all"):
        return None
    length = rule.get(f"{name}len")
    return f"{value}/{length}" if length is not None else str(ipaddress.ip_network(str(value)))


def _plain(network: str) -> str:
    """As ``ip`` shows it: a network of one address without its length."""
    if network == "default":
        return network
    found = ipaddress.ip_network(network)
    return str(found.network_address) if found.num_addresses == 1 else network


def _json(family: int, *words: str, good: tuple[int, ...] = (0,)) -> list[dict[str, Any]]:
    done = run([IP, f"-{family}", "-N", "-j", *words], good=good)
    found = json.loads(done.stdout) if done.status == 0 and done.stdout.strip() else []
    return [each for each in found if isinstance(each, dict) and each]


def _ip(family: int, *words: str) -> None:
    run([IP, f"-{family}", "-N", *words])
