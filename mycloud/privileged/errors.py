"""What a call of the root helper can end with, by the same classes on both sides of the socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class PrivilegedError(Exception):
    """:ivar message: one sentence for people
    :ivar details: what JSON can say, for the caller's code
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def code(self) -> str:
        """Its name on the wire."""
        return type(self).__name__


class HelperUnavailable(PrivilegedError):
    """Nobody answers at the socket."""


class CallLost(PrivilegedError):
    """The helper died while it ran the call: it may be done, or not, or half."""


class DeadlineExceeded(PrivilegedError):
    """The call did not end in time."""


class Malformed(PrivilegedError):
    """What came over the socket is no call, or no answer."""


class UnknownVerb(PrivilegedError):
    """There is no such verb."""


class InvalidArguments(PrivilegedError):
    """The arguments don't fit the verb."""


class Refused(PrivilegedError):
    """The verb has looked and won't do it; nothing was changed."""


class ProgramFailed(PrivilegedError):
    """A program that the verb ran has failed.

    ``details``: ``program``, ``status`` (negative: a signal), ``stderr``
    """


class SystemFailed(PrivilegedError):
    """The kernel has refused.

    ``details``: ``errno``
    """


class TcFailed(SystemFailed):
    """The kernel, or tc itself, has refused a command of traffic control.

    ``details``: ``errno``, ``command``, ``stderr``
    """


class VerbFailed(PrivilegedError):
    """The verb has a fault of its own; the helper's log has more."""


def _kinds(base: type[PrivilegedError]) -> Iterator[type[PrivilegedError]]:
    for each in base.__subclasses__():
        yield each
        yield from _kinds(each)


CODES = {each.__name__: each for each in _kinds(PrivilegedError)}


def made(code: str, message: str, details: dict[str, Any]) -> PrivilegedError:
    """The error that an answer tells of; one that this side doesn't know is a PrivilegedError."""
    error = CODES.get(code, PrivilegedError)(message)
    error.details = details
    return error
