"""Open files that a verb hands to its caller."""

from __future__ import annotations

import dataclasses
import os
from typing import Any


@dataclasses.dataclass(frozen=True)
class Opened:
    """A verb's result that brings descriptors along; the caller's client gives it the same class.

    :ivar value: what JSON can say
    :ivar fds: belong to whoever has this: they are to be closed
    """

    value: Any
    fds: tuple[int, ...]

    def close(self) -> None:
        """Close all of them."""
        for fd in self.fds:
            os.close(fd)
