"""A stored chunk: a part of a volume's bytes that tells by itself whether it is whole.

Little-endian: ``MCBK``, one byte of codec (0 as it is, 1 zlib), three zeros, four bytes of length
and 32 bytes of SHA-256, both of the plain bytes; then those bytes, compressed or not.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

_HEADER = struct.Struct("<4sB3xI32s")
_MAGIC = b"MCBK"
_PLAIN, _ZLIB = 0, 1
#: speed counts more than the last per cent
_LEVEL = 1
HEADER_BYTES = _HEADER.size


class ChunkDamaged(Exception):
    """Says what is wrong with it."""


def digest(plain: bytes) -> str:
    """The SHA-256 of a chunk's plain bytes, as manifests have it."""
    return hashlib.sha256(plain).hexdigest()


def encode(plain: bytes, told: str, *, compression: str) -> bytes:
    """What is stored for these bytes, of which ``told`` is the digest. ``compression``: zlib or
    none."""
    codec, body = _PLAIN, plain
    if compression == "zlib":
        packed = zlib.compress(plain, _LEVEL)
        if len(packed) < len(plain):
            codec, body = _ZLIB, packed
    return _HEADER.pack(_MAGIC, codec, len(plain), bytes.fromhex(told)) + body


def decode(stored: bytes, wanted: str) -> bytes:
    """The plain bytes, checked.

    :param wanted: their digest
    :raises ChunkDamaged: they are not what was stored, or something else is stored
    """
    if len(stored) < HEADER_BYTES:
        raise ChunkDamaged("it is cut off")
    magic, codec, length, told = _HEADER.unpack_from(stored)
    if magic != _MAGIC or codec not in (_PLAIN, _ZLIB):
        raise ChunkDamaged("its beginning is not that of a chunk")
    body = memoryview(stored)[HEADER_BYTES:]
    plain = stored[HEADER_BYTES:] if codec == _PLAIN else _inflate(body, length)
    found = hashlib.sha256(plain).digest()
    if len(plain) != length or found != told:
        raise ChunkDamaged("its bytes do not have its checksum")
    if found.hex() != wanted:
        raise ChunkDamaged("its bytes are not those that the manifest names")
    return plain


def _inflate(body: memoryview, length: int) -> bytes:
    """Never more than one byte too many, whatever a forged chunk would grow to."""
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(body, length + 1)
    except zlib.error as error:
        raise ChunkDamaged("it can't be decompressed") from error
    if not stream.eof or stream.unused_data:
        raise ChunkDamaged("its bytes do not end where they should")
    return plain
