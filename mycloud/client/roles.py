"""Roles, and who has which of them where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.resource import Collection
from mycloud.client.transport import segment


@dataclass(frozen=True)
class Role:
    """A role."""

    id: str
    name: str
    domain_id: str | None
    description: str


@dataclass(frozen=True)
class Scope:
    """Where a role holds: on one project, on one domain, or (neither given) on the system."""

    project_id: str | None = None
    domain_id: str | None = None

    def path(self, user_id: str, role_id: str) -> str:
        """The identity API's address of the user's having the role here."""
        if self.project_id is not None:
            where = f"/projects/{segment(self.project_id)}"
        elif self.domain_id is not None:
            where = f"/domains/{segment(self.domain_id)}"
        else:
            where = "/system"
        return f"{where}/users/{segment(user_id)}/roles/{segment(role_id)}"


@dataclass(frozen=True)
class Assignment:
    """A user's (or group's) having a role somewhere; names where the cloud gave them."""

    role: str
    user: str
    group: str
    project: str
    domain: str
    system: bool


class Roles(Collection[Role]):
    """The roles of the cloud. Filters: name, domain_id."""

    service, path, noun, key, keys = "identity", "/roles", "role", "role", "roles"

    def _build(self, document: Mapping[str, Any]) -> Role:
        return Role(
            id=document["id"],
            name=document["name"],
            domain_id=document.get("domain_id"),
            description=document.get("description") or "",
        )

    def create(self, name: str, *, description: str | None = None) -> Role:
        body: dict[str, Any] = {"name": name}
        if description is not None:
            body["description"] = description
        return self._one(self._transport.post("identity", self.path, {"role": body}).body)

    def update(self, role_id: str, changes: Mapping[str, Any]) -> Role:
        """Change name or description."""
        answer = self._transport.patch("identity", self.url(role_id), {"role": dict(changes)})
        return self._one(answer.body)

    def grant(self, role_id: str, user_id: str, scope: Scope) -> None:
        """Give the role; giving it twice is no error."""
        self._transport.put("identity", scope.path(user_id, role_id))

    def revoke(self, role_id: str, user_id: str, scope: Scope) -> None:
        """:raises NotFound: if the user doesn't have the role there"""
        self._transport.delete("identity", scope.path(user_id, role_id))

    def assignments(self, **filters: Any) -> Iterator[Assignment]:
        """Filters: user_id, project_id, domain_id, role_id, system (True), effective (True:
        also what roles imply)."""
        names = {
            "user_id": "user.id",
            "project_id": "scope.project.id",
            "domain_id": "scope.domain.id",
            "role_id": "role.id",
        }
        query: dict[str, Any] = {"include_names": True}
        query |= {wire: filters[ours] for ours, wire in names.items() if filters.get(ours)}
        if filters.get("system"):
            query["scope.system"] = "all"
        if filters.get("effective"):
            query["effective"] = True
        pages = self._transport.pages(
            "identity", "/role_assignments", "role_assignments", query
        )
        for document in pages:
            scope = document.get("scope") or {}
            yield Assignment(
                role=_shown(document.get("role")),
                user=_shown(document.get("user")),
                group=_shown(document.get("group")),
                project=_shown(scope.get("project")),
                domain=_shown(scope.get("domain")),
                system="system" in scope,
            )


def _shown(reference: Mapping[str, Any] | None) -> str:
    """name@domain of what an assignment refers to; the id where there are no names."""
    if not reference:
        return ""
    name = reference.get("name")
    if not name:
        return str(reference.get("id") or "")
    domain = (reference.get("domain") or {}).get("name")
    return f"{name}@{domain}" if domain else str(name)
