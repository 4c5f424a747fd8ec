"""Quotas: how much a project may have, and has, of servers and of volumes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.transport import VOLUME, Transport, segment

#: The limits of volumes; those of one type have its name behind: volumes_TYPE.
VOLUME_LIMITS = (
    "volumes", "snapshots", "gigabytes", "per_volume_gigabytes", "backups", "backup_gigabytes",
)  # fmt: skip
#: Those of them that each type has, too.
LIMITS_OF_TYPES = ("volumes", "snapshots", "gigabytes")


@dataclass(frozen=True)
class Quota:
    """One limit; RAM counts in MiB, gigabytes in GiB. ``limit`` is -1 for none."""

    resource: str
    limit: int
    in_use: int
    reserved: int

    @property
    def name(self) -> str:
        return self.resource


def _quotas(document: Mapping[str, Any]) -> Iterator[Quota]:
    for name, q in sorted(document.items()):
        if isinstance(q, Mapping):
            in_use, reserved = int(q.get("in_use") or 0), int(q.get("reserved") or 0)
            yield Quota(name, int(q["limit"]), in_use, reserved)


class Quotas:
    """The quotas of projects; those of other projects need an administrator."""

    def __init__(self, transport: Transport):
        self._transport = transport

    def get(self, project_id: str) -> list[Quota]:
        """Every limit with its use."""
        path = f"/os-quota-sets/{segment(project_id)}"
        found = [*_quotas(self._transport.get("compute", f"{path}/detail")["quota_set"])]
        if self._transport.has_service(VOLUME):
            document = self._transport.get(VOLUME, path, {"usage": "True"})
            found += _quotas(document["quota_set"])
        return found

    def defaults(self, project_id: str) -> dict[str, int]:
        """The limits that a project has when nobody set others."""
        path = f"/os-quota-sets/{segment(project_id)}/defaults"
        documents = [self._transport.get(service, path) for service in self._services()]
        return {
            name: value
            for document in documents
            for name, value in document["quota_set"].items()
            if isinstance(value, int)
        }

    def set(self, project_id: str, limits: Mapping[str, int], *, force: bool = False) -> None:
        """Change these limits; ``force`` also below what is in use."""
        path = f"/os-quota-sets/{segment(project_id)}"
        of_volumes = {name: limits[name] for name in limits if _is_of_volumes(name)}
        of_servers = {name: limits[name] for name in limits if name not in of_volumes}
        if of_servers:
            body: dict[str, object] = dict(of_servers)
            if force:
                body["force"] = True
            self._transport.put("compute", path, {"quota_set": body})
        if of_volumes:
            path += f"?skip_validation={force}"
            self._transport.put(VOLUME, path, {"quota_set": of_volumes})

    def reset(self, project_id: str) -> None:
        """Back to the defaults."""
        for service in self._services():
            self._transport.delete(service, f"/os-quota-sets/{segment(project_id)}")

    def _services(self) -> Iterable[str]:
        return ("compute", VOLUME) if self._transport.has_service(VOLUME) else ("compute",)


def _is_of_volumes(name: str) -> bool:
    return name in VOLUME_LIMITS or name.startswith(tuple(f"{one}_" for one in LIMITS_OF_TYPES))
