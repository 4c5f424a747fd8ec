"""The host that the verbs of the agent are about."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Host:
    """One compute host, as its agent's verbs are given it.

    :ivar name: as its services report it
    :ivar state_dir: where its compute service keeps its things
    :ivar parts: what lives as long as the agent (a sampler, a monitor ...), by its class
    """

    name: str
    state_dir: Path
    parts: dict[type[Any], Any] = dataclasses.field(default_factory=dict)

    def part(self, kind: type[T]) -> T:
        """:raises KeyError: the agent was made without it"""
        found: T = self.parts[kind]
        return found
