"""Trying again: which failures of a request may be repeated, how often and with what pauses.

A connection that was never made, and 429 and 503 answers, are tried again for every method. A
connection that broke after something was sent (or 502 and 504 of a proxy) is tried again only
where the caller says that doing it twice is the same as once.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mycloud.client import errors
from mycloud.common import clock, concurrency

if TYPE_CHECKING:
    from requests import Response

_BUSY_STATUSES = frozenset({429, 503})
_GATEWAY_STATUSES = frozenset({502, 504})
_PERHAPS_DONE = " It isn't known whether the request was carried out: look before you repeat it."


@dataclass(frozen=True)
class RetryPolicy:
    """How long to keep trying, in seconds from the first failure of a request.

    A cloud that has not answered once since the client was made gets ``first_patience``, so that
    a wrong address is told soon.
    """

    patience: float = 30.0
    first_patience: float = 3.0
    first_pause: float = 0.2
    longest_pause: float = 5.0

    def pause(self, attempt: int) -> float:
        """The pause after attempt number ``attempt`` (from 0): doubling, with some jitter."""
        full = min(self.longest_pause, self.first_pause * 2.0**attempt)
        return full * (0.75 + clock.fraction() / 4)


@dataclass
class Outcome:
    """What became of a request: the last answer, and whether an earlier attempt may have acted."""

    response: "Response"
    maybe_done_before: bool


class Repeater:
    """Runs requests of one client, each until it has an answer or patience ends."""

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        sleep: Callable[[float], None] = concurrency.sleep,
        monotonic: Callable[[], float] = clock.monotonic,
    ):
        self._policy = policy
        self._sleep = sleep
        self._monotonic = monotonic
        self._reached = False

    def run(
        self, once: Callable[[], "Response"], address: str, *, repeatable: Callable[[], bool]
    ) -> Outcome:
        """Call ``once`` until its answer is final; it may be an error answer.

        ``address`` is what errors name.
        ``repeatable`` is asked only when a request may have arrived without its answer coming
        back: True if sending it again is harmless.

        :raises CloudUnreachable: if no answer came, or none that it is safe to ask for again
        """
        from keystoneauth1 import exceptions

        attempt, maybe_done, deadline = 0, False, 0.0
        while True:
            response: Response | None = None
            failure: Exception | None = None
            asked_pause = 0.0
            try:
                response = once()
                self._reached = True
                if response.status_code in _BUSY_STATUSES:
                    asked_pause = _retry_after(response)
                    arrived = False
                elif response.status_code in _GATEWAY_STATUSES:
                    arrived = True
                else:
                    return Outcome(response, maybe_done)
            except exceptions.SSLError as error:
                raise errors.CloudUnreachable(
                    f"The certificate of {address} was not accepted ({_plain(error)}). Name "
                    "its CA with --os-cacert or OS_CACERT"
                ) from error
            except exceptions.UnknownConnectionError as error:
                raise errors.CloudUnreachable(
                    f"The address {address} can't be used: {error.original}"
                ) from error
            except exceptions.ConnectionError as error:
                failure, arrived = error, not never_sent(error)
            maybe_done = maybe_done or arrived
            if attempt == 0:
                patience = (
                    self._policy.patience if self._reached else self._policy.first_patience
                )
                deadline = self._monotonic() + patience
            pause = max(self._policy.pause(attempt), asked_pause)
            out_of_time = self._monotonic() + pause > deadline
            if out_of_time or (arrived and not repeatable()):
                if response is not None:
                    return Outcome(response, maybe_done)
                raise errors.CloudUnreachable(
                    _no_answer(failure, address, attempt)
                    + (_PERHAPS_DONE if maybe_done else "")
                ) from failure
            self._sleep(pause)
            attempt += 1


def never_sent(error: BaseException) -> bool:
    """True if the failure shows that the server can't have seen the request."""
    from urllib3 import exceptions as urllib3

    return any(
        isinstance(cause, urllib3.NewConnectionError | urllib3.ConnectTimeoutError)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that it was made from, through all wrappings."""
    pending: list[BaseException] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        wrapped = (
            current.__cause__,
            current.__context__,
            getattr(current, "reason", None),
            *current.args,
        )
        pending.extend(item for item in wrapped if isinstance(item, BaseException))


def _retry_after(response: "Response") -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0


def _no_answer(failure: Exception | None, address: str, attempt: int) -> str:
    times = "once" if attempt == 0 else f"{attempt + 1} times"
    if failure is not None and not never_sent(failure):
        return (
            f"The connection to {address} broke before the answer came (tried {times}): "
            f"{_plain(failure)}."
        )
    return (
        f"Nothing answers at {address} (tried {times}): {_plain(failure)}. Is the cloud up, "
        "and is its auth_url right?"
    )


def _plain(failure: Exception | None) -> str:
    """What went wrong in a few words: the operating system's, where it is known."""
    if failure is None:
        return "no answer"
    numbers = [c.errno for c in _causes(failure) if isinstance(c, OSError) and c.errno]
    # the text that comes with a number differs between green and native sockets
    return os.strerror(numbers[-1]) if numbers else str(failure).strip().rstrip(".")
