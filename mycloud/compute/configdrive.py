"""The config drive: a small ISO 9660 disk with what a guest should know of itself.

pycdlib writes it in this process: no package of the OS is needed, and nothing but the bytes
that are given gets in (genisoimage would take them from a directory of the host first).
"""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath

import pycdlib

from mycloud.common import clock

#: the label by which cloud-init and its like find the disk
LABEL = "config-2"


def write(target: Path, files: dict[str, bytes]) -> None:
    """Write the disk with ``files`` (path inside it -> bytes); in place only when whole.

    :raises ValueError: a path that is absolute, empty or leads upwards
    """
    fresh = target.with_name(f".{target.name}.{clock.new_id()}")
    try:
        fresh.write_bytes(image(files))
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def image(files: dict[str, bytes]) -> bytes:
    """The bytes of the disk."""
    disk = pycdlib.PyCdlib()
    disk.new(interchange_level=3, vol_ident=LABEL, joliet=3, rock_ridge="1.09")
    made: dict[PurePosixPath, str] = {PurePosixPath("."): ""}
    try:
        for name in sorted(files):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or not path.name:
                raise ValueError(f"{name!r} can't be a path in a config drive")
            for folder in [*reversed(path.parents)][1:]:
                if folder not in made:
                    made[folder] = f"{made[folder.parent]}/D{len(made)}"
                    disk.add_directory(
                        made[folder], rr_name=folder.name, joliet_path=f"/{folder}"
                    )
            made[path] = f"{made[path.parent]}/F{len(made)}"
            disk.add_fp(
                io.BytesIO(files[name]), len(files[name]), f"{made[path]}.;1",
                rr_name=path.name, joliet_path=f"/{path}",
            )
        out = io.BytesIO()
        disk.write_fp(out)
        return out.getvalue()
    finally:
        disk.close()
