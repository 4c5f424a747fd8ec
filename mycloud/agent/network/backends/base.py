"""What every back end does."""

from __future__ import annotations

import abc
from typing import Any

from mycloud.agent.network.plan import Plan


class Backend(abc.ABC):
    """Makes a plan come true, by verbs of the root helper.

    :cvar name: as operators choose it
    """

    name: str

    def __init__(self, call: Any) -> None:
        """:param call: has each verb of the root helper as a method"""
        self._call = call

    @abc.abstractmethod
    def apply(self, plan: Plan, checkpoint: str) -> None:
        """Change the host, as a part of the checkpoint.

        :raises PrivilegedError: it could not be done; the host may be half changed
        """
