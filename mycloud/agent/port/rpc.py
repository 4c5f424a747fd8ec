"""JSON-RPC 2.0: the bytes of a request in, the bytes of its answer out.

Calls, batches and notifications as jsonrpc.org has them. ``rpc.discover`` gives the schema of all
verbs in OpenRPC's form. Arguments go by name. An error's ``data`` holds the stable ``code`` and
the ``status`` that the same error has in the HTTP APIs, and the ``field`` that is to blame.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from typing import Any, NoReturn

from mycloud.agent.agent import Agent
from mycloud.agent.port.stream import Peer
from mycloud.common import exceptions

LOG = logging.getLogger(__name__)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
#: the verb has said no; ``data.code`` tells why
VERB_ERROR = -32000

DISCOVER = "rpc.discover"
#: Lists and objects within each other; nobody's request comes near it.
MAX_DEPTH = 32

_CODES: tuple[tuple[type[exceptions.MycloudError], int], ...] = (
    (exceptions.VerbNotFound, METHOD_NOT_FOUND),
    (exceptions.BadField, INVALID_PARAMS),
    (exceptions.VerbFailed, INTERNAL_ERROR),
)


class Malformed(Exception):
    """A request that can't be understood: ``code`` says in which way."""

    def __init__(self, code: int, message: str, request_id: Any = None):
        super().__init__(message)
        self.code = code
        self.request_id = request_id


@dataclasses.dataclass(frozen=True)
class Limits:
    """:ivar max_batch: calls in one batch
    :ivar timeout: seconds for one verb
    """

    max_batch: int = 100
    timeout: float = 30


class Dispatcher:
    """Answers requests with an agent's verbs.

    :param allowed: whose certificates may ask for verbs that change the host or are private
    """

    def __init__(self, agent: Agent, allowed: frozenset[str], limits: Limits):
        self._agent = agent
        self._allowed = allowed
        self._limits = limits

    def answer(self, data: bytes, peer: Peer) -> bytes | None:
        """The answer to one request or batch; None where there is nothing to answer."""
        try:
            request = _parse(data)
        except Malformed as error:
            return _refusal(error)
        if not isinstance(request, list):
            return self._one(request, peer)
        if not 0 < len(request) <= self._limits.max_batch:
            problem = f"a batch has 1 to {self._limits.max_batch} calls, not {len(request)}"
            return _refusal(Malformed(INVALID_REQUEST, problem))
        answers = [self._one(each, peer) for each in request]
        told = [answer for answer in answers if answer is not None]
        return b"[" + b",".join(told) + b"]" if told else None

    def _one(self, request: Any, peer: Peer) -> bytes | None:
        try:
            _check(request)
        except Malformed as error:
            return _refusal(error)
        try:
            result = self._run(request["method"], request.get("params", {}), peer)
            answer = _encode({"jsonrpc": "2.0", "result": result, "id": request.get("id")})
        except exceptions.MycloudError as error:
            answer = _failure(error, request.get("id"))
        except (TypeError, ValueError):
            LOG.exception("What the verb %s gives is no JSON", request["method"])
            failed = exceptions.VerbFailed(verb=request["method"])
            answer = _failure(failed, request.get("id"))
        return answer if "id" in request else None

    def _run(self, name: str, params: Any, peer: Peer) -> Any:
        if name == DISCOVER:
            return discover(self._agent)
        if isinstance(params, list) and params:
            raise exceptions.BadField(
                field="params", reason="arguments go by name, in an object, not in a list"
            )
        self._allow(name, peer)
        return self._agent.call(name, params or {}, timeout=self._limits.timeout)

    def _allow(self, name: str, peer: Peer) -> None:
        """:raises VerbNotAllowed: it is not for everybody, and not for the peer"""
        why = self._agent.registry.get(name).guarded
        if why is None:
            return
        if not peer.tls:
            reason = (
                "over this port that needs TLS and a client certificate of the cloud's authority"
                " (set [agent]tls on the host); or ask through the API of the cloud"
            )
        elif peer.name is None:
            reason = "show a client certificate of the cloud's authority"
        elif peer.name not in self._allowed:
            reason = (
                f"the certificate of {peer.name!r} does not do for that; the operator of the host "
                "may add the name to [agent]allowed_names"
            )
        else:
            return
        raise exceptions.VerbNotAllowed(verb=name, why=why, reason=reason)


def discover(agent: Agent) -> dict[str, Any]:
    """All verbs as an OpenRPC document."""
    return {
        "openrpc": "1.2.6",
        "info": {"title": f"The host agent of {agent.host.name}", "version": "1"},
        "methods": [
            {
                "name": verb["name"],
                "summary": verb["description"],
                "paramStructure": "by-name",
                "params": [
                    {
                        "name": name,
                        "required": name in verb["params"]["required"],
                        "schema": schema,
                    }
                    for name, schema in verb["params"]["properties"].items()
                ],
                "result": {"name": "result", "schema": {}},
                "x-changes": verb["changes"],
                "x-private": verb["private"],
            }
            for verb in agent.registry.describe()
        ],
    }


def refuse(code: int, message: str) -> bytes:
    """The answer to what is not even looked at."""
    return _refusal(Malformed(code, message))


# -- how --------------------------------------------------------------------


def _parse(data: bytes) -> Any:
    try:
        # it is bytes that count: json would guess at UTF-16, too
        request = json.loads(data.decode(), parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        # its own words quote nothing of the request
        raise Malformed(PARSE_ERROR, f"this is no JSON: {error}") from None
    if _deeper(request, MAX_DEPTH):
        raise Malformed(
            INVALID_REQUEST, f"more than {MAX_DEPTH} lists and objects within each other"
        )
    return request


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is out of range")
    return value


def _deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth + 1):
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def _check(request: Any) -> None:
    if not isinstance(request, dict):
        raise Malformed(INVALID_REQUEST, "a request is an object")
    found = request.get("id")
    known = found if _good_id(found) else None
    if not _good_id(found):
        raise Malformed(INVALID_REQUEST, "id must be a string, a number or null")
    if request.get("jsonrpc") != "2.0":
        raise Malformed(INVALID_REQUEST, 'jsonrpc must be "2.0"', known)
    if not isinstance(request.get("method"), str):
        raise Malformed(INVALID_REQUEST, "method must be a string", known)
    if not isinstance(request.get("params", {}), (dict, list)):
        raise Malformed(INVALID_REQUEST, "params must be an object", known)
    extra = sorted(set(request) - {"jsonrpc", "method", "params", "id"})
    if extra:
        raise Malformed(INVALID_REQUEST, f"there is no member {extra[0]!r} in a request", known)


def _good_id(value: Any) -> bool:
    return value is None or (isinstance(value, (str, int, float)) and not isinstance(value, bool))


def _refusal(error: Malformed) -> bytes:
    told = {"code": error.code, "message": str(error)}
    return _encode({"jsonrpc": "2.0", "error": told, "id": error.request_id})


def _failure(error: exceptions.MycloudError, request_id: Any) -> bytes:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), VERB_ERROR)
    data: dict[str, Any] = {"code": error.code, "status": error.status}
    if "field" in error.kwargs:
        data["field"] = error.kwargs["field"]
    told = {"code": code, "message": error.message, "data": data}
    return _encode({"jsonrpc": "2.0", "error": told, "id": request_id})


def _encode(answer: Any) -> bytes:
    # infinity is no JSON
    return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()
