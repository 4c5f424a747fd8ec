"""Shares of networks as a part of a host's state: made, read and taken away by ``tc``."""

from __future__ import annotations

from pathlib import Path

from mycloud.privileged.network.model import Share
from mycloud.privileged.tc import qos
from mycloud.privileged.tc.program import TC


def read() -> frozenset[Share]:
    """Those of all links; none on a host without tc."""
    if not Path(TC).exists():
        return frozenset()
    return frozenset(
        Share(link, vlan or 0, each.share, each.limit or 0, each.guaranteed or 0)
        for link, found in qos.shares().items() for vlan, each in found.items()
    )


def give(share: Share) -> None:
    """:raises Refused: somebody else rules what the link sends

    :raises TcFailed: the kernel refuses
    """
    wanted = qos.Outbound(share.share, share.limit or None, share.guaranteed or None)
    qos.set_share(share.link, share.vlan or None, wanted)


def take(share: Share) -> None:
    """One that is gone is no failure."""
    qos.remove_share(share.link, share.vlan or None)
