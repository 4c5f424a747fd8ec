"""DHCP clients: the host's own ``dhclient`` or ``udhcpc``, told what to do with a lease.

A client outlives the helper.  It is known by a script of its own, which it runs as root at each
event; so the script lies where only root can rename a directory above it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mycloud.privileged
from mycloud.privileged import current, digest, errors, source_routes
from mycloud.privileged.network.model import Client
from mycloud.privileged.run import run

_RUN = Path("/run/mycloud-privileged")
_PLACES = ("/usr/sbin", "/sbin", "/usr/bin", "/bin")
_LEADS = "leads"
_END_SECONDS = 5.0
_SCRIPT = """#!{python} -E
import sys
sys.path.insert(0, {root!r})
from mycloud.privileged.network.lease import main
sys.exit(main({link!r}, {family!r}, default_route={leads!r}))
"""


def running() -> frozenset[Client]:
    """Those that run."""
    clients = {_script(client): client for client in _known()}
    if not clients:
        return frozenset()
    return frozenset(clients[script] for script, _ in _processes(set(clients)))


def start(client: Client) -> None:
    """Let it ask for a lease, and renew it from then on.

    :raises Refused: no client is installed
    """
    if client in running():
        return
    script = _script(client)
    command = _command(client, script)
    _RUN.mkdir(mode=0o755, exist_ok=True)
    script.parent.mkdir(mode=0o700, exist_ok=True)
    fd = os.open(script, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o700)
    with os.fdopen(fd, "w") as out:
        out.write(_SCRIPT.format(
            python=sys.executable, root=str(Path(mycloud.privileged.__path__[0]).parents[1]),
            link=client.link, family=client.family, leads=client.default_route,
        ))
    subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True, cwd="/", close_fds=True,
        env={"PATH": ":".join(_PLACES), "LC_ALL": "C"},
    )


def stop(client: Client) -> None:
    """End it, and the routes of its own that it has set; one that is gone is no failure."""
    script = _script(client)
    pids = [pid for _, pid in _processes({script})]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)
        until = time.monotonic() + _END_SECONDS
        while pids and time.monotonic() < until:
            pids = [pid for _, pid in _processes({script})]
            time.sleep(0.02 if pids else 0)
    source_routes.remove(client.link, int(client.family[1]))
    for left in (script, script.with_suffix(".lease")):
        left.unlink(missing_ok=True)
    for directory in (script.parent, _RUN):
        with contextlib.suppress(OSError):
            directory.rmdir()


def _command(client: Client, script: Path) -> list[str]:
    wanted = f"-{client.family[1]}"
    lease = script.with_suffix(".lease")
    dhclient, udhcpc, busybox = map(_installed, ("dhclient", "udhcpc", "busybox"))
    if dhclient:
        return [
            dhclient, wanted, "-d", "-q", "-pf", "/dev/null", "-lf", str(lease),
            "-sf", str(script), client.link,
        ]
    ask = ["-f", "-t", "5", "-A", "5", "-i", client.link, "-s", str(script)]
    if client.family == "v4" and udhcpc:
        return [udhcpc, *ask]
    if client.family == "v4" and busybox and "udhcpc" in run([busybox, "--list"]).stdout.split():
        return [busybox, "udhcpc", *ask]
    raise errors.Refused(
        f"No client of DHCP{client.family} is installed on this host: install isc-dhcp-client"
        + (" or udhcpc" if client.family == "v4" else "") + ", or give the network addresses"
    )


def _installed(program: str) -> str | None:
    found = [f"{place}/{program}" for place in _PLACES if os.access(f"{place}/{program}", os.X_OK)]
    return found[0] if found else None


def _directory() -> Path:
    state = os.path.realpath(current.state_dir())
    return _RUN / f"dhcp-{digest.of(state)}"


def _script(client: Client) -> Path:
    end = f".{_LEADS}" if client.default_route else ""
    return _directory() / f"{client.link}.{client.family}{end}.event"


def _known() -> Iterator[Client]:
    """Those that were started and not stopped."""
    for path in _directory().glob("*.event"):
        words = path.name.removesuffix(".event").split(".")
        leads = words[-1] == _LEADS
        *link, family = words[:-1] if leads else words
        yield Client(".".join(link), family, leads)


def _processes(scripts: set[Path]) -> Iterator[tuple[Path, int]]:
    """The living processes that one of these scripts was named to, leaders of their session."""
    wanted = {os.fsencode(script): script for script in scripts}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
            named = [wanted[word] for word in words if word in wanted]
            if named and os.getsid(int(entry.name)) == int(entry.name):
                yield named[0], int(entry.name)
        except OSError:
            continue


