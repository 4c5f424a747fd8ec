"""Starting, stopping, showing and taking away a machine that has joined a cloud."""

import shutil
from typing import Any

from mycloud.local import guests, privileged
from mycloud.local.layout import Layout
from mycloud.local.node import daemons, record
from mycloud.local.node.cloud import Member
from mycloud.local.node.record import Record
from mycloud.local.settings import LocalError, Tell


def status(layout: Layout) -> dict[str, Any]:
    """What runs here, and what the cloud knows of it; of plain values.

    ``health`` is ``up``, ``down`` or ``degraded``.

    :raises LocalError: the machine has not joined
    """
    found = record.joined(layout)
    pids = {process.name: process.pid(layout) for process in found.processes(layout)}
    if layout.of_root.exists():
        pids[privileged.NAME] = privileged.pid(layout)
    daemon = guests.daemon(layout, found.name)
    running = 0
    if daemon is not None:
        state = daemon.status()
        pids |= {"libvirtd": state.libvirtd, "virtlogd": state.virtlogd}
        running = state.guests
    known, problem = _known(layout, found)
    own = [pid for name, pid in pids.items() if name.startswith("mycloud-")]
    up = known is not None and known["service"] is not None and known["service"]["up"]
    return {
        "health": "up" if all(own) and up else "degraded" if any(own) or up else "down",
        "name": found.name,
        "address": found.wanted.address,
        "hypervisor": found.wanted.hypervisor,
        "cloud": found.urls[0],
        "joined_at": found.joined_at,
        "pids": pids,
        "guests": running,
        "known_to_the_cloud": known if known is not None else problem,
        "state": str(layout.state),
        "log_dir": str(layout.logs),
    }


def _known(layout: Layout, found: Record) -> tuple[dict[str, Any] | None, str]:
    try:
        return Member(layout, found).status(), ""
    except LocalError as error:
        return None, str(error)


def stop(layout: Layout, tell: Tell, *, keep_guests: bool) -> bool:
    """Stop what runs here; the machine stays one of the cloud. False if nothing ran.

    :raises LocalError: the machine has not joined
    """
    found = record.joined(layout)
    return daemons.stop(layout, found, tell, guests_too=not keep_guests)


def leave(layout: Layout, tell: Tell, *, force: bool) -> Record:
    """Take the machine out of the cloud: no servers come to it any more, nothing runs on it.

    :param force: leave servers behind, and leave also when the cloud can't be told
    :raises LocalError: there are servers on it, or the cloud can't be told
    """
    found = record.joined(layout)
    daemon = guests.daemon(layout, found.name)
    count = daemon.status().guests if daemon is not None else 0
    if count and not force:
        raise LocalError(
            f"{count} guest(s) run here; move or delete their servers first, or say --force to "
            "end them"
        )
    try:
        Member(layout, found).leave(force=force)
    except LocalError as error:
        if not force:
            raise
        tell(f"The cloud is not told: {error}")
        tell(f"There: mycloud service set --disable {found.name}; mycloud node forget")
    daemons.stop(layout, found, tell, guests_too=True)
    layout.node.unlink()
    layout.compute_config(found.name).unlink(missing_ok=True)
    shutil.rmtree(layout.certificates, ignore_errors=True)
    return found
