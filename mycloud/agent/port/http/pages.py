"""The pages that the agent serves."""

from __future__ import annotations

import functools

from mycloud.agent.executor import Executor
from mycloud.agent.host import Host
from mycloud.agent.metrics import Metrics
from mycloud.agent.port import rpc
from mycloud.agent.port.http import message, transfers
from mycloud.agent.port.http.message import Reply, Request
from mycloud.agent.port.http.server import Pages
from mycloud.agent.port.settings import Patience

#: Prometheus itself gives up after 10 s.
_METRICS_SECONDS = 10.0


def pages(host: Host, dispatcher: rpc.Dispatcher, patience: Patience) -> Pages:
    """By path and method."""
    return {
        "/healthz": {"GET": functools.partial(_health, host)},
        "/metrics": {"GET": functools.partial(_metrics, host)},
        "/jsonrpc": {"POST": functools.partial(_jsonrpc, dispatcher, patience)},
        transfers.PATH: transfers.handlers(host, patience),
    }


def _health(host: Host, request: Request) -> Reply:
    """200 while verbs are answered; 503 when all workers hang."""
    work = host.part(Executor).look()
    well = work["workers"] > 0
    told = {"host": host.name, "workers": work["workers"], "stuck": work["stuck"]}
    return message.as_json({"status": "ok" if well else "stuck", **told}, 200 if well else 503)


def _metrics(host: Host, request: Request) -> Reply:
    render = host.part(Metrics).render
    page = host.part(Executor).run(render, name="/metrics", timeout=_METRICS_SECONDS)
    return Reply(content=page, content_type=Metrics.CONTENT_TYPE)


def _jsonrpc(dispatcher: rpc.Dispatcher, patience: Patience, request: Request) -> Reply:
    """JSON-RPC as a POST; 204 where there is nothing to answer."""
    answer = dispatcher.answer(request.body(patience.max_bytes), request.peer)
    return Reply(204) if answer is None else Reply(content=answer)
