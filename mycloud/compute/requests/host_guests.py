"""Asking a compute host what it has."""

from typing import Any

from mycloud.common import exceptions
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.db import engine, services


def on_host(context: Any, host: str) -> dict[str, Any]:
    """See ComputeAPI.list_guests.

    :raises HostNotFound: there is no such compute host
    :raises ServiceUnavailable: it does not answer
    """
    with engine.reader() as conn:
        if not services.every(conn, host=host, binary="mycloud-compute"):
            raise exceptions.HostNotFound(host=host)
    return ComputeAPI().list_guests(context, host)
