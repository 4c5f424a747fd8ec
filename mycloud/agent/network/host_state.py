"""How a host's network is now, as the root helper tells it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from mycloud.privileged.network import model


@dataclasses.dataclass(frozen=True)
class HostState:
    """:ivar kinds: of each link, the kernel's word for its kind, ``""`` for hardware
    :ivar own: names of the links that mycloud has made
    """

    now: model.State
    kinds: Mapping[str, str]
    own: frozenset[str]

    @classmethod
    def read(cls, told: dict[str, Any]) -> HostState:
        """:param told: by the verb ``link_state``"""
        return cls(
            model.state_from_json(told["now"]), told["kinds"], frozenset(told["own"])
        )
