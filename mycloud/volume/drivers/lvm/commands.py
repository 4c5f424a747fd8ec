"""What is asked of LVM, one function for each thing.

The root helper runs LVM's tools (``mycloud.privileged.verbs.lvm``); to read and write a volume,
this user gets its device. Sizes are bytes.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from oslo_concurrency import processutils

from mycloud.privileged import client, lvm_words
from mycloud.privileged.errors import PrivilegedError, ProgramFailed

_FULL = re.compile(r"insufficient (?:suitable )?(?:allocatable |free )?(?:space|extents)|"
                   r"free space.*required|No space left|out of (?:data |metadata )?space",
                   re.IGNORECASE)
_NO_GROUP = re.compile(r'Volume group "[^"]*" not found')
#: zeros are written in pieces, so that the program ends soon when it is told to
_STEP = 64 << 20
#: of a snapshot that is not thin, and what else its store needs
_CHUNK = 4096
_SPARE = 1 << 20


class LvmFailed(Exception):
    """LVM has refused.

    :ivar reason: its own words
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class GroupMissing(LvmFailed):
    """There is no such volume group."""


class NoSpace(LvmFailed):
    """The volume group or the pool has no room."""


class Execute(Protocol):
    """Runs a program to its end, as this user; returns its output and what it said.

    :raises processutils.ProcessExecutionError: its exit status is not 0
    """

    def __call__(self, *cmd: str) -> tuple[str, str]: ...


@dataclasses.dataclass(frozen=True)
class Group:
    """A volume group.

    :ivar volumes: how many logical volumes it has
    """

    name: str
    size: int
    free: int
    volumes: int


@dataclasses.dataclass(frozen=True)
class LogicalVolume:
    """One that has a name of its own; what LVM hides inside of others is not shown.

    :ivar size: as a guest sees it
    :ivar kind: LVM's segment type: ``linear``, ``thin``, ``thin-pool`` ...
    :ivar origin: of a snapshot; a thin one loses it when the origin is removed
    :ivar used: part of a pool or of a snapshot's store that is taken, 0 to 1
    :ivar zeroing: of a pool: a block is zeroed before it is given to a volume
    :ivar opened: some program or another device uses it now
    """

    name: str
    size: int
    kind: str = "linear"
    origin: str = ""
    pool: str = ""
    used: float = 0.0
    metadata_used: float = 0.0
    zeroing: bool = False
    active: bool = True
    opened: bool = False
    writable: bool = True
    tags: frozenset[str] = frozenset()

    @property
    def thin(self) -> bool:
        return self.kind == "thin"

    @property
    def copy_on_write(self) -> bool:
        """A snapshot that is not thin."""
        return bool(self.origin) and not self.thin


