"""The wire: frames of JSON with their length before them, on a unix socket.

A call is ``{"id", "verb", "args", "kwargs", "deadline", "operation"}``; its answer is ``{"id"}``
with either ``"result"`` or ``"error": {"code", "message", "details"}``, and ``"fds"`` where
descriptors come along (``SCM_RIGHTS``, with the frame's first byte).  Nothing is ever unpickled.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import Any

from mycloud.privileged import errors

#: The most that a frame may have, its length not counted.
MAX_BYTES = 1 << 20
#: How deep lists and objects may lie in each other.
MAX_DEPTH = 32
#: The most descriptors that an answer may bring.
MAX_FDS = 16
HEADER = struct.Struct("!I")

_CALL_KEYS = {"id", "verb", "args", "kwargs", "deadline", "operation"}


@dataclasses.dataclass(frozen=True)
class Request:
    """One call, as it came.

    :ivar deadline: seconds that the caller waits, or None: as long as the verb may take
    :ivar operation: the id of the operation that it is a part of, for the log
    """

    id: int
    verb: str
    args: list[Any]
    kwargs: dict[str, Any]
    deadline: float | None
    operation: str | None


def frame(message: dict[str, Any]) -> bytes:
    """:raises Malformed: it is too long, or no JSON can say it"""
    try:
        body = _ENCODER.encode(message).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.Malformed(f"No JSON can say that: {error}") from None
    if len(body) > MAX_BYTES:
        raise errors.Malformed(
            f"The message has {len(body)} bytes; {MAX_BYTES} is the most", bytes=len(body)
        )
    return HEADER.pack(len(body)) + body


def length(header: bytes) -> int:
    """Of the frame that the four bytes announce.

    :raises Malformed: too long, or empty
    """
    (announced,) = HEADER.unpack(header)
    if not 0 < announced <= MAX_BYTES:
        raise errors.Malformed(
            f"A frame of {announced} bytes is announced; 1 to {MAX_BYTES} are taken"
        )
    return int(announced)


def parse(body: bytes) -> Any:
    """:raises Malformed: it is no JSON, too deep, or has a text that is none"""
    try:
        value = _DECODER.decode(body.decode())
        if b"\\u" in body:
            # half of a surrogate pair is no text
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise errors.Malformed(f"A frame is no JSON: {type(error).__name__}") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise errors.Malformed(f"A frame is deeper than {MAX_DEPTH} levels")
    return value


def request(body: bytes) -> Request:
    """:raises Malformed: it is no call; ``details["id"]`` is there if it had one"""
    value = parse(body)
    if not isinstance(value, dict):
        raise errors.Malformed("A call is an object")
    number: Any = value.get("id")
    if not _is_int(number):
        raise errors.Malformed("'id' must be a whole number")
    unknown = sorted(set(value) - _CALL_KEYS)
    if unknown:
        raise errors.Malformed(f"A call has no {unknown[0]!r}", id=number)
    args, kwargs = value.get("args", []), value.get("kwargs", {})
    deadline, operation = value.get("deadline"), value.get("operation")
    wanted = {
        "verb": ("a text", isinstance(value.get("verb"), str)),
        "args": ("a list", isinstance(args, list)),
        "kwargs": ("an object", isinstance(kwargs, dict)),
        "deadline": (
            "a number of seconds above 0",
            deadline is None
            or (isinstance(deadline, float) or _is_int(deadline)) and 0 < deadline < 1e6,
        ),
        "operation": (
            "a short text",
            operation is None or isinstance(operation, str) and len(operation) < 256,
        ),
    }
    for key, (what, fits) in wanted.items():
        if not fits:
            raise errors.Malformed(f"{key!r} must be {what}", id=number)
    return Request(number, value["verb"], args, kwargs, deadline, operation)


def failure(number: int | None, error: errors.PrivilegedError) -> bytes:
    """The answer of a call that has failed; details that no JSON can say are left out."""
    told = {"code": error.code, "message": error.message[:4000]}
    try:
        return frame({"id": number, "error": {**told, "details": error.details}})
    except errors.Malformed:
        return frame({"id": number, "error": {**told, "details": {}}})


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _depth(value: Any) -> int:
    """By a walk without recursion."""
    deepest, left = 0, [(value, 1)]
    while left:
        found, level = left.pop()
        if isinstance(found, (dict, list)):
            deepest = max(deepest, level)
            inner = found.values() if isinstance(found, dict) else found
            left.extend((each, level + 1) for each in inner)
    return deepest
