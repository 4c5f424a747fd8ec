"""What root allows the helper to touch, in files that only root can write.

Each is a list in the directory ``allowed`` of the helper's own state: one name on a line, which
may end with ``*``, and perhaps a word that tells how to use it; what follows ``#`` is for people.
Where there is no such file, the default holds.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from mycloud.privileged import current, errors, ownership

_DIRECTORY = "allowed"


@dataclasses.dataclass(frozen=True)
class Allowance:
    """:ivar file: its name in the directory
    :ivar what: that are in the list, for people
    :ivar default: if there is no file
    """

    file: str
    what: str
    default: tuple[str, ...]


VOLUME_GROUPS = Allowance("volume-groups", "volume group", ("mycloud-*",))
#: those of the volumes of such groups begin so, too
DEVICE_MAPPINGS = Allowance("device-mappings", "device mapping", ("mycloud-*",))
#: beside the cloud's own state directory
MOUNT_ROOTS = Allowance("mount-roots", "directory", ())


def path(allowance: Allowance) -> Path:
    """Where its list is, as people know it."""
    return current.service_dir() / "privileged" / _DIRECTORY / allowance.file


def entries(allowance: Allowance) -> tuple[str, ...]:
    """The lines.  :raises Refused: others than root can write to the list"""
    try:
        with ownership.opened_by_root(current.state_dir(), _DIRECTORY, allowance.file) as file:
            text = file.read()
    except FileNotFoundError:
        return allowance.default
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def check(allowance: Allowance, name: str) -> str:
    """What the list says of the name: a word, or nothing.

    :raises Refused: tells where root can allow it
    """
    for line in entries(allowance):
        allowed, *told = line.split(maxsplit=1)
        if name.startswith(allowed[:-1]) if allowed.endswith("*") else name == allowed:
            return "".join(told)
    raise errors.Refused(
        f"the {allowance.what} {name} is not among those that root allows mycloud to use; let "
        f"root add a line {name} to {path(allowance)}"
    )
