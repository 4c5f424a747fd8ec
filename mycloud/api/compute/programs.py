"""What our programs are called in the compute API: as its clients know them."""

_OURS, _THEIRS = "mycloud-", "nova-"


def shown(binary: str) -> str:
    """mycloud-compute -> nova-compute"""
    return _THEIRS + binary.removeprefix(_OURS) if binary.startswith(_OURS) else binary


def meant(binary: str) -> str:
    """nova-compute -> mycloud-compute; the same for a name of ours"""
    return _OURS + binary.removeprefix(_THEIRS) if binary.startswith(_THEIRS) else binary
