"""The options of bonds: by which names people know them, and what the kernel calls them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mycloud.privileged.network.model import Option

MODE = "mode"
_MOST = (1 << 31) - 1


@dataclasses.dataclass(frozen=True)
class BondOption:
    """:ivar attribute: its number in netlink's ``IFLA_BOND_``
    :ivar size: bytes
    :ivar words: what its numbers are called, from 0 on
    :ivar usual: what a bond has that is told nothing
    """

    attribute: int
    size: int
    words: tuple[str, ...] = ()
    usual: int = 0
    most: int = _MOST


OPTIONS: Mapping[str, BondOption] = {
    MODE: BondOption(1, 1, (
        "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb",
        "balance-alb",
    )),
    "miimon": BondOption(3, 4),
    "updelay": BondOption(4, 4),
    "downdelay": BondOption(5, 4),
    "use_carrier": BondOption(6, 1, usual=1, most=1),
    "arp_interval": BondOption(7, 4),
    "arp_validate": BondOption(9, 4, (
        "none", "active", "backup", "all", "filter", "filter_active", "filter_backup",
    )),
    "primary_reselect": BondOption(12, 1, ("always", "better", "failure")),
    "fail_over_mac": BondOption(13, 1, ("none", "active", "follow")),
    "xmit_hash_policy": BondOption(14, 1, (
        "layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac",
    )),
    "resend_igmp": BondOption(15, 4, usual=1, most=255),
    "num_grat_arp": BondOption(16, 1, usual=1, most=255),
    "all_slaves_active": BondOption(17, 1, most=1),
    "min_links": BondOption(18, 4),
    "lp_interval": BondOption(19, 4, usual=1),
    "packets_per_slave": BondOption(20, 4, usual=1, most=65535),
    "lacp_rate": BondOption(21, 1, ("slow", "fast")),
    "ad_select": BondOption(22, 1, ("stable", "bandwidth", "count")),
}


def encode(name: str, value: Option) -> int:
    """The kernel's number.

    :raises ValueError: says what the option may be
    """
    option = OPTIONS.get(name)
    if option is None:
        raise ValueError(f"there is no option {name!r} of bonds; there are: {', '.join(OPTIONS)}")
    if option.words:
        if value in option.words:
            return option.words.index(str(value))
        if isinstance(value, int) and not isinstance(value, bool) and value < len(option.words):
            return value
        raise ValueError(f"{name} is one of {', '.join(option.words)}, not {value!r}")
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or not 0 <= value <= option.most:
        raise ValueError(f"{name} is a whole number from 0 to {option.most}, not {value!r}")
    return int(value)


def decode(name: str, value: int) -> Option:
    """What ``encode`` was given, in its first form."""
    words = OPTIONS[name].words
    return words[value] if value < len(words) else value


def canonical(options: Mapping[str, Option]) -> dict[str, Option]:
    """Each option in the form that the kernel is read in.

    :raises ValueError: an option is none, or may not have this value
    """
    return {name: decode(name, encode(name, value)) for name, value in options.items()}


def alike(there: Mapping[str, Option], wanted: Mapping[str, Option]) -> bool:
    """Nothing has to be changed; an option that one of them does not name is as usual."""
    return all(
        _value(there, name, option) == _value(wanted, name, option)
        for name, option in OPTIONS.items()
    )


def _value(options: Mapping[str, Option], name: str, option: BondOption) -> Option:
    return options.get(name, decode(name, option.usual))
