"""What operators ask of compute hosts: of the host itself, and what the database knows of it."""

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import services
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.db import engine, hypervisors

LOG = logging.getLogger(__name__)

Row = Mapping[str, Any]

#: Seconds that a host gets for what somebody waits for at a terminal.
PATIENCE_SECONDS = 10
#: The host does not answer.
SILENT = (
    exceptions.ServiceUnavailable, exceptions.BusUnavailable, exceptions.PeerTooOld
)
#: What is asked of an agent: name in the answer -> verb.
_PARTS = {"facts": "host.facts", "network": "network.caps", "lldp": "lldp.info"}


@dataclasses.dataclass(frozen=True)
class Details:
    """What a host has told of itself.

    :ivar reason: why it has told nothing; None: it has
    :ivar parts: ``facts``, ``network``, ``lldp``; None: not known
    :ivar errors: why a part is not known, by its name
    """

    reason: str | None = None
    parts: dict[str, Any] = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)


def every(*, marker: str | None = None, limit: int | None = None) -> list[Row]:
    """The hosts by id, with their service's columns as service_*.

    :raises UnknownMarker:
    """
    with engine.reader() as conn:
        try:
            if marker is not None:
                hypervisors.get(conn, marker)
        except exceptions.HostNotFound:
            raise exceptions.UnknownMarker(marker=marker) from None
        return hypervisors.every(conn, marker=marker, limit=limit)


def find(name: str) -> Row:
    """A host by its name, its hypervisor's name, or its id.

    :raises HostNotFound:
    """
    with engine.reader() as conn:
        return hypervisors.named(conn, name)


def is_up(host: Row) -> bool:
    """Whether the service of a host reports."""
    service = {name: host[f"service_{name}"] for name in ("forced_down", "last_seen_at")}
    return services.is_up(service, clock.now())


def ask(context: RequestContext, host: Row, verb: str, **params: Any) -> Any:
    """What a verb of the host's agent gives.

    :raises HostSilent: the host does not answer
    """
    if not is_up(host):
        raise exceptions.HostSilent(host=host["host"], reason=_silence(host))
    try:
        return ComputeAPI().call_agent(
            context, host["host"], verb, params, timeout=PATIENCE_SECONDS
        )
    except SILENT as error:
        raise exceptions.HostSilent(host=host["host"], reason=error.message) from error


def _silence(host: Row) -> str:
    if host["service_forced_down"]:
        return "an administrator has declared it down"
    seen = host["service_last_seen_at"]
    if seen is None:
        return "its compute service has never reported"
    return f"its compute service has not reported since {seen.isoformat(timespec='seconds')}Z"


def details(context: RequestContext, host: Row) -> Details:
    """What the host tells of itself; a host that does not answer is no error here."""
    parts: dict[str, Any] = dict.fromkeys(_PARTS)
    errors: dict[str, str] = {}
    for name, verb in _PARTS.items():
        try:
            parts[name] = ask(context, host, verb)
        except exceptions.HostSilent as error:
            return Details(error.message, parts, errors)
        except exceptions.MycloudError as error:
            errors[name] = error.message
    return Details(None, parts, errors)


def statistics(context: RequestContext, host: Row) -> dict[str, Any]:
    """How busy the host is, and each server on it.

    :raises HostSilent:
    """
    found: dict[str, Any] = ask(context, host, "host.stats")
    return found


def uptime(context: RequestContext, host: Row) -> str:
    """A host's uptime and load in one line; as it was at its last report if it does not answer."""
    try:
        return str(ask(context, host, "host.uptime")["uptime"])
    except exceptions.MycloudError as error:
        LOG.info("The uptime of %s is that of its last report: %s", host["host"], error)
        return str(host["uptime"])
