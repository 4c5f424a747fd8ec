"""A short name for a long one, the same in every life of the helper.

FNV-1a of 64 bits: no secret depends on it, and hashlib would map OpenSSL into the helper, a
seventh of its memory.
"""

from __future__ import annotations

_BASIS, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


def of(text: str) -> str:
    """Sixteen hexadecimal digits."""
    value = _BASIS
    for byte in text.encode():
        value = (value ^ byte) * _PRIME & _MASK
    return f"{value:016x}"
