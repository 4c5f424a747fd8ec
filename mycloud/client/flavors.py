"""Flavors: the sizes of servers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mycloud.client.resource import Collection
from mycloud.client.transport import segment


@dataclass(frozen=True)
class Flavor:
    """A size; ``ram`` and ``swap`` in MiB, ``disk`` and ``ephemeral`` in GiB."""

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int
    ephemeral: int
    swap: int
    is_public: bool
    disabled: bool
    description: str | None


def build(document: Mapping[str, Any]) -> Flavor:
    """The flavor of an element of an answer."""
    return Flavor(
        id=str(document["id"]),
        name=document["name"],
        vcpus=int(document.get("vcpus") or 0),
        ram=int(document.get("ram") or 0),
        disk=int(document.get("disk") or 0),
        ephemeral=int(document.get("OS-FLV-EXT-DATA:ephemeral") or 0),
        # an empty text stands for none in the compute API
        swap=int(document.get("swap") or 0),
        is_public=bool(document.get("os-flavor-access:is_public", True)),
        disabled=bool(document.get("OS-FLV-DISABLED:disabled", False)),
        description=document.get("description"),
    )


class Flavors(Collection[Flavor]):
    """The flavors that this identity may use; all of them for an administrator."""

    service, path, noun, key, keys = "compute", "/flavors", "flavor", "flavor", "flavors"

    def _build(self, document: Mapping[str, Any]) -> Flavor:
        return build(document)

    def list(self, **filters: Any) -> Iterator[Flavor]:
        """Filters: is_public (True, False; "None" for both), minRam (MiB), minDisk (GiB)."""
        for document in self._transport.pages("compute", "/flavors/detail", "flavors", filters):
            yield build(document)

    def _candidates(self, name: str) -> Iterator[Flavor]:
        # the compute API has no filter by name; "None" is its word for "public or not"
        return self.list(is_public="None")

    def create(self, attributes: Mapping[str, Any], *, is_public: bool = True) -> Flavor:
        """:param attributes: name, vcpus, ram, disk and optionally ephemeral, swap, id,
        description, in the units of Flavor"""
        body: dict[str, Any] = {
            key: attributes[key]
            for key in ("name", "vcpus", "ram", "disk", "swap", "id", "description")
            if attributes.get(key) is not None
        }
        if attributes.get("ephemeral") is not None:
            body["OS-FLV-EXT-DATA:ephemeral"] = attributes["ephemeral"]
        body["os-flavor-access:is_public"] = is_public
        return self._one(self._transport.post("compute", self.path, {"flavor": body}).body)

    def update(self, flavor_id: str, *, description: str | None) -> Flavor:
        """A flavor's size never changes; its description may."""
        body = {"flavor": {"description": description}}
        return self._one(self._transport.put("compute", self.url(flavor_id), body).body)

    def extra_specs(self, flavor_id: str) -> dict[str, str]:
        """What else the flavor asks of a host."""
        document = self._transport.get("compute", self.url(flavor_id, "os-extra_specs"))
        return dict(document["extra_specs"])

    def set_extra_specs(self, flavor_id: str, items: Mapping[str, str]) -> None:
        """Add or change these; the others stay."""
        self._transport.post(
            "compute", self.url(flavor_id, "os-extra_specs"), {"extra_specs": dict(items)}
        )

    def unset_extra_spec(self, flavor_id: str, key: str) -> None:
        self._transport.delete("compute", self.url(flavor_id, "os-extra_specs", segment(key)))

    def access(self, flavor_id: str) -> Sequence[str]:
        """The ids of the projects that may use a flavor that is not public."""
        document = self._transport.get("compute", self.url(flavor_id, "os-flavor-access"))
        return [entry["tenant_id"] for entry in document["flavor_access"]]

    def add_access(self, flavor_id: str, project_id: str) -> None:
        self._act(flavor_id, "addTenantAccess", project_id)

    def remove_access(self, flavor_id: str, project_id: str) -> None:
        self._act(flavor_id, "removeTenantAccess", project_id)

    def _act(self, flavor_id: str, action: str, project_id: str) -> None:
        self._transport.post(
            "compute", self.url(flavor_id, "action"), {action: {"tenant": project_id}}
        )
