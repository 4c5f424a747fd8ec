"""Machines that have joined: what the cloud knows of them, and how they leave.

A machine has no identity in the cloud. What it asks for it signs with the key of its client
certificate.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, pki_requests
from mycloud.compute.requests import services as service_requests
from mycloud.db import engine, hypervisors, nodes, services

Row = Mapping[str, Any]

_BINARY = "mycloud-compute"
#: By how much the clocks of two machines may differ.
CLOCKS = datetime.timedelta(seconds=300)
#: Why a service is disabled.
LEFT = "the machine has left the cloud"


def every() -> list[Row]:
    """All of them by name, those too that have left."""
    with engine.reader() as conn:
        return nodes.every(conn)


def status(name: str, said: Mapping[str, Any], signature: str) -> dict[str, Any]:
    """What the cloud knows of the machine that asks: ``service`` (None: it has never reported),
    ``listed`` as a host that servers can be placed on, with ``hypervisor_type`` and ``agent_url``,
    ``left``.

    :param said: ``action``, ``token_id``, ``time``
    :raises NodeUnknown:
    """
    with engine.reader() as conn:
        node = _known(nodes.get(conn, name), name, said, signature)
        found = services.every(conn, host=name, binary=_BINARY)
        hosts = [row for row in hypervisors.every(conn) if row["host"] == name]
    now = clock.now()
    service = None
    if found:
        [row] = found
        service = {
            "up": service_requests.is_up(row, now),
            "disabled": row["disabled"],
            "disabled_reason": row["disabled_reason"],
            "trouble": row["trouble"],
        }
    return {
        "service": service,
        "listed": bool(hosts),
        "hypervisor_type": hosts[0]["hypervisor_type"] if hosts else None,
        "agent_url": (hosts[0]["capabilities"] or {}).get("agent_url") if hosts else None,
        "left": node["left_at"] is not None,
        "time": now.isoformat(),
    }


@engine.retried
def leave(name: str, said: Mapping[str, Any], signature: str, *, force: bool) -> None:
    """Let no more servers come to a machine that leaves; its name is free for another.

    :raises NodeUnknown: :raises NodeInUse: there are servers on it
    """
    now = clock.now()
    with engine.writer() as conn:
        _known(nodes.get(conn, name), name, said, signature)
        count = nodes.server_count(conn, name)
        if count and not force:
            raise exceptions.NodeInUse(name=name, count=count)
        nodes.update(conn, name, {"left_at": now, "updated_at": now})
        for row in services.every(conn, host=name, binary=_BINARY):
            changes = {"disabled": True, "disabled_reason": LEFT, "updated_at": now}
            services.update(conn, row["id"], changes)


def forget(name: str) -> None:
    """Forget a machine that is gone for good, with the services that it had.

    :raises NodeNotFound: :raises Conflict: a service of it is up, or servers are on it
    """
    with engine.reader() as conn:
        if nodes.get(conn, name) is None:
            raise exceptions.NodeNotFound(name=name)
        found = services.every(conn, host=name)
    for row in found:
        service_requests.delete(row["id"])
    with engine.writer() as conn:
        nodes.delete(conn, name)


def come_back(conn: Connection, name: str, now: datetime.datetime) -> None:
    """Let servers come again to a machine that had left."""
    for row in services.every(conn, host=name, binary=_BINARY):
        if row["disabled_reason"] == LEFT:
            changes = {"disabled": False, "disabled_reason": None, "updated_at": now}
            services.update(conn, row["id"], changes)


def _known(row: Row | None, name: str, said: Mapping[str, Any], signature: str) -> Row:
    """The machine of that name, if it is who has signed, and lately."""
    try:
        time = datetime.datetime.fromisoformat(said["time"])
    except ValueError as error:
        raise exceptions.BadField(field="time", reason="it is no time in ISO 8601") from error
    if time.tzinfo is not None:
        time = time.astimezone(datetime.UTC).replace(tzinfo=None)
    words = {**said, "name": name}
    if (
        row is None
        or row["token_id"] != said["token_id"]
        or not pki_requests.signed_by(row["public_key"], words, signature)
    ):
        raise exceptions.NodeUnknown()
    if abs(clock.now() - time) > CLOCKS:
        raise exceptions.BadField(
            field="time", reason=f"it is {time} UTC there and {clock.now()} here; set the clocks"
        )
    return row
