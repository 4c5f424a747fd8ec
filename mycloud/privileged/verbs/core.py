"""What the helper says of itself."""

from __future__ import annotations

import os
from typing import Any

from mycloud.privileged import current
from mycloud.privileged.expose import expose


@expose(touches="nothing", idempotent=True, deadline=5.0)
def helper_ping() -> dict[str, Any]:
    """That it answers: its process id and how many verbs it has."""
    return {"pid": os.getpid(), "verbs": len(current.helper().verbs)}


@expose(touches="nothing", idempotent=True, deadline=5.0)
def helper_verbs() -> list[dict[str, Any]]:
    """The closed list of what it does."""
    return [each.describe() for each in current.helper().verbs.values()]
