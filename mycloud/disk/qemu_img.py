"""qemu-img, always told the format and always limited.

No call here lets QEMU guess a format: a guest can write any header into its own disk.  The
limits stop an image that was made to eat the host.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from oslo_concurrency import processutils

from mycloud.common import exceptions

_MEMORY_BYTES = 2 << 30
_CPU_SECONDS = 1800
_SECONDS = 3600
#: a disk that is so big that this speed would not do gets more time
_BYTES_PER_SECOND = 16 << 20
_SLACK_BYTES = 64 << 20
#: what a qcow2 has beside the data: 8 bytes of addresses and 2 of counts for each 64 KiB
_OVERHEAD = 4096
_TIMED_OUT = (124, 137)
#: what images call a format where qemu-img has another word
_NAMES = {"vhd": "vpc", "iso": "raw"}


def name_of(disk_format: str) -> str:
    """An image's ``disk_format`` in qemu-img's words."""
    return _NAMES.get(disk_format, disk_format)


def convert_to_raw(source: Path, source_format: str, target: Path, virtual_size: int) -> None:
    """Write the disk that is in ``source`` to ``target``, sparse.

    :param virtual_size: bytes; the output can't grow beyond it
    :raises DiskFull: no room
    :raises processutils.ProcessExecutionError: qemu-img does not accept the source
    """
    _run(
        target, virtual_size,
        "convert", "-f", source_format, "-O", "raw", "-S", "64k", str(source), str(target),
    )


def create_over(base: Path, target: Path, size: int) -> None:
    """A thin qcow2 of ``size`` bytes over a raw base that never changes."""
    _run(
        target, size,
        "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base), str(target), str(size),
    )


def create_empty(target: Path, size: int) -> None:
    """A thin empty qcow2 of ``size`` bytes."""
    _run(target, size, "create", "-q", "-f", "qcow2", str(target), str(size))


def convert(source: Path, source_format: str, target: Path, target_format: str) -> None:
    """Write a disk whose size is known to be right to a new file, sparse.

    :raises DiskFull: no room
    :raises processutils.ProcessExecutionError: qemu-img does not accept the source
    """
    _run(
        target, virtual_size(source, source_format),
        "convert", "-f", source_format, "-O", target_format, "-S", "64k",
        str(source), str(target),
    )


def convert_into(
    source: Path, source_format: str, target: Path, target_format: str, size: int
) -> None:
    """Write a disk to the beginning of an empty one (it reads as zeros) of ``size`` bytes.

    :raises DiskFull: no room
    :raises processutils.ProcessExecutionError: qemu-img does not accept the source
    """
    _run(
        target, size,
        "convert", "-n", "--target-is-zero", "-f", source_format, "-O", target_format,
        "-S", "64k", str(source), str(target),
    )


def overwrite(source: Path, source_format: str, target: Path, size: int) -> None:
    """Write a disk over the beginning of a raw one of ``size`` bytes, whatever that holds.

    :raises DiskFull: no room
    :raises processutils.ProcessExecutionError: qemu-img does not accept the source
    """
    # what passes through once is of no use in the host's cache
    direct = ["-T", "none"] if source.is_block_device() else []
    _run(
        target, size,
        "convert", "-n", *direct, "-t", "none", "-f", source_format, "-O", "raw", "-S", "64k",
        str(source), str(target),
    )


def resize(target: Path, target_format: str, size: int) -> None:
    """Let a disk grow to ``size`` bytes.

    :raises DiskFull: no room
    :raises processutils.ProcessExecutionError: it is in use, or bigger already
    """
    _run(target, size, "resize", "-q", "-f", target_format, str(target), str(size))


def virtual_size(path: Path, disk_format: str) -> int:
    """Bytes of the disk in a raw file, or in a qcow2 that QEMU has made."""
    with path.open("rb") as file:
        if disk_format == "raw":
            return file.seek(0, os.SEEK_END)
        # the header is QEMU's: the guest can't write it
        return int.from_bytes(file.read(32)[24:32], "big")


def qcow2_size(path: Path) -> int:
    """Bytes that a guest sees of a qcow2 file of ours, read from its header; 0 of another file.

    :raises OSError: it can't be read
    """
    with path.open("rb") as file:
        header = file.read(32)
    if len(header) < 32 or not header.startswith(b"QFI\xfb"):
        return 0
    return int.from_bytes(header[24:32], "big")


def extents(source: Path, source_format: str) -> list[tuple[int, int, int]] | None:
    """Where the data of a disk that nobody writes to is: (first byte, bytes, their place in the
    file), rising; what is left out reads as zeros. None where it is not simply in the file:
    compressed, or in another file.

    :raises processutils.ProcessExecutionError: qemu-img does not accept the source
    """
    out = _run(source, 0, "map", "-f", source_format, "--output=json", str(source))
    found = []
    for each in json.loads(out):
        if not each["data"] or each["zero"]:
            continue
        if "offset" not in each or each["depth"] or each.get("compressed"):
            return None
        found.append((each["start"], each["length"], each["offset"]))
    return found


def flatten(source: Path, target: Path) -> None:
    """Write a qcow2 that QEMU has made, and what lies under it, to a qcow2 of its own."""
    size = virtual_size(source, "qcow2")
    _run(target, size, "convert", "-f", "qcow2", "-O", "qcow2", str(source), str(target))


def _run(target: Path, size: int, *args: str) -> str:
    more = size // _BYTES_PER_SECOND
    limits = processutils.ProcessLimits(
        address_space=_MEMORY_BYTES,
        cpu_time=_CPU_SECONDS + more,
        file_size=size + size // _OVERHEAD + _SLACK_BYTES,
        core_file_size=0,
    )
    try:
        out, _ = processutils.execute(
            # it ends with us, and does not write on beside the next try
            "setpriv", "--pdeathsig", "TERM",
            "timeout", "--kill-after=5", str(_SECONDS + more), "qemu-img", *args,
            prlimit=limits, env_variables={**os.environ, "LC_ALL": "C"},
        )
    except processutils.ProcessExecutionError as error:
        if "No space left" in (error.stderr or ""):
            raise no_room(target, size) from error
        if error.exit_code in _TIMED_OUT:
            error.stderr = f"it did not end within {_SECONDS + more} s"
        raise
    return str(out)


def no_room(target: Path, size: int) -> exceptions.DiskFull:
    """The error for ``size`` bytes that do not fit where ``target`` should go."""
    stat = os.statvfs(target.parent)
    return exceptions.DiskFull(
        what="a disk", needed=size >> 20, free=(stat.f_bavail * stat.f_frsize) >> 20
    )


def reason(error: processutils.ProcessExecutionError) -> str:
    """What qemu-img said last, without its own name and without paths of the host."""
    lines = [line.strip() for line in (error.stderr or "").splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit status {error.exit_code}"
    words = last.removeprefix("qemu-img:").split()
    return " ".join("(a file)" if "/" in word else word for word in words)
