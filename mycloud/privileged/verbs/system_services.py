"""Services of the system that mycloud looks at, starts and stops: a closed list."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mycloud.privileged import errors, run
from mycloud.privileged.expose import expose

_SYSTEMCTL = "/usr/bin/systemctl"
#: it is there exactly if systemd is the first process
_RUNNING = Path("/run/systemd/system")
_TOLD = ("LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID")

Unit = Literal[
    "libvirtd.service", "virtlogd.service", "virtqemud.service", "lldpd.service",
    "lldpad.service", "iscsid.service", "multipathd.service", "NetworkManager.service",
    "openvswitch-switch.service", "mycloud-compute.service", "mycloud-volume.service",
]


@expose(touches="nothing", idempotent=True)
def system_service_status(unit: Unit) -> dict[str, str]:
    """How a service is, in the words of ``systemctl show``; one that is not installed has the
    LoadState ``not-found``."""
    told = _systemctl(["show", "--property", ",".join(_TOLD), "--", unit], 30.0)
    found = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    return {name: found.get(name, "") for name in _TOLD}


@expose(touches="a service of the system", idempotent=True, deadline=120.0)
def system_service_start(unit: Unit) -> None:
    """One that runs goes on."""
    _systemctl(["start", "--", unit], 120.0)


@expose(touches="a service of the system", idempotent=True, deadline=120.0)
def system_service_stop(unit: Unit) -> None:
    """One that does not run stays so."""
    _systemctl(["stop", "--", unit], 120.0)


@expose(touches="a service of the system", deadline=120.0)
def system_service_restart(unit: Unit) -> None:
    """Stop it and start it; one that does not run is started."""
    _systemctl(["restart", "--", unit], 120.0)


def _systemctl(words: list[str], seconds: float) -> str:
    if not _RUNNING.is_dir():
        raise errors.Refused(
            "systemd does not run on this host, so mycloud can't look at, start or stop its "
            "services; do it by the means of this host"
        )
    return run.run([_SYSTEMCTL, "--no-pager", *words], timeout=seconds).stdout
