"""The host's network by nmstate, where NetworkManager keeps it: the desired state, and the program
that makes it so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mycloud.privileged import errors
from mycloud.privileged.network import bonding
from mycloud.privileged.network.difference import Conflict, difference
from mycloud.privileged.network.model import BOND, BRIDGE, VLAN, Link, Scope, State
from mycloud.privileged.run import run

PROGRAM = "/usr/bin/nmstatectl"
_TYPES = {BRIDGE: "linux-bridge", VLAN: "vlan", BOND: "bond", "": "ethernet"}
_MAIN_TABLE = 254
_ABSENT = "absent"
#: how much longer than the helper NetworkManager waits: then the helper must be gone
_GRACE_SECONDS = 30
_RUN_SECONDS = 60.0


def desired(target: State, scope: Scope, now: State) -> dict[str, Any]:
    """What ``nmstatectl apply`` is told.

    :param now: links of ``scope`` that are there and not wanted go
    """
    gone: list[dict[str, Any]] = [
        {"name": name, "type": _TYPES[link.kind], "state": _ABSENT}
        for name in sorted(scope.links)
        if name not in target.links and (link := now.links.get(name)) is not None and link.kind
    ]
    told = [_interface(target, scope, target.links[name])
            for name in sorted(scope.links) if name in target.links]
    found: dict[str, Any] = {"interfaces": told + gone}
    routes: list[dict[str, Any]] = [{"state": _ABSENT, "next-hop-interface": name}
              for name in sorted(scope.addressed) if name in now.links]
    routes += [
        {
            "destination": each.destination, "next-hop-interface": each.link,
            "next-hop-address": each.gateway, "metric": each.metric, "table-id": _MAIN_TABLE,
        }
        for each in sorted(target.routes)
    ]
    if routes:
        found["routes"] = {"config": routes}
    if target.name_servers is not None:
        found["dns-resolver"] = {"config": {"server": list(target.name_servers)}}
    return found


def _interface(target: State, scope: Scope, link: Link) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": link.name, "type": _TYPES[link.kind], "state": "up" if link.up else "down",
        "mtu": link.mtu,
    }
    ports = sorted(name for name, each in target.links.items() if each.master == link.name)
    if link.kind == BRIDGE:
        found["bridge"] = {
            "options": {"stp": {"enabled": bool(link.options.get("stp"))}},
            "port": [{"name": name} for name in ports],
        }
    elif link.kind == VLAN:
        found["vlan"] = {"base-iface": link.base, "id": link.vlan}
    elif link.kind == BOND:
        found["link-aggregation"] = {
            "mode": link.options[bonding.MODE], "port": ports,
            "options": {key: link.options[key] for key in sorted(link.options)
                        if key != bonding.MODE},
        }
    if link.name in scope.addressed:
        for family, key in (("v4", "ipv4"), ("v6", "ipv6")):
            found[key] = _addressing(target, link.name, family)
    return found


def _addressing(target: State, name: str, family: str) -> dict[str, Any]:
    for client in target.dhcp:
        if (client.link, client.family) == (name, family):
            leads = client.default_route
            return {
                "enabled": True, "dhcp": True, "auto-dns": leads, "auto-gateway": leads,
                "auto-routes": leads, **({"autoconf": False} if family == "v6" else {}),
            }
    own = sorted(each for each in target.addresses
                 if (each.link, each.family) == (name, family))
    if not own:
        return {"enabled": False}
    return {
        "enabled": True, "dhcp": False,
        **({"autoconf": False} if family == "v6" else {}),
        "address": [
            {"ip": str(each.interface.ip), "prefix-length": each.interface.network.prefixlen}
            for each in own
        ],
    }


class Nmstate:
    """The network of this host, changed by ``nmstatectl``.

    NetworkManager has a checkpoint of its own meanwhile: should this process be gone for good, it
    goes back alone, a little after the deadline.

    :param read: how the host is now
    :param mark: notes that links are mycloud's, which NetworkManager does not
    :param settle: sets the networks' shares, which nmstate does not know, and says what it can't
    """

    def __init__(
        self, read: Callable[[], State], mark: Callable[[list[str]], None],
        program: str = PROGRAM, *, settle: Callable[[State, Scope], list[str]] | None = None,
    ) -> None:
        self._read = read
        self._mark = mark
        self._program = program
        self._settle = settle or (lambda target, scope: [])

    def read(self) -> State:
        return self._read()

    def apply(self, target: State, scope: Scope, seconds: float) -> None:
        """Change the host; it goes back by itself unless ``commit`` is called.

        :raises ProgramFailed: nmstate is not installed, or could not do it
        :raises SystemFailed: a network does not get its share
        :raises Refused: it can't do this
        """
        if target.source_routes:
            raise errors.Refused(
                "With nmstate only the network of the default route can have a gateway: leave it "
                "out of the others"
            )
        self._run("apply", "--no-commit", "--timeout", str(int(seconds) + _GRACE_SECONDS), "-",
                  stdin=json.dumps(desired(target, scope, self.read())))
        self._mark(_made(target, scope))
        problems = self._settle(target, scope)
        if problems:
            raise errors.SystemFailed("; ".join(problems))

    def commit(self) -> None:
        self._run("commit")

    def resume(self, target: State, scope: Scope) -> None:
        """NetworkManager runs by itself."""

    def go_back(self, before: State, scope: Scope) -> list[str]:
        failed = ""
        try:
            self._run("rollback")
        except errors.ProgramFailed as error:
            # NetworkManager may have gone back already
            failed = error.message
        self._settle(before, scope)
        try:
            left = difference(self.read(), before, scope, force=True)
        except Conflict as error:
            return [failed or "nmstate has gone back elsewhere", str(error)]
        return [f"{failed or 'nmstate has not done it'}: {each}" for each in left]

    def restore(self, target: State, scope: Scope) -> list[str]:
        try:
            self._run("apply", "-", stdin=json.dumps(desired(target, scope, self.read())))
        except errors.ProgramFailed as error:
            return [error.message]
        self._mark(_made(target, scope))
        return self._settle(target, scope)

    def _run(self, *words: str, stdin: str = "") -> None:
        run([self._program, *words], stdin=stdin, timeout=_RUN_SECONDS)


def _made(target: State, scope: Scope) -> list[str]:
    return sorted(
        name for name in scope.links if name in target.links and target.links[name].kind
    )
