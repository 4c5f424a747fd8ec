"""Users."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.resource import Collection


@dataclass(frozen=True)
class User:
    """A user; passwords never come back."""

    id: str
    name: str
    domain_id: str
    default_project_id: str | None
    description: str
    email: str | None
    enabled: bool
    password_expires_at: str | None


class Users(Collection[User]):
    """The users that this identity may see. Filters: name, domain_id, enabled."""

    service, path, noun, key, keys = "identity", "/users", "user", "user", "users"

    def _build(self, document: Mapping[str, Any]) -> User:
        return User(
            id=document["id"],
            name=document["name"],
            domain_id=document.get("domain_id") or "",
            default_project_id=document.get("default_project_id"),
            description=document.get("description") or "",
            email=document.get("email"),
            enabled=bool(document.get("enabled", True)),
            password_expires_at=document.get("password_expires_at"),
        )

    def create(self, attributes: Mapping[str, Any]) -> User:
        """:param attributes: name, and optionally password, domain_id, default_project_id,
        description, email, enabled"""
        body = {key: value for key, value in attributes.items() if value is not None}
        return self._one(self._transport.post("identity", self.path, {"user": body}).body)

    def update(self, user_id: str, changes: Mapping[str, Any]) -> User:
        """Change any of what ``create`` takes, apart from the domain."""
        answer = self._transport.patch("identity", self.url(user_id), {"user": dict(changes)})
        return self._one(answer.body)
