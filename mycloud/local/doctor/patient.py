"""What the checks know of the cloud that they look at."""

import dataclasses
from collections.abc import Iterator

from mycloud.local.layout import Layout
from mycloud.local.settings import Settings


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is wrong, and what to do about it."""

    problem: str
    remedy: str


@dataclasses.dataclass(frozen=True)
class Patient:
    """:ivar answers: whether the API answers
    :ivar database: whether the database could be read and has the right version
    """

    layout: Layout
    settings: Settings
    answers: bool
    database: bool

    @property
    def down(self) -> str:
        """The command that stops it."""
        return f"mycloud down --state {self.layout.state}"

    @property
    def up(self) -> str:
        """The command that starts it."""
        return f"mycloud up --state {self.layout.state}"

    def log(self, name: str) -> str:
        """A service's log."""
        return str(self.layout.logs / f"{name}.log")


Findings = Iterator[Finding]
