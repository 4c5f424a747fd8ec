"""The units of a machine that has joined, where systemd runs its services.

They are those of etc/mycloud/systemd, with this machine's commands and user.
"""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mycloud.local import privileged, supervisor
from mycloud.local.layout import Layout
from mycloud.local.node.record import Record
from mycloud.local.settings import LocalError, Tell

_SYSTEMD = Path("/run/systemd/system")
_FOLDER = Path("/etc/systemd/system")
_SYSTEMCTL = "/usr/bin/systemctl"
#: Where the units may be, first match wins.
_PLACES = (
    Path(__file__).parents[3] / "etc" / "mycloud" / "systemd",
    Path(sys.prefix) / "etc" / "mycloud" / "systemd",
    Path("/etc/mycloud/systemd"),
)
_HEAD = "# Written by 'mycloud node join'.\n"
#: In the order in which they start.
_NAMES = ("mycloud-privileged.service", "mycloud-compute.service")


def wanted() -> bool:
    """Whether systemd runs the services of this machine."""
    return _SYSTEMD.is_dir()


def installed(layout: Layout) -> bool:
    """Whether systemd runs the programs of this state directory."""
    try:
        text = (_FOLDER / _NAMES[1]).read_text()
    except FileNotFoundError:
        return False
    return text.startswith(_HEAD) and str(layout.state) in text


def check(layout: Layout) -> None:
    """:raises LocalError: units of that name are somebody else's, or there is nothing to make"""
    _templates()
    for name in _NAMES:
        path = _FOLDER / name
        if path.exists() and not installed(layout):
            raise LocalError(
                f"{path} is there already and not of {layout.state}; remove it (systemctl disable "
                f"--now {name}), or leave there by 'mycloud node leave'"
            )


def take_over(layout: Layout, record: Record, tell: Tell) -> None:
    """Let systemd run what was started in the background, now and at every boot.

    :raises LocalError: it can't
    """
    templates = _templates()
    tell("Letting systemd run the programs")
    [compute] = record.processes(layout)
    supervisor.stop(layout, [compute])
    privileged.stop(layout)
    pid_file = layout.pid_file(compute.name)
    helper = privileged.command(layout, record.wanted.user)
    _write(_NAMES[0], templates, {"ExecStart": shlex.join(helper)})
    _write(
        _NAMES[1], templates,
        {
            "ExecStart": shlex.join(compute.command(layout)),
            # by which 'mycloud node status' finds it
            "ExecStartPost": f"/bin/sh -c 'echo $MAINPID > {shlex.quote(str(pid_file))}'",
            "User": record.wanted.user,
            "Environment": f"HOME={layout.state}",
            "StateDirectory": None,
            **({"ProtectHome": None} if _at_home(layout) else {}),
        },
    )
    _systemctl("daemon-reload")
    start(enable=True)


def start(*, enable: bool = False) -> None:
    """Start what does not run.

    :raises LocalError:
    """
    _systemctl(*(["enable", "--now"] if enable else ["start"]), *_NAMES)


def stop() -> None:
    """:raises LocalError:"""
    _systemctl("stop", *reversed(_NAMES))


def remove() -> None:
    """Stop the programs, and let nothing start them any more.

    :raises LocalError:
    """
    _systemctl("disable", "--now", *reversed(_NAMES))
    for name in _NAMES:
        (_FOLDER / name).unlink(missing_ok=True)
    _systemctl("daemon-reload")


# -- how --------------------------------------------------------------------


def _at_home(layout: Layout) -> bool:
    """Whether the program or the state lies where ProtectHome= hides it."""
    places = (layout.state, Path(sys.executable), Path(sys.prefix), Path(__file__))
    homes = (Path("/home"), Path("/root"), Path("/run/user"))
    return any(home in place.parents for place in places for home in homes)


def _templates() -> Path:
    for place in _PLACES:
        if all((place / name).is_file() for name in _NAMES):
            return place
    raise LocalError(
        f"The units of mycloud are in none of {', '.join(map(str, _PLACES))}; copy them to the "
        "last one"
    )


def _write(name: str, templates: Path, changes: Mapping[str, str | None]) -> None:
    """A unit with other lines at the end of its [Service] in place of those that it has; None: no
    such line."""
    lines = [
        line
        for line in (templates / name).read_text().splitlines()
        if line.partition("=")[0] not in changes
    ]
    end = lines.index("[Install]")
    lines[end:end] = [
        f"{option}={value.replace('%', '%%')}"
        for option, value in changes.items()
        if value is not None
    ]
    text = "\n".join(lines) + "\n"
    path = _FOLDER / name
    fresh = path.with_suffix(".new")
    fresh.write_text(_HEAD + text)
    fresh.replace(path)


def _systemctl(*words: str) -> None:
    command: Sequence[str] = [_SYSTEMCTL, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise LocalError(f"systemctl {' '.join(words)}: {said[-1]}; see journalctl -xe")
