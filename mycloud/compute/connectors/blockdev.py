"""A volume as a node of QEMU's own block layer, for tools that open it without a guest."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path
from typing import Any

from mycloud.compute.connectors.base import DiskSource

_TLS, _CHAP = "tls", "chap"


@dataclasses.dataclass(frozen=True)
class Node:
    """Arguments of ``blockdev-add``, and of an ``object-add`` for each object that it names."""

    options: dict[str, Any]
    objects: list[dict[str, Any]] = dataclasses.field(default_factory=list, repr=False)


def node(source: DiskSource, pki_dir: Path | None) -> Node:
    """The bytes at a source, whatever format they have."""
    if source.path is not None:
        driver = "host_device" if source.is_block_device else "file"
        return Node({"driver": driver, "filename": str(source.path)})
    if source.protocol == "nbd":
        return _nbd(source, pki_dir)
    return _iscsi(source)


def secret(name: str, value: bytes) -> dict[str, Any]:
    """The object that holds a secret, for ``object-add``."""
    return {
        "qom-type": "secret", "id": name, "format": "base64",
        "data": base64.b64encode(value).decode(),
    }


def _nbd(source: DiskSource, pki_dir: Path | None) -> Node:
    if source.socket is not None:
        server = {"type": "unix", "path": source.socket}
    else:
        server = {"type": "inet", "host": source.host, "port": str(source.port)}
    options: dict[str, Any] = {"driver": "nbd", "server": server, "export": source.name}
    if not source.tls:
        return Node(options)
    credentials = {
        "qom-type": "tls-creds-x509", "id": _TLS, "dir": str(pki_dir), "endpoint": "client",
        "verify-peer": True,
    }
    return Node({**options, "tls-creds": _TLS}, [credentials])


def _iscsi(source: DiskSource) -> Node:
    target, _, lun = source.name.rpartition("/")
    options: dict[str, Any] = {
        "driver": "iscsi", "transport": "tcp", "portal": f"{source.host}:{source.port}",
        "target": target, "lun": int(lun),
    }
    if source.initiator is not None:
        options["initiator-name"] = source.initiator
    if source.chap is None:
        return Node(options)
    options.update({"user": source.chap.username, "password-secret": _CHAP})
    return Node(options, [secret(_CHAP, source.chap.password.encode())])
