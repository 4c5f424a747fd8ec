"""What of a cloud on this machine runs, and how it is reached."""

import os
import pwd
from importlib import metadata
from typing import Any

from mycloud.local import guests, lifecycle, privileged, supervisor
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, Settings, load

PATHS = {
    "identity": "/identity/v3",
    "compute": "/compute/v2.1",
    "volume": "/volume/v3",
    "image": "/image",
    "cloud": "/cloud/v1",
}


def of(layout: Layout) -> dict[str, Any]:
    """A description of the cloud, of plain values.

    ``health`` is ``up``, ``down`` or ``degraded`` (some process is missing, or the API is silent).

    :raises LocalError: there is no cloud in this state directory
    """
    settings = load(layout)
    if settings is None:
        raise LocalError(f"There is no cloud in {layout.state}; 'mycloud up' makes one")
    pids = _pids(layout, settings)
    own = [pids[process.name] for process in supervisor.wanted(layout, settings)]
    if settings.user is not None:
        own.append(pids[privileged.NAME])
    answering = lifecycle.answers(settings)
    return {
        "health": _health(own, answering),
        "state": str(layout.state),
        "url": settings.url,
        "urls": {name: settings.url + path for name, path in PATHS.items()},
        "answers": answering,
        "pids": pids,
        "hypervisor": settings.hypervisor,
        "user": settings.user or pwd.getpwuid(os.geteuid()).pw_name,
        "hosts": list(settings.hosts),
        "guests": {host: _guests(layout, host) for host in settings.hosts},
        "version": metadata.version("mycloud"),
        "clouds_yaml": str(layout.clouds),
        "log_dir": str(layout.logs),
    }


def _health(own: list[int | None], answering: bool) -> str:
    if all(own) and answering:
        return "up"
    return "degraded" if any(own) else "down"


def _pids(layout: Layout, settings: Settings) -> dict[str, int | None]:
    found = {}
    if settings.user is not None:
        found[privileged.NAME] = privileged.pid(layout)
    for process in supervisor.wanted(layout, settings):
        found[process.name] = process.pid(layout)
    for host in settings.hosts:
        daemon = guests.daemon(layout, host)
        if daemon is not None:
            status = daemon.status()
            found[f"libvirtd-{host}"] = status.libvirtd
            found[f"virtlogd-{host}"] = status.virtlogd
    return found


def _guests(layout: Layout, host: str) -> int:
    daemon = guests.daemon(layout, host)
    return daemon.status().guests if daemon is not None else 0
