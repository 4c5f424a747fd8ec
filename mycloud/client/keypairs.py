"""Key pairs: public keys that are put into new servers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.client.resource import Collection


@dataclass(frozen=True)
class Keypair:
    """A public key; a pair's name is its id.

    ``private_key`` is set only in the answer that made it, and kept nowhere.
    """

    name: str
    type: str
    fingerprint: str
    public_key: str
    user_id: str | None
    created_at: str | None
    private_key: str | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        return self.name


def build(document: Mapping[str, Any]) -> Keypair:
    """The key pair of an element of an answer."""
    return Keypair(
        name=document["name"],
        type=document.get("type") or "ssh",
        fingerprint=document.get("fingerprint") or "",
        public_key=document.get("public_key") or "",
        user_id=document.get("user_id"),
        created_at=document.get("created_at"),
        private_key=document.get("private_key"),
    )


class Keypairs(Collection[Keypair]):
    """The key pairs of the user."""

    service, path, noun = "compute", "/os-keypairs", "key pair"
    key, keys = "keypair", "keypairs"

    def _build(self, document: Mapping[str, Any]) -> Keypair:
        return build(document)

    def list(self, **filters: Any) -> Iterator[Keypair]:
        """Filters: user_id, for administrators."""
        # each element is wrapped once more in this listing
        for wrapped in self._transport.pages("compute", self.path, "keypairs", filters):
            yield build(wrapped["keypair"])

    def _candidates(self, name: str) -> Iterator[Keypair]:
        return self.list()

    def create(self, name: str, *, public_key: str | None = None, type: str = "ssh") -> Keypair:
        """Import ``public_key``, or have a pair made, whose private half comes back once."""
        body: dict[str, Any] = {"name": name, "type": type}
        if public_key is not None:
            body["public_key"] = public_key
        return self._one(self._transport.post("compute", self.path, {"keypair": body}).body)
