"""The logs of the host, for a bundle that somebody may be given."""

from __future__ import annotations

import base64
from typing import Any

from mycloud.agent import logs
from mycloud.agent.host import Host
from mycloud.agent.registry import verb
from mycloud.common import concurrency


@verb("host.logs", private=True)
def every(host: Host) -> dict[str, Any]:
    """List the logs of the host, the newest first.

    ``files``: ``name``, ``size_bytes``, ``modified_at``, ``taken_bytes``: how much of its end
    belongs into a bundle, 0 where others are newer. ``options``: those of the compute service,
    without secrets.
    """
    return {
        "files": [
            {
                "name": each.name,
                "size_bytes": each.size_bytes,
                "modified_at": each.modified_at.isoformat(timespec="seconds") + "Z",
                "taken_bytes": each.taken_bytes,
            }
            for each in logs.every(host)
        ],
        "options": logs.options(),
    }


@verb("host.log", private=True)
def one(host: Host, *, name: str) -> dict[str, Any]:
    """Give the end of one log that host.logs has named, without secrets.

    ``gzip``: base64 of its text; ``left_out_bytes``: how much came before.
    """
    found = concurrency.run_native(logs.read, host, name)
    return {
        "name": name,
        "gzip": base64.b64encode(found.gzipped).decode(),
        "left_out_bytes": found.left_out_bytes,
    }
