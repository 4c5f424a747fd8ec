"""Volume types, what volumes of them ask of a backend, and QoS specs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mycloud.client import errors
from mycloud.client.resource import Collection
from mycloud.client.transport import VOLUME, segment


@dataclass(frozen=True)
class VolumeType:
    """A kind of volumes; ``extra_specs`` are what its volumes ask of a backend."""

    id: str
    name: str
    description: str | None
    is_public: bool
    extra_specs: Mapping[str, str]
    qos_specs_id: str | None


@dataclass(frozen=True)
class Encryption:
    """How volumes of a type are encrypted; ``key_size`` in bits."""

    provider: str
    cipher: str | None
    key_size: int | None
    control_location: str


@dataclass(frozen=True)
class QosSpecs:
    """Bounds of speed; ``consumer``: who keeps them (front-end, back-end, both)."""

    id: str
    name: str
    consumer: str
    specs: Mapping[str, str]


class VolumeTypes(Collection[VolumeType]):
    """The volume types that this identity may use; all of them for an administrator."""

    service, path, noun = VOLUME, "/types", "volume type"
    key, keys = "volume_type", "volume_types"

    def _build(self, document: Mapping[str, Any]) -> VolumeType:
        public = document.get("os-volume-type-access:is_public", document.get("is_public", True))
        return VolumeType(
            id=document["id"],
            name=document["name"],
            description=document.get("description"),
            is_public=bool(public),
            extra_specs=document.get("extra_specs") or {},
            qos_specs_id=document.get("qos_specs_id"),
        )

    def _candidates(self, name: str) -> Iterator[VolumeType]:
        # "None" is its word for "public or not"
        return self.list(is_public="None")

    def default(self) -> VolumeType:
        """The type of volumes for which none is asked.

        :raises NotFound: if there is none
        """
        return self._one(self._transport.get(VOLUME, self.url("default")))

    def create(self, attributes: Mapping[str, Any], *, is_public: bool = True) -> VolumeType:
        """:param attributes: name, and optionally description and extra_specs"""
        body = {
            name: attributes[name]
            for name in ("name", "description", "extra_specs")
            if attributes.get(name) is not None
        }
        body["os-volume-type-access:is_public"] = is_public
        return self._one(self._transport.post(VOLUME, self.path, {"volume_type": body}).body)

    def update(self, type_id: str, **changes: Any) -> None:
        """Change name, description or is_public."""
        self._transport.put(VOLUME, self.url(type_id), {"volume_type": changes})

    def set_extra_specs(self, type_id: str, items: Mapping[str, str]) -> None:
        """Add or change these; the others stay."""
        body = {"extra_specs": dict(items)}
        self._transport.post(VOLUME, self.url(type_id, "extra_specs"), body)

    def unset_extra_spec(self, type_id: str, key: str) -> None:
        self._transport.delete(VOLUME, self.url(type_id, "extra_specs", segment(key)))

    def access(self, type_id: str) -> Sequence[str]:
        """The ids of the projects that may use a type that is not public."""
        document = self._transport.get(VOLUME, self.url(type_id, "os-volume-type-access"))
        return [entry["project_id"] for entry in document["volume_type_access"]]

    def add_access(self, type_id: str, project_id: str) -> None:
        self._act(type_id, "addProjectAccess", project_id)

    def remove_access(self, type_id: str, project_id: str) -> None:
        self._act(type_id, "removeProjectAccess", project_id)

    def _act(self, type_id: str, action: str, project_id: str) -> None:
        body = {action: {"project": project_id}}
        self._transport.post(VOLUME, self.url(type_id, "action"), body)

    def encryption(self, type_id: str) -> Encryption | None:
        """How volumes of the type are encrypted; None: they are not."""
        found = self._transport.get(VOLUME, self.url(type_id, "encryption"))
        if not found or "provider" not in found:
            return None
        return Encryption(
            provider=found["provider"],
            cipher=found.get("cipher"),
            key_size=found.get("key_size"),
            control_location=found.get("control_location") or "",
        )

    def set_encryption(self, type_id: str, **values: Any) -> None:
        """Have volumes made from now on be encrypted: provider, cipher, key_size (bits),
        control_location. Of one that says already how, those are changed."""
        if self.encryption(type_id) is None:
            values.setdefault("control_location", "front-end")
            body = {"encryption": values}
            self._transport.post(VOLUME, self.url(type_id, "encryption"), body)
        else:
            path = self.url(type_id, "encryption", "provider")
            self._transport.put(VOLUME, path, {"encryption": values})

    def unset_encryption(self, type_id: str) -> None:
        self._transport.delete(VOLUME, self.url(type_id, "encryption", "provider"))


class QosSpecsCollection(Collection[QosSpecs]):
    """The QoS specs of the cloud; for administrators."""

    service, path, noun = VOLUME, "/qos-specs", "QoS spec"
    key, keys = "qos_specs", "qos_specs"

    def _build(self, document: Mapping[str, Any]) -> QosSpecs:
        return QosSpecs(
            id=document["id"],
            name=document["name"],
            consumer=document.get("consumer") or "",
            specs=document.get("specs") or {},
        )

    def _candidates(self, name: str) -> Iterator[QosSpecs]:
        # there is no filter by name
        return self.list()

    def name_of(self, specs_id: str | None) -> str:
        """The name of a type's specs; their id for those who may not see them, empty for none."""
        if not specs_id:
            return ""
        try:
            return self.get(specs_id).name
        except errors.ApiError:
            return specs_id

    def create(
        self, name: str, *, consumer: str | None = None, specs: Mapping[str, str]
    ) -> QosSpecs:
        body = {**specs, "name": name} | ({"consumer": consumer} if consumer else {})
        return self._one(self._transport.post(VOLUME, self.path, {"qos_specs": body}).body)

    def update(
        self, specs_id: str, specs: Mapping[str, str], *, consumer: str | None = None
    ) -> None:
        """Add or change these; the others stay."""
        body = dict(specs) | ({"consumer": consumer} if consumer else {})
        self._transport.put(VOLUME, self.url(specs_id), {"qos_specs": body})

    def unset(self, specs_id: str, keys: Sequence[str]) -> None:
        self._transport.put(VOLUME, self.url(specs_id, "delete_keys"), {"keys": [*keys]})

    def remove(self, specs_id: str, *, force: bool = False) -> None:
        """Delete them; ``force``: also while types have them."""
        query = {"force": "true"} if force else {}
        self._transport.delete(VOLUME, self.url(specs_id), query)

    def types(self, specs_id: str) -> Sequence[str]:
        """The names of the volume types that have them."""
        document = self._transport.get(VOLUME, self.url(specs_id, "associations"))
        return [one["name"] for one in document["qos_associations"]]

    def associate(self, specs_id: str, type_id: str) -> None:
        self._switch(specs_id, "associate", {"vol_type_id": type_id})

    def disassociate(self, specs_id: str, type_id: str | None) -> None:
        """From that type; from all of them if none is given."""
        if type_id is None:
            self._switch(specs_id, "disassociate_all", {})
        else:
            self._switch(specs_id, "disassociate", {"vol_type_id": type_id})

    def _switch(self, specs_id: str, verb: str, query: Mapping[str, str]) -> None:
        # block storage changes these by GET
        self._transport.get(VOLUME, self.url(specs_id, verb), query)
