"""How the host reaches its disks, and who uses them."""

from __future__ import annotations

from typing import Any

from mycloud.agent.host import Host
from mycloud.agent.registry import verb
from mycloud.privileged import client, errors
from mycloud.privileged.arguments import AbsolutePath


@verb("host.storage")
def storage(host: Host) -> dict[str, Any]:
    """Tell the SCSI devices, iSCSI sessions and multipath disks of the host.

    - ``scsi``: each ``address``, ``vendor``, ``model``, ``revision``, ``state``, ``wwid``,
      ``disk`` and ``size``
    - ``iscsi``: each ``target``, ``state``, ``initiator``, ``connections`` and ``devices``
    - ``multipath``: each ``name``, ``wwid``, ``device``, ``size`` and ``paths``; None where the
      host has no tools for it, and then ``multipath_reason`` says why
    """
    try:
        multipath, reason = client.call.multipath_status(), None
    except errors.Refused as error:
        multipath, reason = None, error.message
    return {
        "scsi": client.call.scsi_devices(),
        "iscsi": client.call.scsi_iscsi_sessions(),
        "multipath": multipath,
        "multipath_reason": reason,
    }


@verb("host.open_files", private=True)
def open_files(host: Host, *, path: AbsolutePath) -> dict[str, Any]:
    """Tell which processes use a device, or a file of the cloud.

    ``users``: each ``pid``, ``program``, ``uid`` and ``uses``.
    """
    return {"users": client.call.open_files(path)}
