"""Runs one call: looks the verb up, checks the arguments, logs, and turns what it ends with into
an answer."""

from __future__ import annotations

import dataclasses
import difflib
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from mycloud.privileged import current, descriptors, errors, protocol
from mycloud.privileged.discovery import Verb

LOG = logging.getLogger(__name__)

MASKED = "***"
#: The most that the log shows of one argument, and of a result.
SHOWN = 200


@dataclasses.dataclass(frozen=True)
class Answer:
    """:ivar fds: to be sent along and closed, or only closed"""

    frame: bytes
    fds: tuple[int, ...] = ()

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)


def masked(verb: Verb, given: Mapping[str, Any]) -> str:
    """The arguments as the log shows them."""
    return ", ".join(
        f"{name}={MASKED if name in verb.exposed.secrets else _short(value)}"
        for name, value in given.items()
    )


def deadline_of(verbs: Mapping[str, Verb], request: protocol.Request) -> float:
    """Seconds that the call may take: the fewer of what its verb and its caller allow."""
    verb = verbs.get(request.verb)
    most = verb.exposed.deadline if verb else 5.0
    return most if request.deadline is None else min(most, request.deadline)


def run(
    verbs: Mapping[str, Verb], request: protocol.Request, peer_uid: int, until: float
) -> Answer:
    """The answer of a call, whatever happens in it.

    :param until: by ``time.monotonic``
    """
    try:
        verb = _find(verbs, request.verb)
        given = verb.signature.bind(request.args, request.kwargs)
    except errors.PrivilegedError as error:
        LOG.warning(
            "[%s] call %s of %s by uid %s refused: %s", request.operation, request.id,
            _short(request.verb), peer_uid, error.message,
        )
        return Answer(protocol.failure(request.id, error))
    named = f"[{request.operation}] call {request.id} {verb.name}"
    LOG.info("%s(%s) by uid %s", named, masked(verb, given), peer_uid)
    began = time.monotonic()
    with current.running(current.Call(verb.name, until, request.operation, peer_uid)):
        answer, ended = _outcome(verb, given, request.id)
    LOG.info("%s %s in %.1f ms", named, ended, (time.monotonic() - began) * 1000)
    return answer


def _find(verbs: Mapping[str, Verb], name: str) -> Verb:
    if name in verbs:
        return verbs[name]
    near = difflib.get_close_matches(name[:64], verbs, 3)
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise errors.UnknownVerb(f"There is no verb {name[:64]!r}{hint}", verb=name[:64], near=near)


def _outcome(verb: Verb, given: dict[str, Any], number: int) -> tuple[Answer, str]:
    """This is the helper's door: whatever a verb raises ends here, and the helper lives on."""
    try:
        result = verb.function(**given)
        answer = _result(verb, number, result)
        return answer, f"returned {_short(_value(result))}"
    except errors.PrivilegedError as error:
        LOG.info("%s raised %s", verb.name, error.code, exc_info=True)
        return Answer(protocol.failure(number, error)), f"failed: {error.code}: {error.message}"
    except OSError as error:
        LOG.warning("%s raised", verb.name, exc_info=True)
        told = errors.SystemFailed(
            f"{verb.name}: {error.strerror or error}"
            + (f": {error.filename}" if error.filename else ""),
            errno=error.errno,
        )
        return Answer(protocol.failure(number, told)), f"failed: {told.message}"
    except BaseException as error:
        LOG.exception("%s has a fault of its own", verb.name)
        fault = errors.VerbFailed(
            f"{verb.name} has a fault of its own ({type(error).__name__}); the log of the root "
            "helper has more"
        )
        return Answer(protocol.failure(number, fault)), f"failed: {type(error).__name__}"


def _value(result: Any) -> Any:
    return result.value if isinstance(result, descriptors.Opened) else result


def _result(verb: Verb, number: int, result: Any) -> Answer:
    """:raises VerbFailed: no answer can bring that"""
    fds = result.fds if isinstance(result, descriptors.Opened) else ()
    try:
        if len(fds) > protocol.MAX_FDS:
            raise errors.Malformed(f"{len(fds)} descriptors; {protocol.MAX_FDS} is the most")
        told = {"fds": len(fds)} if fds else {}
        return Answer(protocol.frame({"id": number, "result": _value(result), **told}), fds)
    except errors.Malformed as error:
        for fd in fds:
            os.close(fd)
        raise errors.VerbFailed(
            f"{verb.name} is done, but its result can't be told: {error.message}"
        ) from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"
