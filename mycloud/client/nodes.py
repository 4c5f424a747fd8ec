"""Machines that join as compute hosts, and the tokens that let them; for administrators."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mycloud.client.resource import Accepted, Collection


@dataclass(frozen=True)
class NodeToken:
    """``name``: the only one that it lets join; "": any. ``status``: unused, used (by ``node``)
    or expired. ``token``: its text, which only its maker is told."""

    id: str
    name: str
    status: str
    created_at: str
    expires_at: str
    used_at: str | None
    node: str | None
    token: str | None = field(default=None, repr=False)


class NodeTokens(Collection[NodeToken]):
    """The tokens of the last days."""

    service, path, noun = "mycloud", "/node_tokens", "node token"
    key, keys = "node_token", "node_tokens"

    def _build(self, document: Mapping[str, Any]) -> NodeToken:
        return NodeToken(
            id=document["id"],
            name=document["name"] or "",
            status=document["status"],
            created_at=document["created_at"],
            expires_at=document["expires_at"],
            used_at=document["used_at"],
            node=document["node"],
            token=document.get("token"),
        )

    def create(self, *, name: str | None = None, lifetime: int | None = None) -> NodeToken:
        """:param name: the only one that it lets join
        :param lifetime: seconds; None: as the cloud has it
        """
        given = {"name": name, "lifetime": lifetime}
        body = {key: value for key, value in given.items() if value is not None}
        answer = self._transport.post(self.service, self.path, {self.key: body})
        return self._one(answer.body)


@dataclass(frozen=True)
class Node:
    """A machine that has joined; ``left_at``: it has left again."""

    name: str
    addresses: tuple[str, ...]
    joined_at: str
    left_at: str | None

    @property
    def id(self) -> str:
        return self.name


class Nodes(Collection[Node]):
    """Machines that have joined by a token."""

    service, path, noun = "mycloud", "/nodes", "node"
    key, keys = "node", "nodes"

    def _build(self, document: Mapping[str, Any]) -> Node:
        return Node(
            name=document["name"],
            addresses=tuple(document["addresses"]),
            joined_at=document["joined_at"],
            left_at=document["left_at"],
        )

    def forget(self, name: str) -> Accepted:
        """Forget one that is gone for good; its name is free then.

        :raises NotFound: :raises Conflict: it is up, or has servers
        """
        return self.delete(name)
