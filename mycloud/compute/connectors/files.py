"""Volumes that are files or devices on this host, or files on a share that it has mounted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mycloud.compute.connectors.base import DiskSource, ThisHost, failed, field

_MOUNTS = Path("/proc/self/mountinfo")
_FORMATS = ("raw", "qcow2")
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
#: as the kernel writes what would end a word
_ESCAPED = re.compile(r"\\([0-7]{3})")


def local(connection: Mapping[str, Any], host: ThisHost) -> DiskSource:
    """The file or device itself.

    :raises ConnectionFailed: it is not on this machine
    """
    path = Path(field(connection, "device_path"))
    if not path.is_absolute() or not (path.is_file() or path.is_block_device()):
        raise failed(connection, "the file or device that should hold it is not on this machine")
    return DiskSource(_format(connection), path)


def nfs(connection: Mapping[str, Any], host: ThisHost) -> DiskSource:
    """The file under the place where this host has mounted the share.

    :raises ConnectionFailed: the share is not mounted here, or has no such file
    """
    share, name = field(connection, "share"), field(connection, "name")
    if not all(_SAFE_NAME.match(part) for part in name.split("/")):
        raise failed(connection, "its name can't be that of a file on a share")
    places = mount_points(share)
    if not places:
        raise failed(connection, f"this host has not mounted {share}; mount it and try again")
    for place in places:
        if (place / name).is_file():
            return DiskSource(_format(connection), place / name)
    raise failed(connection, f"there is no file for it on {share}")


def mount_points(share: str) -> list[Path]:
    """Where this host has mounted a share, the last mounted first."""
    found: list[Path] = []
    for line in _MOUNTS.read_text().splitlines():
        # 36 35 98:0 ROOT PLACE OPTIONS ... - TYPE SOURCE SUPER-OPTIONS
        words, _, rest = line.partition(" - ")
        kind, source, *_ = rest.split(" ")
        if kind.startswith("nfs") and _unescaped(source).rstrip("/") == share.rstrip("/"):
            found.insert(0, Path(_unescaped(words.split(" ")[4])))
    return found


def _unescaped(word: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), word)


def _format(connection: Mapping[str, Any]) -> str:
    name: str = field(connection, "format")
    if name not in _FORMATS:
        raise failed(connection, f"a guest can't use the format {name!r}")
    return name
