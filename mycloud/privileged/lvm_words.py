"""What LVM takes for a name and for a tag, as kinds of arguments and for who calls."""

from __future__ import annotations

import re
from typing import Annotated

from mycloud.privileged.arguments import Check

#: what LVM allows, less what it keeps for itself (see _RESERVED)
_NAME = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}")
_TAG = re.compile(r"[A-Za-z0-9_+.=-]{1,128}")
_RESERVED = re.compile(
    r"\.{1,2}\Z|snapshot|pvmove|.*_(?:[cmrtv]data|[crt]meta|mlog|mimage|pmspare|rimage|[cv]orig)"
)


def is_name(value: str) -> bool:
    """Whether a volume group or a logical volume may be called so."""
    return _NAME.fullmatch(value) is not None and _RESERVED.match(value) is None


def is_tag(value: str) -> bool:
    return _TAG.fullmatch(value) is not None


GroupName = Annotated[str, Check("the name of a volume group", is_name)]
VolumeName = Annotated[str, Check("the name of a logical volume", is_name)]
Tag = Annotated[str, Check("a tag of LVM", is_tag)]
