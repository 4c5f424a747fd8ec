"""LVM's tools, one verb for each thing that is asked of them.

Every verb builds a fixed list of arguments out of names and sizes that were checked. It touches
only volume groups that root has allowed (see ``allowed``); what follows a group in that list is
the absolute path of an ``lvm.conf`` of its own. Sizes are bytes.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from mycloud.privileged import allowed, current, errors, ownership, run
from mycloud.privileged.arguments import Size
from mycloud.privileged.expose import expose
from mycloud.privileged.lvm_words import GroupName, Tag, VolumeName

Rows = list[dict[str, str]]

_PROGRAMS = "/usr/sbin"
_REPORT = ("--reportformat", "json", "--units", "b", "--nosuffix")
_LV_FIELDS = (
    "lv_name,lv_size,segtype,origin,origin_size,pool_lv,data_percent,metadata_percent,zero,"
    "lv_active,lv_device_open,lv_permissions,lv_tags"
)
#: another tool may have the group's lock for so long
_ASK_SECONDS = 60.0
_CHANGE_SECONDS = 300.0
_CHUNK = 4096
_GONE = "Failed to find logical volume"
_DEVICES = Path("/dev")
_BLOCK_DEVICES = Path("/sys/dev/block")


# -- questions --------------------------------------------------------------


@expose(touches="a volume group", idempotent=True, deadline=_ASK_SECONDS)
def lvm_groups(group: GroupName) -> Rows:
    """Size, free space and number of volumes of a group, as a list of one row."""
    command = ["vgs", *_REPORT, "-o", "vg_size,vg_free,lv_count", group]
    return _rows("vg", _lvm(group, command, _ASK_SECONDS))


@expose(touches="a volume group", idempotent=True, deadline=_ASK_SECONDS)
def lvm_volumes(
    group: GroupName, *, name: VolumeName | None = None
) -> Rows:
    """The logical volumes of a group, or the one of that name."""
    only = [] if name is None else ["-S", f"lv_name={name}"]
    command = ["lvs", *_REPORT, "-o", _LV_FIELDS, *only, group]
    return _rows("lv", _lvm(group, command, _ASK_SECONDS))


@expose(touches="nothing", idempotent=True, deadline=_ASK_SECONDS)
def lvm_segment_types(group: GroupName) -> list[str]:
    """What the tools can make."""
    return _lvm(group, ["lvm", "segtypes"], _ASK_SECONDS).split()


# -- making -----------------------------------------------------------------


@expose(touches="a volume group", deadline=_CHANGE_SECONDS)
def lvm_create_pool(
    group: GroupName, name: VolumeName
) -> None:
    """A thin pool of nearly all that is free; the rest lets its metadata grow.

    Its blocks are zeroed before a volume gets them.
    """
    _change(
        group,
        ["lvcreate", "--yes", "--type", "thin-pool", "--extents", "95%FREE", "--zero", "y",
         "--name", name, group],
    )


@expose(touches="a logical volume", idempotent=True, deadline=_CHANGE_SECONDS)
def lvm_fail_when_full(
    group: GroupName, pool: VolumeName
) -> None:
    """Let what is written to a pool that is full fail at once, instead of a minute later."""
    _change(group, ["lvchange", "--yes", "--errorwhenfull", "y", _full(group, pool)])


@expose(touches="a volume group", deadline=_CHANGE_SECONDS)
def lvm_create(
    group: GroupName, name: VolumeName, size: Size, tags: list[Tag]
) -> None:
    """An active volume that holds what was on its disk before."""
    _change(
        group,
        ["lvcreate", "--yes", "--type", "linear", "--size", f"{size}b", "--zero", "n",
         "--wipesignatures", "n", *_tagged("--addtag", tags), "--name", name, group],
    )


@expose(touches="a volume group", deadline=_CHANGE_SECONDS)
def lvm_create_thin(
    group: GroupName, name: VolumeName, size: Size, pool: VolumeName, tags: list[Tag]
) -> None:
    """An active thin volume of zeros."""
    _change(
        group,
        ["lvcreate", "--yes", "--type", "thin", "--virtualsize", f"{size}b", "--thinpool", pool,
         "--wipesignatures", "n", *_tagged("--addtag", tags), "--name", name, group],
    )


@expose(touches="a volume group", deadline=_CHANGE_SECONDS)
def lvm_snapshot(
    group: GroupName, origin: VolumeName, size: Size, name: VolumeName, tags: list[Tag]
) -> None:
    """A read-only snapshot that keeps what its origin had.

    :param size: of its store
    """
    _change(
        group,
        ["lvcreate", "--yes", "--snapshot", "--size", f"{size}b", "--chunksize", f"{_CHUNK}b",
         "--permission", "r", *_tagged("--addtag", tags), "--name", name, _full(group, origin)],
    )


@expose(touches="a volume group", deadline=_CHANGE_SECONDS)
def lvm_snapshot_thin(
    group: GroupName, origin: VolumeName, name: VolumeName, tags: list[Tag], *, writable: bool
) -> None:
    """A thin snapshot, active like any volume."""
    _change(
        group,
        ["lvcreate", "--yes", "--snapshot", "--setactivationskip", "n", "--activate", "y",
         "--permission", "rw" if writable else "r", *_tagged("--addtag", tags), "--name", name,
         _full(group, origin)],
    )


# -- changing ---------------------------------------------------------------


@expose(touches="a logical volume", deadline=_CHANGE_SECONDS)
def lvm_extend(
    group: GroupName, name: VolumeName, size: Size
) -> None:
    """:param size: what it has then"""
    _change(group, ["lvextend", "--yes", "--size", f"{size}b", _full(group, name)])


@expose(touches="a logical volume", deadline=_CHANGE_SECONDS)
def lvm_rename(
    group: GroupName, name: VolumeName, new: VolumeName
) -> None:
    """Another name in the same group; refused if that is taken."""
    _change(group, ["lvrename", "--yes", group, name, new])


@expose(touches="a logical volume", idempotent=True, deadline=_CHANGE_SECONDS)
def lvm_activate(
    group: GroupName, name: VolumeName
) -> None:
    """Let its device appear, also of a thin snapshot; one that is active stays so."""
    _change(
        group,
        ["lvchange", "--yes", "--ignoreactivationskip", "--activate", "y", _full(group, name)],
    )


@expose(touches="a logical volume", idempotent=True, deadline=_CHANGE_SECONDS)
def lvm_deactivate(
    group: GroupName, name: VolumeName
) -> None:
    """Fails while it is in use."""
    _change(group, ["lvchange", "--yes", "--activate", "n", _full(group, name)])


@expose(touches="a logical volume", idempotent=True, deadline=_CHANGE_SECONDS)
def lvm_tag(
    group: GroupName, name: VolumeName, tags: list[Tag]
) -> None:
    """Put tags on it; those that it has stay."""
    _change(group, ["lvchange", "--yes", *_tagged("--addtag", tags), _full(group, name)])


@expose(touches="a logical volume", idempotent=True, deadline=_CHANGE_SECONDS)
def lvm_untag(
    group: GroupName, name: VolumeName, tags: list[Tag]
) -> None:
    """Take tags off it; those that it has not are no failure."""
    _change(group, ["lvchange", "--yes", *_tagged("--deltag", tags), _full(group, name)])


@expose(touches="a logical volume", idempotent=True, deadline=_CHANGE_SECONDS)
def lvm_make_writable(
    group: GroupName, name: VolumeName
) -> None:
    """Let it be written to; one that may be stays so."""
    _change(group, ["lvchange", "--yes", "--permission", "rw", _full(group, name)])


@expose(touches="a logical volume", deadline=_CHANGE_SECONDS)
def lvm_split(
    group: GroupName, snapshot: VolumeName
) -> None:
    """Make a volume of its own of the store of a snapshot that is not thin."""
    _change(group, ["lvconvert", "--yes", "--splitsnapshot", _full(group, snapshot)])


@expose(touches="a logical volume", idempotent=True, deadline=_CHANGE_SECONDS)
def lvm_remove(
    group: GroupName, name: VolumeName
) -> None:
    """Fails while it is in use; one that is not there is removed."""
    try:
        _change(group, ["lvremove", "--yes", "--force", _full(group, name)])
    except errors.ProgramFailed as error:
        if _GONE not in error.details["stderr"]:
            raise


@expose(touches="the owner of a logical volume's device", idempotent=True)
def lvm_give(group: GroupName, name: VolumeName) -> str:
    """Let the service's user read and write an active volume; returns where its device is.

    The kernel forgets it when the volume is deactivated.
    """
    allowed.check(allowed.VOLUME_GROUPS, group)
    path = _DEVICES / group / name
    try:
        # this does not open the device: LVM would say that it is in use
        node = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        raise errors.Refused(f"there is no {path}: the volume is gone, or not active") from None
    try:
        found = os.fstat(node)
        if not stat.S_ISBLK(found.st_mode) or not _is_volume(found.st_rdev, group, name):
            raise errors.Refused(f"{path} is not the device of that logical volume")
        user = current.service_uid(), current.helper().service_gid
        itself = f"/proc/self/fd/{node}"
        if (found.st_uid, found.st_gid) != user:
            os.chown(itself, *user)
        if stat.S_IMODE(found.st_mode) != 0o600:
            os.chmod(itself, 0o600)
    finally:
        os.close(node)
    return str(path)


# -- inside -----------------------------------------------------------------


def _full(group: str, name: str) -> str:
    return f"{group}/{name}"


def _tagged(option: str, tags: list[str]) -> list[str]:
    return [word for tag in sorted(tags) for word in (option, tag)]


def _is_volume(device: int, group: str, name: str) -> bool:
    """Whether LVM has made the device, for that volume."""
    mapped = _BLOCK_DEVICES / f"{os.major(device)}:{os.minor(device)}" / "dm"
    try:
        told, uuid = ((mapped / each).read_text().strip() for each in ("name", "uuid"))
    except FileNotFoundError:
        return False
    doubled = [each.replace("-", "--") for each in (group, name)]
    return uuid.startswith("LVM-") and told == "-".join(doubled)


def _change(group: str, command: list[str]) -> None:
    _lvm(group, command, _CHANGE_SECONDS)


def _lvm(group: str, command: list[str], seconds: float) -> str:
    """:raises Refused: root has not allowed that group"""
    environment = {"LVM_SUPPRESS_FD_WARNINGS": "1"}
    conf_file = allowed.check(allowed.VOLUME_GROUPS, group)
    if conf_file:
        # it names programs that LVM runs as root
        ownership.check_only_root_writes(conf_file)
        environment["LVM_SYSTEM_DIR"] = os.path.dirname(conf_file)
    program, *arguments = command
    return run.run(
        [f"{_PROGRAMS}/{program}", *arguments], timeout=seconds, environment=environment
    ).stdout


def _rows(part: str, told: str) -> Rows:
    return [row for report in json.loads(told)["report"] for row in report.get(part, [])]
