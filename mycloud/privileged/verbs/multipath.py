"""Disks that are reached by several ways."""

from __future__ import annotations

import re
from typing import Any

from mycloud.privileged import errors, run
from mycloud.privileged.expose import expose

_MULTIPATH = "/usr/sbin/multipath"
#: name, perhaps the identity of the disk, device, vendor and product
_MAP = re.compile(r"(\S+)(?: \((\S+)\))? (dm-\d+) (.*)")
_SIZE = re.compile(r"size=(\S+).*\bwp=(\S+)")
_GROUP = re.compile(r"[\s|`+-]*policy='([^']*)' prio=(-?\d+) status=(\S+)")
_PATH = re.compile(
    r"[\s|`+-]*([\d#]+:[\d#]+:[\d#]+:[\d#]+)" + r"\s+(\S+)" * 5
)


@expose(touches="nothing", idempotent=True, deadline=60.0)
def multipath_status() -> list[dict[str, Any]]:
    """Every disk with several ways, and the state of each of these."""
    try:
        told = run.run([_MULTIPATH, "-ll"], timeout=60.0).stdout
    except errors.ProgramFailed as error:
        if error.details["status"] == 127:
            raise errors.Refused(
                f"{_MULTIPATH} is not installed; install the package multipath-tools"
            ) from None
        raise
    return parse(told)


def parse(told: str) -> list[dict[str, Any]]:
    """What ``multipath -ll`` says."""
    maps: list[dict[str, Any]] = []
    group: dict[str, Any] = {}
    for line in told.splitlines():
        if found := _GROUP.match(line):
            policy, priority, status = found.groups()
            group = {"group": status, "policy": policy, "priority": int(priority)}
        elif maps and (found := _PATH.match(line)):
            address, device, number, mapped, checked, known = found.groups()
            maps[-1]["paths"].append({
                "address": address, "device": device, "number": number, "state": mapped,
                "check": checked, "kernel": known, **group,
            })
        elif maps and (found := _SIZE.match(line)):
            maps[-1].update(size=found[1], writable=found[2] == "rw")
        elif found := _MAP.fullmatch(line.strip()):
            name, identity, device, product = found.groups()
            maps.append({
                "name": name, "wwid": identity or name, "device": device,
                "product": product.strip(), "size": None, "writable": None, "paths": [],
            })
    return maps
