"""SCSI devices and iSCSI sessions of this host, as the kernel shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mycloud.privileged.expose import expose

_SYS = Path("/sys")
_SECTOR = 512
#: of a session: what is told, and the kernel's name of it. Its passwords are not.
_SESSION = {
    "target": "targetname", "portal_group": "tpgt", "state": "state",
    "initiator": "initiatorname", "interface": "ifacename",
}
_CONNECTION = {
    "address": "address", "port": "port", "persistent_address": "persistent_address",
    "persistent_port": "persistent_port",
}


@expose(touches="nothing", idempotent=True, deadline=10.0)
def scsi_iscsi_sessions() -> list[dict[str, Any]]:
    """Every session of this host's initiator, with its connections and disks; none where the
    kernel has no iSCSI."""
    return [
        {
            "name": session.name,
            **_told(session, _SESSION),
            "connections": [
                _told(each, _CONNECTION) for each in _connections(session)
            ],
            "devices": [
                _device(each) for each in sorted((session / "device").glob("target*/*:*:*:*"))
            ],
        }
        for session in sorted((_SYS / "class" / "iscsi_session").glob("session*"))
    ]


@expose(touches="nothing", idempotent=True, deadline=10.0)
def scsi_devices() -> list[dict[str, Any]]:
    """Every SCSI device: where it is, what it is, and the name of its disk."""
    return [
        _device(each) for each in sorted((_SYS / "bus" / "scsi" / "devices").glob("*:*:*:*"))
    ]


def _connections(session: Path) -> list[Path]:
    number = session.name.removeprefix("session")
    return sorted((_SYS / "class" / "iscsi_connection").glob(f"connection{number}:*"))


def _device(path: Path) -> dict[str, Any]:
    disk = next((path / "block").glob("*"), None)
    size = None if disk is None else _read(disk / "size")
    return {
        "address": path.name,
        **_told(path, {"vendor": "vendor", "model": "model", "revision": "rev", "state": "state",
                       "wwid": "wwid"}),
        "disk": None if disk is None else disk.name,
        "size": None if size is None else int(size) * _SECTOR,
    }


def _told(directory: Path, names: dict[str, str]) -> dict[str, str | None]:
    return {told: _read(directory / name) for told, name in names.items()}


def _read(path: Path) -> str | None:
    try:
        words = path.read_text(errors="replace").strip()
    except OSError:
        return None
    return None if words in ("", "<NULL>", "(null)") else words
