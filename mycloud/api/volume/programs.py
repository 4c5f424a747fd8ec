"""What our programs are called in the block storage API: as its clients know them."""

_OURS, _THEIRS = "mycloud-", "cinder-"

#: The programs that its lists show.
SHOWN = frozenset({"mycloud-volume", "mycloud-scheduler"})
VOLUME = "mycloud-volume"
SCHEDULER = "mycloud-scheduler"
API = "mycloud-api"


def shown(binary: str) -> str:
    """mycloud-volume -> cinder-volume"""
    return _THEIRS + binary.removeprefix(_OURS) if binary.startswith(_OURS) else binary


def meant(binary: str) -> str:
    """cinder-volume -> mycloud-volume; the same for a name of ours"""
    return _OURS + binary.removeprefix(_THEIRS) if binary.startswith(_THEIRS) else binary
