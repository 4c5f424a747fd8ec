"""Ask a volume service what its backend really has."""

from typing import Any

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.db import engine, services
from mycloud.volume.requests.services import BINARY
from mycloud.volume.rpcapi import VolumeAPI


def of(context: RequestContext, host: str) -> dict[str, Any]:
    """``volumes`` and ``snapshots`` (names on the backend) and ``exports`` (attachment id to
    whether it serves) of the service HOST@BACKEND.

    :raises HostNotFound: there is no such service
    :raises ServiceUnavailable: it does not answer
    :raises BackendNotReady: it could not start
    """
    with engine.reader() as conn:
        if not services.every(conn, host=host, binary=BINARY):
            raise exceptions.HostNotFound(host=host)
    return VolumeAPI().list_exports(context, host)
