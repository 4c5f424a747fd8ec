"""The networks of hosts, as documents: shown, planned, and changed by an operation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mycloud.client.resource import Accepted
from mycloud.client.transport import Answer, Transport, segment

_SERVICE = "mycloud"


@dataclass(frozen=True)
class HostNetwork:
    """What of a host's networks is set up by the cloud.

    :ivar document: what was committed last; without any network if nothing was
    :ivar armed: the change that is under way: ``operation``, ``seconds_left``, ``document``
    :ivar last: how the last change ended: ``operation``, ``outcome``, ``reason``, ``problems``,
        ``at`` (seconds since 1970)
    """

    host: str
    backend: str
    document: Mapping[str, Any]
    armed: Mapping[str, Any] | None
    last: Mapping[str, Any] | None


@dataclass(frozen=True)
class HostNetworkPlan:
    """What a change does, in order.

    :ivar lines: one for each step, for people; none: all is as it shall be
    :ivar document: all that the host has then
    """

    lines: tuple[str, ...]
    document: Mapping[str, Any]


class HostNetworks:
    """For administrators. Hosts are given by name or id."""

    def __init__(self, transport: Transport):
        self._transport = transport

    def get(self, host: str) -> HostNetwork:
        """:raises NotFound: if there is no such host
        :raises Conflict: if it does not answer
        """
        found = self._transport.get(_SERVICE, _path(host))["network"]
        return HostNetwork(
            host=found["host"],
            backend=found["backend"],
            document=found["document"],
            armed=found["armed"],
            last=found["last"],
        )

    def plan(self, host: str, document: Mapping[str, Any]) -> HostNetworkPlan:
        """What applying the document would do; nothing is changed.

        :raises BadRequest: the document is none, or not for this host
        """
        answer = self._put(host, document, dry_run=True)
        return _plan(answer.body["plan"])

    def apply(
        self, host: str, document: Mapping[str, Any], *, rollback_after: float | None = None
    ) -> tuple[HostNetworkPlan, Accepted]:
        """Have it done; the operation goes on by itself.

        :param rollback_after: seconds until the host goes back by itself, unless the cloud has
            reached it
        :raises Conflict: another change of this host's networks is under way
        """
        more = {} if rollback_after is None else {"timeout": rollback_after}
        answer = self._put(host, document, **more)
        return _plan(answer.body["plan"]), Accepted.of(host, answer)

    def _put(self, host: str, document: Mapping[str, Any], **more: Any) -> Answer:
        return self._transport.put(_SERVICE, _path(host), {"network": dict(document), **more})


def _path(host: str) -> str:
    return f"/hosts/{segment(host)}/network"


def _plan(found: Mapping[str, Any]) -> HostNetworkPlan:
    return HostNetworkPlan(tuple(found["lines"]), found["document"])
