"""Tells the control plane which images are in this host's cache, so that it may name it to others.

Only of images whose bytes are kept as they came (raw, iso) is a cached file the image itself, as
its checksum, which is its name, proves to whoever fetches it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

#: Below the state directory of the compute service; mycloud.disk.image_cache fills it.
DIRECTORY = "_base"
SHA512 = re.compile(r"[0-9a-f]{128}")
#: It goes into a column of the database with every report.
_MAX_TOLD = 50


class CachedImages:
    """A part of the agent.

    :param state_dir: of the compute service
    """

    def __init__(self, state_dir: Path):
        self._directory = state_dir / DIRECTORY

    def start(self) -> None:
        """Nothing runs of it."""

    def stop(self) -> None:
        """Nothing runs of it."""

    def published(self) -> dict[str, Any]:
        """``cached_images``: checksums, those that were used last first."""
        try:
            found = [
                (path.stat().st_mtime, path.name)
                for path in self._directory.iterdir()
                if SHA512.fullmatch(path.name)
            ]
        except OSError:
            # it is not there yet, or one left it this very moment
            return {}
        return {"cached_images": [name for _, name in sorted(found, reverse=True)[:_MAX_TOLD]]}
