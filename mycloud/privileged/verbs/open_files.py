"""Who has a file or a device open."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mycloud.privileged import allowed, current, errors
from mycloud.privileged.arguments import AbsolutePath
from mycloud.privileged.expose import expose
from mycloud.privileged.roots import Roots

_PROC = Path("/proc")
_DEVICES = "/dev"
_PLACES = ("cwd", "root", "exe")


@expose(touches="nothing", idempotent=True, deadline=30.0)
def open_files(path: AbsolutePath) -> list[dict[str, Any]]:
    """The processes that use a device below /dev or a file of the cloud, and how: ``fd 7``,
    ``cwd``, ``root``, ``exe`` or ``mapped``. What the helper itself may not look into is left
    out."""
    wanted = _wanted(path)
    found = []
    for process in sorted(_PROC.glob("[0-9]*"), key=lambda each: int(each.name)):
        try:
            ways = list(_ways(process, wanted))
            if ways:
                found.append({
                    "pid": int(process.name),
                    "program": (process / "comm").read_text().strip(),
                    "uid": process.stat().st_uid,
                    "uses": ways,
                })
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            # it has ended, or a container lies around us and it is outside
            continue
    return found


def _wanted(path: str) -> os.stat_result:
    if path.startswith(f"{_DEVICES}/"):
        # links there are root's
        try:
            return os.stat(path)
        except FileNotFoundError:
            raise errors.Refused(f"there is no {path}") from None
    roots = Roots(current.service_dir(), *map(Path, allowed.entries(allowed.MOUNT_ROOTS)))
    found = roots.open(path, os.O_PATH)
    try:
        return os.fstat(found)
    finally:
        os.close(found)


def _ways(process: Path, wanted: os.stat_result) -> Iterator[str]:
    for each in sorted((process / "fd").iterdir(), key=lambda each: int(each.name)):
        if _may_be(process, each, wanted) and _is(each, wanted):
            yield f"fd {each.name}"
    for name in _PLACES:
        if _is(process / name, wanted):
            yield name
    mark = f" {os.major(wanted.st_dev):02x}:{os.minor(wanted.st_dev):02x} {wanted.st_ino} "
    if any(mark in line for line in (process / "maps").read_text().splitlines()):
        yield "mapped"


def _may_be(process: Path, opened: Path, wanted: os.stat_result) -> bool:
    """What is certainly another file is not looked at: its server may be away."""
    if stat.S_ISBLK(wanted.st_mode):
        return os.readlink(opened).startswith(_DEVICES)
    try:
        told = (process / "fdinfo" / opened.name).read_text()
    except FileNotFoundError:
        return False
    number = next((line[4:].strip() for line in told.splitlines() if line.startswith("ino:")), "")
    return number in ("", str(wanted.st_ino))


def _is(link: Path, wanted: os.stat_result) -> bool:
    try:
        found = os.stat(link)
    except OSError:
        return False
    if stat.S_ISBLK(wanted.st_mode):
        return stat.S_ISBLK(found.st_mode) and found.st_rdev == wanted.st_rdev
    return (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino)
