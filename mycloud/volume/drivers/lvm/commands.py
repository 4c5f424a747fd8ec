"""LVM's tools, one function for each thing that is asked of them.

The only module that runs them. Every function builds a fixed list of arguments out of names and
sizes that it has checked, so that the root helper's verbs can take its place. Sizes are bytes.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from oslo_concurrency import processutils

#: what LVM allows, less what it keeps for itself (see _RESERVED)
_NAME = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}\Z")
_TAG = re.compile(r"[A-Za-z0-9_+.=-]{1,128}\Z")
_RESERVED = re.compile(
    r"\.{1,2}\Z|snapshot|pvmove|.*_(?:[cmrtv]data|[crt]meta|mlog|mimage|pmspare|rimage|[cv]orig)"
)
_FULL = re.compile(r"insufficient (?:suitable )?(?:allocatable |free )?(?:space|extents)|"
                   r"free space.*required|No space left|out of (?:data |metadata )?space",
                   re.IGNORECASE)
_NO_GROUP = re.compile(r'Volume group "[^"]*" not found')
_REPORT = ("--reportformat", "json", "--units", "b", "--nosuffix")
_LV_FIELDS = (
    "lv_name,lv_size,segtype,origin,origin_size,pool_lv,data_percent,metadata_percent,zero,"
    "lv_active,lv_device_open,lv_permissions,lv_tags"
)
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
    """Runs a program to its end; returns its output and what it said.

    :raises processutils.ProcessExecutionError: its exit status is not 0
    """

    def __call__(self, *cmd: str, env_variables: dict[str, str]) -> tuple[str, str]: ...


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
    """LVM's tools for one volume group.

    :param conf_file: an ``lvm.conf`` of its own; None: the system's
    :raises ValueError: the name or the file can't be one of LVM's
    """

    def __init__(
        self, group: str, conf_file: str | None = None, execute: Execute | None = None
    ) -> None:
        self.group = checked(group)
        self._execute = execute or _execute
        self._env = {"LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"}
        if conf_file is not None:
            path = Path(conf_file)
            if not path.is_absolute() or path.name != "lvm.conf":
                raise ValueError(f"{conf_file!r} is no absolute path of a file named lvm.conf")
            self._env["LVM_SYSTEM_DIR"] = str(path.parent)

    # -- questions ----------------------------------------------------------

    def volume_group(self) -> Group:
        """:raises GroupMissing:"""
        rows = self._report("vg", "vgs", *_REPORT, "-o", "vg_size,vg_free,lv_count", self.group)
        if not rows:
            raise GroupMissing(f'Volume group "{self.group}" not found')
        [row] = rows
        return Group(self.group, int(row["vg_size"]), int(row["vg_free"]), int(row["lv_count"]))

    def logical_volumes(self) -> list[LogicalVolume]:
        """:raises GroupMissing:"""
        rows = self._report("lv", "lvs", *_REPORT, "-o", _LV_FIELDS, self.group)
        return [_logical_volume(row) for row in rows]

    def logical_volume(self, name: str) -> LogicalVolume | None:
        """:raises GroupMissing:"""
        rows = self._report(
            "lv", "lvs", *_REPORT, "-o", _LV_FIELDS, "-S", f"lv_name={checked(name)}", self.group
        )
        return _logical_volume(rows[0]) if rows else None

    def segment_types(self) -> set[str]:
        """What these tools can make."""
        return set(self._run("lvm", "segtypes").split())

    def device(self, name: str) -> Path:
        """Where an active volume is."""
        return Path("/dev") / self.group / checked(name)

    # -- making -------------------------------------------------------------

    def create_pool(self, name: str) -> None:
        """A thin pool of nearly all that is free; the rest lets its metadata grow.

        Its blocks are zeroed before a volume gets them.

        :raises NoSpace:
        """
        self._run(
            "lvcreate", "--yes", "--type", "thin-pool", "--extents", "95%FREE", "--zero", "y",
            "--name", checked(name), self.group,
        )

    def fail_when_full(self, pool: str) -> None:
        """Let what is written to a pool that is full fail at once, instead of a minute later."""
        self._run("lvchange", "--yes", "--errorwhenfull", "y", self._full(pool))

    def create(self, name: str, size: int, tags: Iterable[str]) -> None:
        """An active volume that holds what was on its disk before.  :raises NoSpace:"""
        self._run(
            "lvcreate", "--yes", "--type", "linear", "--size", f"{_positive(size)}b",
            "--zero", "n", "--wipesignatures", "n", *_tagged("--addtag", tags),
            "--name", checked(name), self.group,
        )

    def create_thin(self, name: str, size: int, pool: str, tags: Iterable[str]) -> None:
        """An active thin volume of zeros.  :raises NoSpace:"""
        self._run(
            "lvcreate", "--yes", "--type", "thin", "--virtualsize", f"{_positive(size)}b",
            "--thinpool", checked(pool), "--wipesignatures", "n", *_tagged("--addtag", tags),
            "--name", checked(name), self.group,
        )

    def snapshot(self, origin: str, size: int, name: str, tags: Iterable[str]) -> None:
        """A read-only snapshot with room for every block of its origin: it can't overflow.

        :param size: of the origin
        :raises NoSpace:
        """
        # 16 bytes for each of its chunks; LVM takes less if that is all that can ever be used.
        # "100%ORIGIN" would mean: or what is left
        store = size + size // (_CHUNK // 16) + _SPARE
        self._run(
            "lvcreate", "--yes", "--snapshot", "--size", f"{_positive(store)}b",
            "--chunksize", f"{_CHUNK}b", "--permission", "r", *_tagged("--addtag", tags),
            "--name", checked(name), self._full(origin),
        )

    def snapshot_thin(
        self, origin: str, name: str, tags: Iterable[str], *, writable: bool
    ) -> None:
        """A thin snapshot, active like any volume.  :raises NoSpace:"""
        self._run(
            "lvcreate", "--yes", "--snapshot", "--setactivationskip", "n", "--activate", "y",
            "--permission", "rw" if writable else "r", *_tagged("--addtag", tags),
            "--name", checked(name), self._full(origin),
        )

    # -- changing -----------------------------------------------------------

    def extend(self, name: str, size: int) -> None:
        """:raises NoSpace:"""
        self._run("lvextend", "--yes", "--size", f"{_positive(size)}b", self._full(name))

    def rename(self, name: str, new: str) -> None:
        self._run("lvrename", "--yes", self.group, checked(name), checked(new))

    def activate(self, name: str) -> None:
        self._run(
            "lvchange", "--yes", "--ignoreactivationskip", "--activate", "y", self._full(name)
        )

    def deactivate(self, name: str) -> None:
        """:raises LvmFailed: it is in use"""
        self._run("lvchange", "--yes", "--activate", "n", self._full(name))

    def tag(self, name: str, tags: Iterable[str]) -> None:
        self._run("lvchange", "--yes", *_tagged("--addtag", tags), self._full(name))

    def untag(self, name: str, tags: Iterable[str]) -> None:
        self._run("lvchange", "--yes", *_tagged("--deltag", tags), self._full(name))

    def make_writable(self, name: str) -> None:
        self._run("lvchange", "--yes", "--permission", "rw", self._full(name))

    def split(self, snapshot: str) -> None:
        """Make a volume of its own of the store of a snapshot that is not thin; what it holds is
        of no use, but can be cleared."""
        self._run("lvconvert", "--yes", "--splitsnapshot", self._full(snapshot))

    def remove(self, name: str) -> None:
        """:raises LvmFailed: it is in use"""
        self._run("lvremove", "--yes", "--force", self._full(name))

    # -- what a volume holds ------------------------------------------------

    def zero(self, name: str, start: int = 0, end: int | None = None) -> None:
        """Let a part of an active volume read as zeros, whatever was there.

        :param end: None: to its end
        :raises LvmFailed: somebody uses it
        """
        length = [] if end is None else ["--length", str(_positive(end - start))]
        self._run(
            *_ENDS_WITH_US, "blkdiscard", "--zeroout", "--step", str(_STEP),
            "--offset", str(start), *length, str(self.device(name)),
        )

    def discard(self, name: str) -> None:
        """Give back all blocks of an active thin volume: those that it has whole read as zeros.

        :raises LvmFailed: somebody uses it, or the pool takes nothing back
        """
        self._run(*_ENDS_WITH_US, "blkdiscard", str(self.device(name)))

    # -- inside -------------------------------------------------------------

    def _full(self, name: str) -> str:
        return f"{self.group}/{checked(name)}"

    def _report(self, part: str, *cmd: str) -> list[dict[str, Any]]:
        found = json.loads(self._run(*cmd))
        return [row for report in found["report"] for row in report.get(part, [])]

    def _run(self, *cmd: str) -> str:
        try:
            return self._execute(*cmd, env_variables={**os.environ, **self._env})[0]
        except processutils.ProcessExecutionError as error:
            raise _failure(error) from error


#: to clear goes on for long: not beside the next try of a service that was killed. LVM's own
#: tools are left to end by themselves, for they hold devices and its lock
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")


def checked(name: str) -> str:
    """:raises ValueError: it can't be the name of a volume or a volume group"""
    if not _NAME.match(name) or _RESERVED.match(name):
        raise ValueError(f"{name!r} can't be a name in LVM")
    return name


def _tagged(option: str, tags: Iterable[str]) -> list[str]:
    words = []
    for tag in sorted(tags):
        if not _TAG.match(tag):
            raise ValueError(f"{tag!r} can't be a tag in LVM")
        words += [option, tag]
    return words


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


def _failure(error: processutils.ProcessExecutionError) -> LvmFailed:
    """What LVM said, without its warnings and without the devices of this host."""
    lines = [line.strip() for line in (error.stderr or "").splitlines()]
    told = [line for line in lines if line and not line.startswith("WARNING:")]
    words = " ".join(told or lines).split() or [f"exit status {error.exit_code}"]
    reason = " ".join("(a device)" if word.lstrip("'\"(").startswith("/") else word
                      for word in words)
    if _NO_GROUP.search(reason):
        return GroupMissing(reason)
    if _FULL.search(reason):
        return NoSpace(reason)
    return LvmFailed(reason)


def _execute(*cmd: str, env_variables: dict[str, str]) -> tuple[str, str]:
    # the tools of the system's administrator are in no ordinary user's PATH
    path = f"{env_variables.get('PATH', '')}:/usr/sbin:/sbin"
    out, err = processutils.execute(*cmd, env_variables={**env_variables, "PATH": path})
    return out, err