class Lvm:
    """One volume group.

    :param call: asks the root helper for the verb that is its attribute, for tests
    :param execute: runs what needs no root, for tests
    :raises ValueError: it can't be a name of LVM's
    """

    def __init__(
        self, group: str, *, call: Any = None, execute: Execute | None = None
    ) -> None:
        self.group = checked(group)
        self._call = call or client.call
        self._execute = execute or _execute

    # -- questions ----------------------------------------------------------

    def volume_group(self) -> Group:
        """:raises GroupMissing:"""
        rows = _told(self._call.lvm_groups, self.group)
        if not rows:
            raise GroupMissing(f'Volume group "{self.group}" not found')
        [row] = rows
        return Group(self.group, int(row["vg_size"]), int(row["vg_free"]), int(row["lv_count"]))

    def logical_volumes(self) -> list[LogicalVolume]:
        """:raises GroupMissing:"""
        return [_logical_volume(row) for row in _told(self._call.lvm_volumes, self.group)]

    def logical_volume(self, name: str) -> LogicalVolume | None:
        """:raises GroupMissing:"""
        rows = _told(self._call.lvm_volumes, self.group, name=checked(name))
        return _logical_volume(rows[0]) if rows else None

    def segment_types(self) -> set[str]:
        """What the tools can make."""
        return set(_told(self._call.lvm_segment_types, self.group))

    def device(self, name: str) -> Path:
        """The device of an active volume, which this user may read and write from now on.

        :raises LvmFailed: it is not active
        """
        return Path(_told(self._call.lvm_give, self.group, checked(name)))

    def reaches(self, name: str) -> bool:
        """Whether this user may read and write the device of a volume."""
        return os.access(f"/dev/{self.group}/{checked(name)}", os.R_OK | os.W_OK)

    def users(self, name: str) -> list[str]:
        """The programs that have the device of a volume open, as people know them."""
        try:
            found = self._call.open_files(f"/dev/{self.group}/{checked(name)}")
        except PrivilegedError:
            return []
        return [f"{each['program']} (process {each['pid']})" for each in found]

    # -- making -------------------------------------------------------------

    def create_pool(self, name: str) -> None:
        """A thin pool of nearly all that is free, whose blocks are zeroed before a volume gets
        them.

        :raises NoSpace:
        """
        _told(self._call.lvm_create_pool, self.group, checked(name))

    def fail_when_full(self, pool: str) -> None:
        """Let what is written to a pool that is full fail at once, instead of a minute later."""
        _told(self._call.lvm_fail_when_full, self.group, checked(pool))

    def create(self, name: str, size: int, tags: Iterable[str]) -> None:
        """An active volume that holds what was on its disk before.  :raises NoSpace:"""
        _told(
            self._call.lvm_create, self.group, checked(name), _positive(size), _tags(tags)
        )

    def create_thin(self, name: str, size: int, pool: str, tags: Iterable[str]) -> None:
        """An active thin volume of zeros.  :raises NoSpace:"""
        _told(
            self._call.lvm_create_thin, self.group, checked(name), _positive(size),
            checked(pool), _tags(tags),
        )

    def snapshot(self, origin: str, size: int, name: str, tags: Iterable[str]) -> None:
        """A read-only snapshot with room for every block of its origin: it can't overflow.

        :param size: of the origin
        :raises NoSpace:
        """
        # 16 bytes for each of its chunks; LVM takes less if that is all that can ever be used.
        # "100%ORIGIN" would mean: or what is left
        store = size + size // (_CHUNK // 16) + _SPARE
        _told(
            self._call.lvm_snapshot, self.group, checked(origin), _positive(store),
            checked(name), _tags(tags),
        )

    def snapshot_thin(
        self, origin: str, name: str, tags: Iterable[str], *, writable: bool
    ) -> None:
        """A thin snapshot, active like any volume.  :raises NoSpace:"""
        _told(
            self._call.lvm_snapshot_thin, self.group, checked(origin), checked(name),
            _tags(tags), writable=writable,
        )

    # -- changing -----------------------------------------------------------

    def extend(self, name: str, size: int) -> None:
        """:raises NoSpace:"""
        _told(self._call.lvm_extend, self.group, checked(name), _positive(size))

    def rename(self, name: str, new: str) -> None:
        _told(self._call.lvm_rename, self.group, checked(name), checked(new))

    def activate(self, name: str) -> None:
        _told(self._call.lvm_activate, self.group, checked(name))

    def deactivate(self, name: str) -> None:
        """:raises LvmFailed: it is in use"""
        _told(self._call.lvm_deactivate, self.group, checked(name))

    def tag(self, name: str, tags: Iterable[str]) -> None:
        _told(self._call.lvm_tag, self.group, checked(name), _tags(tags))

    def untag(self, name: str, tags: Iterable[str]) -> None:
        _told(self._call.lvm_untag, self.group, checked(name), _tags(tags))

    def make_writable(self, name: str) -> None:
        _told(self._call.lvm_make_writable, self.group, checked(name))

    def split(self, snapshot: str) -> None:
        """Make a volume of its own of the store of a snapshot that is not thin; what it holds is
        of no use, but can be cleared."""
        _told(self._call.lvm_split, self.group, checked(snapshot))

    def remove(self, name: str) -> None:
        """:raises LvmFailed: it is in use"""
        _told(self._call.lvm_remove, self.group, checked(name))

    # -- what a volume holds ------------------------------------------------

    def zero(self, name: str, start: int = 0, end: int | None = None) -> None:
        """Let a part of an active volume read as zeros, whatever was there.

        :param end: None: to its end
        :raises LvmFailed: somebody uses it
        """
        length = [] if end is None else ["--length", str(_positive(end - start))]
        self._run(
            "blkdiscard", "--zeroout", "--step", str(_STEP), "--offset", str(start), *length,
            str(self.device(name)),
        )

    def discard(self, name: str) -> None:
        """Give back all blocks of an active thin volume: those that it has whole read as zeros.

        :raises LvmFailed: somebody uses it, or the pool takes nothing back
        """
        self._run("blkdiscard", str(self.device(name)))

    # -- inside -------------------------------------------------------------

    def _run(self, *cmd: str) -> None:
        try:
            self._execute(*_ENDS_WITH_US, *cmd)
        except processutils.ProcessExecutionError as error:
            raise _failure(error.stderr or "", error.exit_code) from error


