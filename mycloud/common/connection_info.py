"""What a volume host tells a compute host so that it can reach a volume.

``{"driver_volume_type": TYPE, "data": {...}}``; ``data`` by type:

========= ==================================================================================
local     ``device_path``, ``format``: the file or device itself, on this very machine
nbd       ``export`` (its name), ``format`` (raw: QEMU's server has opened the image), and
          either ``socket`` (a unix socket) or ``host``, ``port`` and ``tls`` (true: mutual
          x509, the compute host shows its certificate)
iscsi     ``target_portal`` ("IP:PORT"), ``target_iqn``, ``target_lun``, ``auth_method``
          ("CHAP"), ``auth_username``, ``auth_password``
nfs       ``share`` ("SERVER:/PATH"), ``name`` (of the file on it), ``format``
fake      ``volume``: which one, by its backend's name for it
========= ==================================================================================

and in all: ``volume_id``, ``access_mode`` (rw or ro), ``encrypted``, ``qos_specs`` (bounds of
the guest's disk by libvirt's names, or None), ``multiattach``.
"""

from typing import Any

LOCAL = "local"
NBD = "nbd"
ISCSI = "iscsi"
NFS = "nfs"
FAKE = "fake"

#: Through these a volume can grow while a guest uses it (measured: QEMU 7.2).
GROWS_ONLINE = frozenset({LOCAL, NFS, FAKE})

_SECRET = frozenset({"auth_password", "discovery_auth_password", "export", "key"})


def without_secrets(info: dict[str, Any] | None) -> dict[str, Any] | None:
    """What of it may be kept in the database and shown."""
    if info is None:
        return None
    data = {name: value for name, value in info.get("data", {}).items() if name not in _SECRET}
    return {**info, "data": data}
