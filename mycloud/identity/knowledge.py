"""What this process remembers of identities, and how it learns that it is outdated.

One number in the database, the generation, counts every change. It is read at most every
[identity]/revocation_poll_seconds while tokens are checked, and before every new token; when it
has moved, the new revocations are read and all else is forgotten.
"""

import collections
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock
from mycloud.db import engine
from mycloud.db.identity import revocations
from mycloud.identity.revocation import RevocationList

T = TypeVar("T")
_NEVER = float("-inf")
#: Seconds after which the revocations are read anew, without those whose tokens have expired.
_RELOAD_SECONDS = 3600


class Knowledge:
    """Remembered facts, each with the time (clock.monotonic) until which it holds."""

    def __init__(self, database: engine.Database):
        self.database = database
        self.generation = -1
        self.revoked = RevocationList()
        self._facts: collections.OrderedDict[Hashable, tuple[float, Any]] = (
            collections.OrderedDict()
        )
        self._checked = _NEVER
        self._reload_at = _NEVER

    def refresh(self, *, at_once: bool = False) -> None:
        """Look whether identities have changed, unless that was done a moment ago."""
        now = clock.monotonic()
        if not at_once and now - self._checked < cfg.CONF.identity.revocation_poll_seconds:
            return
        # set before the query, so that requests in the meantime don't all ask
        before, self._checked = self._checked, now
        done = False
        try:
            with engine.reader() as conn:
                found = revocations.generation(conn)
                if found != self.generation:
                    whole = now >= self._reload_at
                    seen = -1 if whole else self.generation
                    self._advance(found, revocations.since(conn, seen), whole=whole)
            done = True
        finally:
            if not done:
                self._checked = before

    def outdated(self) -> None:
        """This process has changed something itself: ask before the next answer."""
        self._checked = _NEVER

    def _advance(self, generation: int, events: Any, *, whole: bool) -> None:
        """``whole``: the events are all that there are."""
        if generation <= self.generation:
            # an older answer that comes late; twice the same event does no harm
            self.revoked.add(events)
            return
        revoked = RevocationList() if whole else self.revoked
        revoked.add(events)
        self.revoked = revoked
        if whole:
            self._reload_at = clock.monotonic() + _RELOAD_SECONDS
        self.generation = generation
        self._facts.clear()

    def recall(self, key: Hashable) -> Any:
        """A remembered fact, or None."""
        found = self._facts.get(key)
        if found is None:
            return None
        if found[0] <= clock.monotonic():
            self._facts.pop(key, None)
            return None
        return found[1]

    def remember(
        self, key: Hashable, fact: Any, generation: int, *, seconds: float | None = None
    ) -> None:
        """Keep a fact that was read in that generation, at most ``seconds`` long."""
        if generation != self.generation:
            return
        longest = cfg.CONF.identity.token_cache_seconds
        seconds = longest if seconds is None else min(seconds, longest)
        self._facts[key] = (clock.monotonic() + seconds, fact)
        while len(self._facts) > cfg.CONF.identity.token_cache_size:
            self._facts.popitem(last=False)

    def of(self, key: Hashable, load: Callable[[Connection], T]) -> T:
        """The remembered fact, or what ``load`` reads, which is remembered then."""
        fact: T | None = self.recall(key)
        if fact is None:
            with engine.reader() as conn:
                # first, so that what is read after it is at least as new
                generation = revocations.generation(conn)
                fact = load(conn)
            self.remember(key, fact, generation)
        return fact


_knowledge: Knowledge | None = None


def get() -> Knowledge:
    """The knowledge about the database in use."""
    global _knowledge
    database = engine.get()
    if _knowledge is None or _knowledge.database is not database:
        _knowledge = Knowledge(database)
    return _knowledge


def outdated() -> None:
    """Something was changed by this process."""
    get().outdated()
