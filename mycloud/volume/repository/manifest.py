"""The manifest of a backup: which chunks make up the volume, and where each of them is.

A JSON object::

    {"format": "mycloud-backup", "version": 1,
     "backup_id": "...", "parent_id": null, "volume_id": "...",
     "created_at": "2026-11-20T10:00:00",
     "volume_size": 1073741824, "chunk_size": 4194304,
     "volume": {"name": "data", "metadata": {}, ...},
     "holders": ["<backup id>", ...],
     "chunks": [[0, "<SHA-256 of the plain bytes>", 1234, 0], ...],
     "sha256": "..."}

Sizes are bytes. Each chunk: its number, its digest, the bytes that are stored for it, and which of
the ``holders`` has it: this backup itself, or one that it is based on. So one manifest is enough
to restore a backup, however long its chain. Chunks are in rising order; one that is not listed is
all zeros. ``sha256`` is that of the object without it, written with sorted keys and no spaces.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

FORMAT, VERSION = "mycloud-backup", 1
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class ManifestDamaged(Exception):
    """Says what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class ChunkRef:
    """Where a chunk is. ``stored``: bytes that it takes; ``holder``: the id of a backup."""

    digest: str
    stored: int
    holder: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A whole backup.

    :ivar volume_size: bytes, as ``chunk_size``
    :ivar created_at: when the data was what it is, in UTC, as ISO 8601 writes it
    :ivar volume: what is restored besides the bytes: name, metadata ...
    :ivar chunks: by number; one that is missing is all zeros
    """

    backup_id: str
    volume_id: str
    volume_size: int
    chunk_size: int
    created_at: str
    parent_id: str | None = None
    volume: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    chunks: Mapping[int, ChunkRef] = dataclasses.field(default_factory=dict)

    def own(self) -> list[int]:
        """The numbers of the chunks that this backup itself holds."""
        return sorted(
            number for number, ref in self.chunks.items() if ref.holder == self.backup_id
        )

    def length(self, number: int) -> int:
        """Bytes of a chunk: the last one may be shorter."""
        return min(self.chunk_size, self.volume_size - number * self.chunk_size)

    def data_bytes(self) -> int:
        """Bytes of all chunks that are not zeros."""
        return sum(self.length(number) for number in self.chunks)


def checked_id(name: object) -> str:
    """:raises ManifestDamaged: it can't be the id of a backup, or could lead elsewhere"""
    if not isinstance(name, str) or not _ID.match(name):
        raise ManifestDamaged("a backup's id in it is none")
    return name


def to_bytes(manifest: Manifest) -> bytes:
    """As it is stored."""
    holders = sorted({ref.holder for ref in manifest.chunks.values()})
    places = {holder: place for place, holder in enumerate(holders)}
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "backup_id": manifest.backup_id,
        "parent_id": manifest.parent_id,
        "volume_id": manifest.volume_id,
        "created_at": manifest.created_at,
        "volume_size": manifest.volume_size,
        "chunk_size": manifest.chunk_size,
        "volume": dict(manifest.volume),
        "holders": holders,
        "chunks": [
            [number, ref.digest, ref.stored, places[ref.holder]]
            for number, ref in sorted(manifest.chunks.items())
        ],
    }
    return _canonical({**document, "sha256": _checksum(document)})


def from_bytes(stored: bytes) -> Manifest:
    """:raises ManifestDamaged: it is not whole, or of a version that is not known"""
    try:
        document = json.loads(stored)
    except ValueError as error:
        raise ManifestDamaged("it is no JSON") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ManifestDamaged("it is no manifest of a backup")
    if document.get("version") != VERSION:
        raise ManifestDamaged(
            f"its version is {str(document.get('version'))[:20]}; {VERSION} is known"
        )
    if document.pop("sha256", None) != _checksum(document):
        raise ManifestDamaged("it does not have its checksum")
    try:
        return _read(document)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ManifestDamaged(f"something in it is missing or wrong ({error})") from error


def _read(document: dict[str, Any]) -> Manifest:
    size, chunk_size = _count(document["volume_size"]), _count(document["chunk_size"])
    if not chunk_size:
        raise ValueError("the chunks' size")
    holders = [checked_id(each) for each in document["holders"]]
    chunks: dict[int, ChunkRef] = {}
    for number, digest, stored, place in document["chunks"]:
        if chunk_size * _count(number) >= size or number in chunks:
            raise ValueError("a chunk's number")
        if not _DIGEST.match(digest):
            raise ValueError("a chunk's digest")
        chunks[number] = ChunkRef(digest, _count(stored), holders[_count(place)])
    parent, created = document["parent_id"], document["created_at"]
    if datetime.datetime.fromisoformat(created).tzinfo is not None:
        raise ValueError("when it was made")
    return Manifest(
        backup_id=checked_id(document["backup_id"]),
        parent_id=None if parent is None else checked_id(parent),
        volume_id=checked_id(document["volume_id"]),
        created_at=created,
        volume_size=size,
        chunk_size=chunk_size,
        volume=dict(document["volume"]),
        chunks=chunks,
    )


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a number")
    return value


def _checksum(document: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
