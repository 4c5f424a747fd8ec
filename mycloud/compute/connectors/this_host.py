"""What a volume service must know of this host to give it a volume."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any

from mycloud.common import pki
from mycloud.disk import machine

_IQN_PREFIX = "iqn.2026-11.cloud.mycloud"
_NOT_IN_IQN = re.compile(r"[^a-z0-9.-]")


def connector(host: str, address: str, pki_dir: Path | None) -> dict[str, Any]:
    """The connector of the host called ``host``, which others reach at ``address``."""
    return {
        "host": host,
        "ip": address,
        "machine": machine.mark(),
        "initiator": initiator(host),
        "certificate_subject": _certificate_subject(pki_dir),
        "nbd_unix": True,
        "multipath": False,
        "do_local_attach": False,
        "os_type": platform.system().lower(),
        "platform": platform.machine(),
    }


def initiator(host: str) -> str:
    """The name by which the host logs in to iSCSI targets."""
    return f"{_IQN_PREFIX}:{_NOT_IN_IQN.sub('-', host.lower())}"


def has_certificate(pki_dir: Path | None) -> bool:
    """Whether the host has something to show to whoever exports over the network."""
    return pki_dir is not None and (pki_dir / pki.CLIENT_CERTIFICATE).exists()


def _certificate_subject(pki_dir: Path | None) -> str | None:
    if pki_dir is None:
        return None
    try:
        return pki.certificate_subject(pki_dir / pki.CLIENT_CERTIFICATE)
    except FileNotFoundError:
        return None
