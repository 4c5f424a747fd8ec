"""Keeps the one checkpoint, and what was committed last.

Files of its store:

- ``checkpoint``: armed, or being rolled back; written before the first change, removed last
- ``committed``: what is restored when the host starts
- ``boot``: the start of the host since which all is in place
- ``outcome``: how the last checkpoint ended
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from mycloud.privileged import current, errors
from mycloud.privileged.checkpoint.store import Store
from mycloud.privileged.network import model

LOG = logging.getLogger(__name__)

CHECKPOINT, COMMITTED, BOOT, OUTCOME = "checkpoint", "committed", "boot", "outcome"
NETLINK, NMSTATE = "netlink", "nmstate"
WAS_COMMITTED, WAS_ROLLED_BACK = "committed", "rolled back"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: while interfaces of the committed configuration come up late
_FAULTS = (errors.PrivilegedError, OSError, LookupError, ValueError)
_RESTORE_SECONDS, _RESTORE_PAUSE = 60.0, 1.0


class Host(Protocol):
    """What a keeper asks of the host's network."""

    def read(self) -> model.State: ...

    def commit(self) -> None:
        """Stay with what was changed."""

    def resume(self, target: model.State, scope: model.Scope) -> None:
        """Start again what may have ended with the helper's last process."""

    def go_back(self, before: model.State, scope: model.Scope) -> list[str]:
        """Undo what was changed; tells what can't be."""

    def restore(self, target: model.State, scope: model.Scope) -> list[str]:
        """Make the host as it was committed, after its start; tells what can't be."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a checkpoint is armed for.

    :ivar document: as it is shown to people; kept, not read
    :ivar target: how the host shall be
    :ivar scope: what of the host is changed
    :ivar kept: what of the target is restored when the host starts
    :ivar backend: what changes the host
    """

    document: dict[str, Any]
    target: model.State
    scope: model.Scope
    kept: model.Scope
    backend: str = NETLINK


