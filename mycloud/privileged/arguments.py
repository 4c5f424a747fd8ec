"""Kinds of arguments that are checked before a verb runs.

A kind is ``typing.Annotated`` with a ``Check``; none of them admits what a program would take for
an option.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any

_NAME = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}")
_INTERFACE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@-]{0,14}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclasses.dataclass(frozen=True)
class Check:
    """:ivar what: what is wanted, as an error and the list of verbs tell it
    :ivar holds: of a value of the right type
    """

    what: str
    holds: Callable[[Any], bool]


def _pattern(pattern: re.Pattern[str], value: str) -> bool:
    return pattern.fullmatch(value) is not None and value not in (".", "..")


def _parses(parse: Callable[[str], Any], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _path(value: str) -> bool:
    return (
        value.startswith("/") and "\0" not in value and len(value) < 4096
        and not {"..", "."} & set(value.split("/"))
    )


Name = Annotated[
    str, Check("a name of letters, digits and _ + . -", lambda value: _pattern(_NAME, value))
]
InterfaceName = Annotated[
    str,
    Check("the name of a network interface", lambda value: _pattern(_INTERFACE, value)),
]
Address = Annotated[
    str, Check("an IP address", lambda value: _parses(ipaddress.ip_address, value))
]
#: an address with the length of its prefix, host bits allowed: 192.0.2.7/24
Interface = Annotated[
    str,
    Check(
        "an IP address with its prefix, ADDRESS/LENGTH",
        lambda value: "/" in value and _parses(ipaddress.ip_interface, value),
    ),
]
Network = Annotated[
    str,
    Check(
        "an IP network, ADDRESS/LENGTH",
        lambda value: "/" in value and _parses(ipaddress.ip_network, value),
    ),
]
Mac = Annotated[
    str, Check("a hardware address", lambda value: _pattern(_MAC, value))
]
Uuid = Annotated[str, Check("a UUID", lambda value: _pattern(_UUID, value))]
#: where it may lie is for the verb to check, by ``roots``
AbsolutePath = Annotated[str, Check("an absolute path without . and ..", _path)]
Size = Annotated[
    int, Check("a number of bytes above 0", lambda value: 0 < value < 1 << 63)
]
