"""The two LLDP daemons of Linux, by their own tools; the sockets of both are root's.

What their tools print is what strangers on the wire have sent: it is not read here, but handed to
the agent, which is no root.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from mycloud.privileged import errors
from mycloud.privileged.run import run

_PATIENCE = 10.0
_INACTIVE = 3


@dataclasses.dataclass(frozen=True)
class Lldpd:
    """lldpd, whose tool is lldpcli. It is on for every interface unless told otherwise."""

    cli: str = "/usr/sbin/lldpcli"

    def running(self) -> bool:
        """It answers."""
        return _works(self.cli, "show", "configuration")

    def show(self, devices: list[str]) -> dict[str, Any]:
        """What lldpcli prints of these interfaces, in its JSON.

        :raises ProgramFailed: it does not answer
        """
        ports = ["ports", ",".join(devices)]
        return {
            what: self._ask("show", what, *ports, "details") if devices else ""
            for what in ("interfaces", "neighbors")
        }

    def switch(self, device: str, *, on: bool) -> None:
        """Have it send and receive on an interface, or neither."""
        status = "rx-and-tx" if on else "disabled"
        self._ask("configure", "ports", device, "lldp", "status", status)

    def _ask(self, *words: str) -> str:
        return run([self.cli, "-f", "json0", *words], timeout=_PATIENCE).stdout


@dataclasses.dataclass(frozen=True)
class Lldpad:
    """lldpad, whose tool is lldptool. It is off for every interface until told otherwise."""

    tool: str = "/usr/sbin/lldptool"
    systemctl: str = "/usr/bin/systemctl"

    def running(self) -> bool:
        """Its service is not known to be stopped, and it answers."""
        try:
            state = run(
                [self.systemctl, "is-active", "--quiet", "lldpad.service"], timeout=_PATIENCE,
                good=range(256),
            ).status
        except errors.ProgramFailed:
            state = 0  # a host without systemd
        return state != _INACTIVE and _works(self.tool, "-ping")

    def show(self, devices: list[str]) -> dict[str, Any]:
        """What lldptool prints: of each interface ``status``, and ``tlvs`` if it is on.

        :raises ProgramFailed: it does not answer
        """
        found = {}
        for device in devices:
            status = self._ask("get-lldp", "-i", device, "adminStatus")
            on = status.strip().endswith(("=rxtx", "=rx"))
            found[device] = {
                "status": status, "tlvs": self._ask("get-tlv", "-n", "-i", device) if on else ""
            }
        return found

    def switch(self, device: str, *, on: bool) -> None:
        """Have it send and receive on an interface, or neither."""
        status = "rxtx" if on else "disabled"
        self._ask("set-lldp", "-i", device, f"adminStatus={status}")

    def _ask(self, *words: str) -> str:
        return run([self.tool, *words], timeout=_PATIENCE).stdout


Daemon = Lldpd | Lldpad

DAEMONS: dict[str, Daemon] = {"lldpd": Lldpd(), "lldpad": Lldpad()}


def found() -> tuple[str, Daemon]:
    """The daemon that runs on this host.

    :raises Refused: none
    """
    for name, daemon in DAEMONS.items():
        if daemon.running():
            return name, daemon
    raise errors.Refused("neither lldpd nor lldpad answers")


def _works(program: str, *words: str) -> bool:
    try:
        run([program, *words], timeout=_PATIENCE)
    except errors.ProgramFailed:
        return False
    return True
