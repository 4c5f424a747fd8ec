"""Domains: containers of users and projects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.resource import Collection


@dataclass(frozen=True)
class Domain:
    """A domain."""

    id: str
    name: str
    enabled: bool
    description: str


class Domains(Collection[Domain]):
    """All domains; for administrators."""

    service, path, noun, key, keys = "identity", "/domains", "domain", "domain", "domains"

    def _build(self, document: Mapping[str, Any]) -> Domain:
        return Domain(
            id=document["id"],
            name=document["name"],
            enabled=bool(document.get("enabled", True)),
            description=document.get("description") or "",
        )
