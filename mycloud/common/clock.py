"""Time, identifiers and randomness: the one module that asks the machine for them.

Tests replace ``now`` and ``monotonic`` here with a clock of their own.
"""

import datetime
import random
import secrets
import time
import uuid
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def now() -> datetime.datetime:
    """The time in UTC without a zone, as the database keeps it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def monotonic() -> float:
    """Seconds that only go forward; for measuring, not for dates."""
    return time.monotonic()


def new_id() -> str:
    """A random UUID with dashes."""
    return str(uuid.uuid4())


def new_hex_id() -> str:
    """A random UUID without dashes, as identities have it."""
    return uuid.uuid4().hex


def new_request_id() -> str:
    """A request id in OpenStack's form."""
    return "req-" + new_id()


def secret(nbytes: int = 16) -> str:
    """An unguessable URL-safe text of that many random bytes."""
    return secrets.token_urlsafe(nbytes)


def fraction() -> float:
    """A number in [0, 1), for spreading periodic work."""
    return random.random()


def shuffled(items: Iterable[T]) -> list[T]:
    """The items in a random order."""
    found = list(items)
    random.shuffle(found)
    return found


def reseed() -> None:
    """Make a forked child draw other numbers than its siblings."""
    random.seed()