#: to clear goes on for long: not beside the next try of a service that was killed
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")


def checked(name: str) -> str:
    """:raises ValueError: it can't be the name of a volume or a volume group"""
    if not lvm_words.is_name(name):
        raise ValueError(f"{name!r} can't be a name in LVM")
    return name


def _tags(tags: Iterable[str]) -> list[str]:
    told = sorted(tags)
    for tag in told:
        if not lvm_words.is_tag(tag):
            raise ValueError(f"{tag!r} can't be a tag in LVM")
    return told


def _positive(size: int) -> int:
    if size <= 0:
        raise ValueError(f"a size of {size} bytes")
    return int(size)


def _logical_volume(row: dict[str, str]) -> LogicalVolume:
    kind, origin_size = row["segtype"], row["origin_size"]
    return LogicalVolume(
        name=row["lv_name"],
        # of a snapshot that is not thin, LVM tells the room that it takes
        size=int(row["lv_size"] if kind == "thin" else origin_size or row["lv_size"]),
        kind=kind,
        origin=row["origin"],
        pool=row["pool_lv"],
        used=float(row["data_percent"] or 0) / 100,
        metadata_used=float(row["metadata_percent"] or 0) / 100,
        zeroing=row["zero"] in ("zero", "1"),
        active=row["lv_active"] == "active",
        opened=row["lv_device_open"] == "open",
        writable=row["lv_permissions"] == "writeable",
        tags=frozenset(filter(None, row["lv_tags"].split(","))),
    )


def _told(verb: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """What a verb of the root helper returns."""
    try:
        return verb(*args, **more)
    except ProgramFailed as error:
        details = error.details
        if not details["stderr"]:
            # it is not installed, or did not end
            raise LvmFailed(error.message) from error
        raise _failure(details["stderr"], details["status"]) from error
    except PrivilegedError as error:
        raise LvmFailed(error.message) from error


def _failure(stderr: str, status: int) -> LvmFailed:
    """What LVM said, without its warnings and without the devices of this host."""
    lines = [line.strip() for line in stderr.splitlines()]
    told = [line for line in lines if line and not line.startswith("WARNING:")]
    words = " ".join(told or lines).split() or [f"exit status {status}"]
    reason = " ".join("(a device)" if word.lstrip("'\"(").startswith("/") else word
                      for word in words)
    if _NO_GROUP.search(reason):
        return GroupMissing(reason)
    if _FULL.search(reason):
        return NoSpace(reason)
    return LvmFailed(reason)


def _execute(*cmd: str) -> tuple[str, str]:
    # the tools of the system's administrator are in no ordinary user's PATH
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    out, err = processutils.execute(
        *cmd, env_variables={**os.environ, "PATH": path, "LC_ALL": "C"}
    )
    return out, err
