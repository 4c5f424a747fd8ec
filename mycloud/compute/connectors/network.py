"""Volumes that another host serves; QEMU itself is the client, and the kernel knows nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mycloud.compute.connectors.base import Chap, DiskSource, ThisHost, failed, field


def nbd(connection: Mapping[str, Any], host: ThisHost) -> DiskSource:
    """An NBD export at a unix socket of this machine, or on the network with mutual TLS.

    :raises ConnectionFailed: the socket is not there, or the host has no certificate to show
    """
    name = field(connection, "export")
    socket = connection["data"].get("socket")
    if socket:
        if not Path(socket).is_socket():
            raise failed(connection, "the socket of its export is not on this machine")
        return DiskSource(protocol="nbd", name=name, socket=socket)
    tls = bool(connection["data"].get("tls"))
    if tls and not host.tls:
        raise failed(connection, "its export asks for a certificate and this host has none")
    return DiskSource(
        protocol="nbd", name=name, tls=tls,
        host=field(connection, "host"), port=int(field(connection, "port")),
    )


def iscsi(connection: Mapping[str, Any], host: ThisHost) -> DiskSource:
    """A unit of an iSCSI target, with CHAP if it is asked for.

    :raises ConnectionFailed: the target asks for something else than CHAP
    """
    data = connection["data"]
    address, _, port = field(connection, "target_portal").rpartition(":")
    chap = None
    method = data.get("auth_method")
    if method == "CHAP":
        chap = Chap(field(connection, "auth_username"), field(connection, "auth_password"))
    elif method:
        raise failed(connection, f"its target asks for {method}, which this host does not speak")
    return DiskSource(
        protocol="iscsi",
        name=f"{field(connection, 'target_iqn')}/{data.get('target_lun', 0)}",
        host=address.strip("[]"),
        port=int(port),
        chap=chap,
        initiator=host.initiator,
    )
