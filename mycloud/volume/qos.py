"""What QoS specs mean for the host that a volume is attached to."""

from collections.abc import Mapping

from mycloud.common import exceptions

#: Who keeps the bounds: the host that the volume is attached to, its backend, or both.
CONSUMERS = ("front-end", "back-end", "both")
FRONT_END = frozenset({"front-end", "both"})

_UNITS = ("bytes_sec", "iops_sec")
_BASES = tuple(f"{way}_{unit}" for unit in _UNITS for way in ("total", "read", "write"))
_MAX = {f"{base}_max": base for base in _BASES}
_PER_GB = {f"{base}_per_gb": base for base in _BASES}
_PER_GB_MIN = {f"{base}_per_gb_min": f"{base}_per_gb" for base in _BASES}
#: The bytes that count as one request.
_SIZE = "size_iops_sec"
_KNOWN = frozenset({*_BASES, *_MAX, *_PER_GB, *_PER_GB_MIN, _SIZE})
#: The largest number that the hypervisor takes.
_LARGEST = 2**63 - 1


def check(consumer: str, specs: Mapping[str, str]) -> None:
    """Refuse what the hypervisor would refuse when the volume is attached. What it does not know
    is the backend's business.

    :raises BadField: names the key
    """
    if consumer not in FRONT_END:
        return
    for key in sorted(_KNOWN & specs.keys()):
        _check_number(key, specs[key])
    for key, needed in {**_MAX, **_PER_GB_MIN}.items():
        has_base = needed in specs or f"{needed}_per_gb" in specs
        if key in specs and not has_base:
            raise exceptions.BadField(field=key, reason=f"it needs {needed} beside it")
    for unit in _UNITS:
        parts = [way for way in ("read", "write") if _has(specs, f"{way}_{unit}")]
        if parts and _has(specs, f"total_{unit}"):
            raise exceptions.BadField(
                field=f"total_{unit}",
                reason=f"it can't be bounded together with {parts[0]}_{unit}",
            )


def _check_number(key: str, text: str) -> None:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= _LARGEST):
        raise exceptions.BadField(
            field=key, reason=f"Value: {text[:40]!r}. It is a whole number of 0 or more."
        )


def _has(specs: Mapping[str, str], base: str) -> bool:
    return base in specs or f"{base}_per_gb" in specs


def iotune(consumer: str, specs: Mapping[str, str], size_gb: int) -> dict[str, int] | None:
    """The bounds of a volume by libvirt's names, in bytes and requests a second; None when the
    host has none to keep.

    Bounds for each GiB become those of the whole volume: at least ..._per_gb_min, at most ..._max.
    """
    if consumer not in FRONT_END:
        return None
    numbers = {key: int(specs[key]) for key in _KNOWN & specs.keys()}
    found = {key: numbers[key] for key in (*_BASES, *_MAX, _SIZE) if key in numbers}
    for key, base in _PER_GB.items():
        if key in numbers:
            wanted = max(numbers.get(f"{key}_min", 0), numbers[key] * size_gb)
            found[base] = min(wanted, found.pop(f"{base}_max", wanted), _LARGEST)
    return found or None
