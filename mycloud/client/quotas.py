"""Quotas: how much a project may have, and has."""

from collections.abc import Mapping
from dataclasses import dataclass

from mycloud.client.transport import Transport, segment


@dataclass(frozen=True)
class Quota:
    """One limit; RAM counts in MiB. ``limit`` is -1 for none."""

    resource: str
    limit: int
    in_use: int
    reserved: int

    @property
    def name(self) -> str:
        return self.resource


class Quotas:
    """The quotas of projects; those of other projects need an administrator."""

    def __init__(self, transport: Transport):
        self._transport = transport

    def get(self, project_id: str) -> list[Quota]:
        """Every limit with its use."""
        path = f"/os-quota-sets/{segment(project_id)}/detail"
        document = self._transport.get("compute", path)["quota_set"]
        return [
            Quota(name, int(q["limit"]), int(q.get("in_use") or 0), int(q.get("reserved") or 0))
            for name, q in sorted(document.items())
            if isinstance(q, Mapping)
        ]

    def defaults(self, project_id: str) -> dict[str, int]:
        """The limits that a project has when nobody set others."""
        path = f"/os-quota-sets/{segment(project_id)}/defaults"
        document = self._transport.get("compute", path)["quota_set"]
        return {name: value for name, value in document.items() if isinstance(value, int)}

    def set(self, project_id: str, limits: Mapping[str, int], *, force: bool = False) -> None:
        """Change these limits; ``force`` also below what is in use."""
        body: dict[str, object] = dict(limits)
        if force:
            body["force"] = True
        path = f"/os-quota-sets/{segment(project_id)}"
        self._transport.put("compute", path, {"quota_set": body})

    def reset(self, project_id: str) -> None:
        """Back to the defaults."""
        self._transport.delete("compute", f"/os-quota-sets/{segment(project_id)}")
