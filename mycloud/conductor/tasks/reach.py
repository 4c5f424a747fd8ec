"""Whether the control plane reaches a compute host: over the bus, and at its agent's port."""

import contextlib
import os
import socket
from typing import Any
from urllib.parse import urlsplit

from mycloud.common import clock, exceptions
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.db import engine, hosts

_LEAST_SECONDS = 1.0


def prove(context: Any, host: str, seconds: float) -> dict[str, Any]:
    """See that a host answers in both ways; returns by which.

    The question and its answer go by the broker, so a host that has lost it can't pass; a new
    connection to the agent's port shows that others find the host, too.

    :raises HostNotFound: :raises HostUnreached:
    """
    until = clock.monotonic() + seconds
    with engine.reader() as conn:
        row = hosts.by_name(conn, host)
    try:
        answer = ComputeAPI().call_agent(context, host, "agent.ping", {}, timeout=seconds)
    except exceptions.MycloudError as error:
        raise exceptions.HostUnreached(
            host=host, way="over the bus", reason=error.message
        ) from None
    if answer["host"] != host:
        raise exceptions.HostUnreached(
            host=host, way="over the bus", reason=f"{answer['host']} has answered in its place"
        )
    ways = ["bus"]
    url = (row["capabilities"] or {}).get("agent_url")
    if url:
        _connect(host, url, max(_LEAST_SECONDS, until - clock.monotonic()))
        ways.append("port")
    return {"ways": ways}


def _connect(host: str, url: str, seconds: float) -> None:
    """:raises HostUnreached:"""
    parts = urlsplit(url)
    try:
        with contextlib.closing(
            socket.create_connection((parts.hostname or "", parts.port or 0), seconds)
        ):
            pass
    except (OSError, ValueError) as error:
        # a green socket puts the name of the error where its words belong
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number else str(error)
        raise exceptions.HostUnreached(
            host=host, way=f"at {parts.netloc}", reason=reason
        ) from None
