"""What a host must know of an image to use it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

Fetch = Callable[[Path], None]


@dataclasses.dataclass(frozen=True)
class ImageSpec:
    """An image to boot from, or to write to a volume.

    :ivar checksum: sha512 of the bytes in hex (glance's ``os_hash_value``)
    :ivar size: bytes of the file
    """

    id: str
    checksum: str | None
    disk_format: str
    size: int | None = None
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
