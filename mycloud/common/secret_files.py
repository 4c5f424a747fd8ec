"""Files that only this user may read."""

import os
from collections.abc import Callable
from pathlib import Path

from mycloud.common import clock


def write(path: Path, text: str | bytes) -> None:
    """Write such a file; it appears whole, or replaces an older one, and is on the disk then."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def once(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of such a file. Whoever is the first of several processes makes it, and its
    directory."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{clock.new_id()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes()
