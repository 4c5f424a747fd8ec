"""Files that only this user may read."""

import os
from pathlib import Path


def write(path: Path, text: str | bytes) -> None:
    """Write such a file; it appears whole, or replaces an older one, and is on the disk then."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
