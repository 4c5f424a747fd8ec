"""How this host reaches volumes, by the type of their connection.

QEMU opens files, devices, NBD exports and iSCSI targets itself, so connecting leaves nothing on
the host; what it must be told in secret is the hypervisor driver's affair.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mycloud.common import connection_info
from mycloud.compute.connectors import files, network
from mycloud.compute.connectors.base import DiskSource, ThisHost, failed

CONNECTORS: dict[str, Callable[[Mapping[str, Any], ThisHost], DiskSource]] = {
    connection_info.LOCAL: files.local,
    connection_info.NFS: files.nfs,
    connection_info.NBD: network.nbd,
    connection_info.ISCSI: network.iscsi,
}


def connect(connection: Mapping[str, Any], host: ThisHost) -> DiskSource:
    """How a volume is reached from here; asking again gives the same.

    :raises ConnectionFailed: it can't be reached, or by no way that this host knows
    """
    kind = connection.get("driver_volume_type")
    if kind not in CONNECTORS:
        raise failed(
            connection,
            f"this host knows no connection of type {kind!r}, only {', '.join(CONNECTORS)}",
        )
    return CONNECTORS[kind](connection, host)
