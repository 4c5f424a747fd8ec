"""Memory that servers have in common, kept once by the kernel (KSM)."""

from __future__ import annotations

from typing import Any

from mycloud.agent.host import Host
from mycloud.agent.registry import verb
from mycloud.privileged import client
from mycloud.privileged.verbs.ksm import Milliseconds, Pages


@verb("memory.merging")
def merging(host: Host) -> dict[str, Any]:
    """Tell whether the kernel looks for equal pages, how it is set, and what that has saved.

    ``run``; ``pages_to_scan`` at once, every ``sleep_millisecs``; ``pages_shared`` are kept for
    many, ``pages_sharing`` are saved.
    """
    found: dict[str, Any] = client.call.ksm_read()
    return found


@verb("memory.merge", changes=True)
def merge(
    host: Host, *, run: bool, pages_to_scan: Pages | None = None,
    sleep_millisecs: Milliseconds | None = None,
) -> dict[str, Any]:
    """Let the kernel look for equal pages, or not; returns what ``memory.merging`` does."""
    given = {"run": run, "pages_to_scan": pages_to_scan, "sleep_millisecs": sleep_millisecs}
    found: dict[str, Any] = client.call.ksm_set(
        **{name: value for name, value in given.items() if value is not None}
    )
    return found
