"""Projects: who owns servers, images and quotas."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.resource import Collection


@dataclass(frozen=True)
class Project:
    """A project."""

    id: str
    name: str
    domain_id: str
    description: str
    enabled: bool
    tags: tuple[str, ...]


class Projects(Collection[Project]):
    """The projects that this identity may see. Filters: name, domain_id, enabled, user_id."""

    service, path, noun, key, keys = "identity", "/projects", "project", "project", "projects"

    def _build(self, document: Mapping[str, Any]) -> Project:
        return Project(
            id=document["id"],
            name=document["name"],
            domain_id=document.get("domain_id") or "",
            description=document.get("description") or "",
            enabled=bool(document.get("enabled", True)),
            tags=tuple(document.get("tags") or ()),
        )

    def mine(self) -> Iterator[Project]:
        """Those that the user has a role in."""
        for document in self._transport.pages("identity", "/auth/projects", "projects"):
            yield self._build(document)

    def create(
        self,
        name: str,
        *,
        domain_id: str | None = None,
        description: str | None = None,
        enabled: bool = True,
    ) -> Project:
        """In the domain of the token, unless another is given."""
        body: dict[str, Any] = {"name": name, "enabled": enabled}
        if domain_id is not None:
            body["domain_id"] = domain_id
        if description is not None:
            body["description"] = description
        return self._one(self._transport.post("identity", self.path, {"project": body}).body)

    def update(self, project_id: str, changes: Mapping[str, Any]) -> Project:
        """Change name, description or enabled."""
        answer = self._transport.patch(
            "identity", self.url(project_id), {"project": dict(changes)}
        )
        return self._one(answer.body)
