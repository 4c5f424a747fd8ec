"""DHCP clients of the host, run by the root helper: the host's own ``dhclient`` or ``udhcpc``."""

from __future__ import annotations

from mycloud.privileged import errors


def running(links: set[str]) -> frozenset[tuple[str, str]]:
    """The pairs of a link and a family whose client runs."""
    return frozenset()


def start(link: str, family: str) -> None:
    """:raises Refused: no client is installed"""
    raise errors.Refused(
        "No DHCP client is installed: install isc-dhcp-client or udhcpc, or give addresses"
    )


def stop(link: str, family: str) -> None:
    """End the client; one that is gone is no failure."""