class Keeper:
    """:param hosts: the host as each back end does it
    :param clock: seconds since the host started, running also while it sleeps
    """

    def __init__(
        self, store: Store, hosts: Mapping[str, Host], *,
        clock: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        boot_id: Callable[[], str] = lambda: _BOOT_ID.read_text().strip(),
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._clock = clock
        self._boot_id = boot_id
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._checkpoint: dict[str, Any] | None = None
        self._restore_until = 0.0
        self._stopped = False
        self._thread: threading.Thread | None = None

    # its life

    def start(self) -> None:
        """Go on where the helper's last process was cut off, and look after the deadline."""
        try:
            self.resume()
        except _FAULTS:
            # the helper has other things to do, too; what is due is tried again
            LOG.exception("The host's network can't be looked after")
        self._thread = threading.Thread(target=self._watch, name="checkpoint", daemon=True)
        self._thread.start()

    def resume(self) -> None:
        """Go on where the helper's last process was cut off."""
        with self._lock:
            self._go_on()

    def stop(self) -> None:
        """Look after nothing any more; an armed checkpoint stays armed for the next process."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> float | None:
        """Do what is due.

        :returns: seconds until it shall look again; None: nothing is awaited
        """
        with self._lock:
            if self._checkpoint is not None:
                left: float = self._checkpoint["deadline"] - self._clock()
                if left > 0:
                    return left
                self._roll_back("the deadline has passed without a commit")
            if self._restore_until:
                self._restore_committed()
            return _RESTORE_PAUSE if self._restore_until else None

    def _watch(self) -> None:
        with self._changed:
            while not self._stopped:
                try:
                    pause = self.look()
                except _FAULTS:
                    LOG.exception("The host's network can't be looked after; tried again")
                    pause = _RESTORE_PAUSE
                self._changed.wait(pause)

    # what verbs ask

    def arm(self, wanted: Wanted, seconds: float) -> dict[str, Any]:
        """Note how the host is, and go back to that in so many seconds.

        :raises Refused: one is armed
        """
        with self._changed:
            if self._checkpoint is not None:
                raise errors.Refused(
                    f"The host's network is being changed already: checkpoint "
                    f"{self._checkpoint['id']} is open for {self._left():.0f} s more; commit it "
                    "or roll it back first",
                    checkpoint=self._checkpoint["id"],
                )
            before = self._hosts[wanted.backend].read()
            leads = any(client.default_route for client in wanted.target.dhcp)
            if wanted.target.name_servers is None and not leads:
                before = dataclasses.replace(before, name_servers=None)
            found = {
                "id": str(uuid.uuid4()),
                "operation": current.operation(),
                "boot_id": self._boot_id(),
                "deadline": self._clock() + seconds,
                "document": wanted.document,
                "target": model.state_to_json(wanted.target),
                "scope": model.scope_to_json(wanted.scope),
                "kept": model.scope_to_json(wanted.kept),
                "before": model.state_to_json(_within(before, wanted.scope)),
                "backend": wanted.backend,
                "reason": None,
            }
            self._store.write(CHECKPOINT, found)
            self._checkpoint = found
            self._changed.notify_all()
            return self._shown()

    def commit(self, checkpoint_id: str) -> dict[str, Any]:
        """Stay with what is, also after the host's next start; again, it is no failure.

        :raises Refused: this checkpoint is not armed
        """
        with self._changed:
            committed = self._store.read(COMMITTED)
            if self._checkpoint is None and committed and committed["id"] == checkpoint_id:
                return self._outcome()
            checkpoint = self._armed(checkpoint_id)
            # this decides, whatever comes
            self._store.write(COMMITTED, {
                "id": checkpoint["id"], "document": checkpoint["document"],
                "target": checkpoint["target"], "scope": checkpoint["kept"],
                "backend": checkpoint["backend"], "at": time.time(),
            })
            try:
                self._hosts[checkpoint["backend"]].commit()
            except errors.PrivilegedError:
                self._put_back(committed)
                raise
            self._end(WAS_COMMITTED, "", [])
            return self._outcome()

    def roll_back(self, checkpoint_id: str, reason: str) -> dict[str, Any]:
        """Go back to what was; again, it is no failure.

        :raises Refused: this checkpoint is not armed, and was not rolled back last
        """
        with self._changed:
            last = self._store.read(OUTCOME)
            if (
                self._checkpoint is None and last is not None and last["id"] == checkpoint_id
                and last["outcome"] == WAS_ROLLED_BACK
            ):
                return last
            self._armed(checkpoint_id)
            self._roll_back(reason)
            return self._outcome()

    def status(self) -> dict[str, Any]:
        """The committed document, the armed checkpoint, how the last one ended, and what was
        restored when the host started."""
        with self._lock:
            committed = self._store.read(COMMITTED)
            return {
                "committed": committed and {
                    key: committed[key]
                    for key in ("id", "document", "target", "scope", "backend", "at")
                },
                "armed": None if self._checkpoint is None else self._shown(),
                "last": self._store.read(OUTCOME),
                "boot": self._store.read(BOOT),
            }

    def armed_target(self, checkpoint_id: str) -> tuple[model.State, model.Scope, float]:
        """What a checkpoint was armed for, and the seconds that it is open for.

        :raises Refused: it is not armed
        """
        with self._lock:
            found = self._armed(checkpoint_id)
            return model.state_from_json(found["target"]), self._scope(), self._left()

    @contextlib.contextmanager
    def changing(self, checkpoint_id: str | None, links: frozenset[str]) -> Iterator[bool]:
        """The block changes these links; nothing is rolled back meanwhile.

        :returns: the change is a part of the checkpoint
        :raises Refused: the checkpoint is not armed, or is about other links; or none is named
            and one is armed that is about these
        """
        with self._lock:
            if checkpoint_id is None:
                if self._checkpoint is not None and links & self._scope().links:
                    raise errors.Refused(
                        f"{', '.join(sorted(links))}: checkpoint {self._checkpoint['id']} is "
                        "open for it; wait until that is committed or rolled back"
                    )
                yield False
                return
            self._armed(checkpoint_id)
            if links - self._scope().links:
                raise errors.Refused(
                    f"{', '.join(sorted(links - self._scope().links))}: checkpoint "
                    f"{checkpoint_id} was not armed for it"
                )
            yield True

    # inside

    def _go_on(self) -> None:
        checkpoint = self._store.read(CHECKPOINT)
        committed = self._store.read(COMMITTED)
        boot_id = self._boot_id()
        if checkpoint and committed and checkpoint["id"] == committed["id"]:
            self._checkpoint = checkpoint
            problems = []
            try:
                self._hosts[checkpoint["backend"]].commit()
            except errors.PrivilegedError as error:
                problems = [error.message]
            self._end(WAS_COMMITTED, "", problems)
            checkpoint = None
        if checkpoint and checkpoint["boot_id"] != boot_id:
            # what it changed went with the host's last run
            self._checkpoint = checkpoint
            self._end(WAS_ROLLED_BACK, "the host was restarted before the commit", [])
            checkpoint = None
        if (self._store.read(BOOT) or {}).get("id") != boot_id:
            self._restore_until = self._clock() + _RESTORE_SECONDS
            self._restore_committed()
        elif current := checkpoint or committed:
            self._hosts[current["backend"]].resume(
                model.state_from_json(current["target"]), model.scope_from_json(current["scope"])
            )
        if checkpoint is None:
            return
        self._checkpoint = checkpoint
        if checkpoint["reason"] is not None:
            self._roll_back(checkpoint["reason"])
        elif self._left() <= 0:
            self._roll_back("the deadline passed while the root helper was down")

    def _put_back(self, committed: dict[str, Any] | None) -> None:
        if committed is None:
            self._store.remove(COMMITTED)
        else:
            self._store.write(COMMITTED, committed)

    def _restore_committed(self) -> None:
        committed = self._store.read(COMMITTED)
        problems: list[str] = []
        if committed is not None:
            problems = self._hosts[committed["backend"]].restore(
                model.state_from_json(committed["target"]),
                model.scope_from_json(committed["scope"]),
            )
            for problem in problems:
                LOG.error("The host's network is not as committed: %s", problem)
        if not problems or self._clock() >= self._restore_until:
            self._restore_until = 0.0
            self._store.write(BOOT, {
                "id": self._boot_id(), "problems": problems, "at": time.time(),
                "restored": committed is not None,
            })

    def _roll_back(self, reason: str) -> None:
        checkpoint = self._checkpoint
        assert checkpoint is not None
        LOG.warning("Checkpoint %s is rolled back: %s", checkpoint["id"], reason)
        if checkpoint["reason"] is None:
            checkpoint = self._checkpoint = {**checkpoint, "reason": reason}
            self._store.write(CHECKPOINT, checkpoint)
        problems = self._hosts[checkpoint["backend"]].go_back(
            model.state_from_json(checkpoint["before"]), self._scope()
        )
        self._end(WAS_ROLLED_BACK, reason, problems)

    def _end(self, outcome: str, reason: str, problems: list[str]) -> None:
        assert self._checkpoint is not None
        self._note(self._checkpoint, outcome, reason, problems)
        self._store.remove(CHECKPOINT)
        self._checkpoint = None
        self._changed.notify_all()

    def _note(
        self, checkpoint: dict[str, Any], outcome: str, reason: str, problems: list[str]
    ) -> None:
        LOG.info("Checkpoint %s is %s", checkpoint["id"], outcome)
        self._store.write(OUTCOME, {
            "id": checkpoint["id"], "operation": checkpoint.get("operation"),
            "outcome": outcome, "reason": reason, "problems": problems, "at": time.time(),
        })

    def _outcome(self) -> dict[str, Any]:
        return self._store.read(OUTCOME) or {}

    def _armed(self, checkpoint_id: str) -> dict[str, Any]:
        found = self._checkpoint
        if found is not None and found["id"] == checkpoint_id and self._left() > 0:
            return found
        last = self._store.read(OUTCOME) or {}
        why = ""
        if last.get("id") == checkpoint_id:
            why = f": it was {last['outcome']}" + (
                f" ({last['reason']})" if last["reason"] else ""
            )
        raise errors.Refused(f"Checkpoint {checkpoint_id} is not open{why}")

    def _left(self) -> float:
        assert self._checkpoint is not None
        left: float = self._checkpoint["deadline"] - self._clock()
        return left

    def _scope(self) -> model.Scope:
        assert self._checkpoint is not None
        return model.scope_from_json(self._checkpoint["scope"])

    def _shown(self) -> dict[str, Any]:
        assert self._checkpoint is not None
        return {
            "id": self._checkpoint["id"], "operation": self._checkpoint.get("operation"),
            "seconds_left": round(max(0.0, self._left()), 3),
            "document": self._checkpoint["document"],
            "links": self._checkpoint["scope"]["links"],
        }


def _within(state: model.State, scope: model.Scope) -> model.State:
    """What of it a checkpoint has to remember."""
    return dataclasses.replace(
        state,
        links={name: link for name, link in state.links.items() if name in scope.links},
        addresses=frozenset(model.of_links(state.addresses, scope.links)),
        routes=frozenset(model.of_links(state.routes, scope.links)),
        dhcp=frozenset(model.of_links(state.dhcp, scope.links)),
        source_routes=frozenset(model.of_links(state.source_routes, scope.links)),
    )
