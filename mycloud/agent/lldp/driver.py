"""What the agent wants of an LLDP daemon, and the two it knows."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

from mycloud.agent.lldp import lldpad, lldpd
from mycloud.agent.lldp.tlvs import Tlv, neighbour


@dataclasses.dataclass(frozen=True)
class Heard:
    """Of one interface.

    :ivar enabled: the daemon listens on it
    :ivar neighbours: the TLVs of each who was heard; on a cable there is one
    """

    enabled: bool
    neighbours: tuple[list[Tlv], ...]

    def document(self) -> dict[str, Any]:
        """As ``lldp.info`` tells it."""
        return {
            "enabled": self.enabled,
            "tlvs": self.neighbours[0] if self.neighbours else [],
            "neighbours": [neighbour(each) for each in self.neighbours],
        }


class Driver(Protocol):
    """Reads what the tool of one daemon prints."""

    def read(self, shown: dict[str, Any], devices: list[str]) -> dict[str, Heard]:
        """Of each of the interfaces; of one that the daemon doesn't know, that it is off.

        :param shown: by the root helper's verb ``lldp_neighbours``
        :raises LldpUnavailable: it is not what that tool prints
        """


@dataclasses.dataclass(frozen=True)
class Lldpd:
    """See https://lldpd.github.io/."""

    def read(self, shown: dict[str, Any], devices: list[str]) -> dict[str, Heard]:
        listening = lldpd.listening(shown["interfaces"])
        heard = lldpd.neighbours(shown["neighbors"])
        return {
            each: Heard(each in listening, tuple(heard.get(each, []))) for each in devices
        }


@dataclasses.dataclass(frozen=True)
class Lldpad:
    """See https://github.com/intel/openlldp."""

    def read(self, shown: dict[str, Any], devices: list[str]) -> dict[str, Heard]:
        found = {}
        for each in devices:
            told = shown.get(each, {})
            tlvs = lldpad.neighbour(told.get("tlvs", ""))
            enabled = lldpad.listens(told.get("status", ""))
            found[each] = Heard(enabled, (tlvs,) if tlvs else ())
        return found


DRIVERS: dict[str, Driver] = {"lldpd": Lldpd(), "lldpad": Lldpad()}
