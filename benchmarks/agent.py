"""JSON-RPC of the host agent: calls a second, by the way they come.

    python -m benchmarks.agent [--seconds 3] [--clients 4] [--mode eventlet|threading]

The agent is a process of its own; the clients are threads of another one, so that the two share
nothing but the machine. A client sends its next call when it has the answer to the last; in a
batch 50 calls go at once.
"""

import argparse
import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mycloud.common import concurrency

# before anything else is imported that would choose; the clients are native threads in any case
concurrency.patch(None if "--serve" in sys.argv else concurrency.THREADING)

from benchmarks import run  # noqa: E402
from benchmarks.steps import Line  # noqa: E402
from mycloud.common import pki  # noqa: E402
from tests.fixtures.agent_port import NAME, AgentPort  # noqa: E402

_CALL = b'{"jsonrpc":"2.0","id":1,"method":"agent.ping","params":{}}'
_BATCH = 50
_POST = (
    b"POST /jsonrpc HTTP/1.1\r\nHost: here\r\nContent-Length: " + str(len(_CALL)).encode()
    + b"\r\n\r\n" + _CALL
)
#: with TLS; the others are for comparison
GOAL = 2000

Connect = Callable[[], "socket.socket | ssl.SSLSocket"]


def serve(tls: bool) -> None:
    """Be the agent until standard input ends."""
    port = AgentPort(tls=True if tls else None)
    port.setUp()
    print(json.dumps({"port": port.port, "pki": str(port.folder / "authority" / "hosts")}))
    sys.stdout.flush()
    concurrency.run_native(sys.stdin.buffer.read)
    port.cleanUp()


def _one_by_one(connect: Connect, until: float, times: list[float], *, what: bytes) -> int:
    sock = connect()
    file = sock.makefile("rb")
    count = 0
    while (begun := time.monotonic()) < until:
        sock.sendall(what)
        if what is _POST:
            while file.readline() != b"\r\n":
                pass
            file.read(len(b'{"jsonrpc":"2.0","result":{"host":"here"},"id":1}'))
        else:
            file.readline()
        times.append(time.monotonic() - begun)
        count += 1
    sock.close()
    return count


def _batches(connect: Connect, until: float, times: list[float]) -> int:
    sock = connect()
    file = sock.makefile("rb")
    count = 0
    batch = b"[" + b",".join([_CALL] * _BATCH) + b"]\n"
    while (begun := time.monotonic()) < until:
        sock.sendall(batch)
        file.readline()
        times.append(time.monotonic() - begun)
        count += _BATCH
    sock.close()
    return count


def _connections(connect: Connect, until: float, times: list[float]) -> int:
    count = 0
    while (begun := time.monotonic()) < until:
        sock = connect()
        sock.sendall(_CALL + b"\n")
        sock.makefile("rb").readline()
        sock.close()
        times.append(time.monotonic() - begun)
        count += 1
    return count


def _load(
    load: Callable[..., int], connect: Connect, args: argparse.Namespace
) -> tuple[float, float]:
    """Calls a second by all clients, and the median of one's time."""
    until = time.monotonic() + args.seconds
    counts: list[int] = []
    times: list[float] = []
    threads = [
        threading.Thread(target=lambda: counts.append(load(connect, until, times)))
        for _ in range(args.clients)
    ]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begun), statistics.median(times)


def _measure(args: argparse.Namespace, *, tls: bool) -> list[Line]:
    command = [sys.executable, "-m", "benchmarks.agent", "--serve", *(["--tls"] if tls else [])]
    env = {**os.environ, "MYCLOUD_CONCURRENCY": args.mode}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=env, **pipes) as agent:
        assert agent.stdin is not None and agent.stdout is not None
        told = json.loads(agent.stdout.readline())
        connect = _connector(told, tls=tls)
        lines = []
        way = "TLS" if tls else "plain"
        for name, load, goal in (
            ("calls", lambda *each: _one_by_one(*each, what=_CALL + b"\n"), GOAL if tls else None),
            ("calls in batches of 50", _batches, None),
            ("calls by HTTP POST", lambda *each: _one_by_one(*each, what=_POST), None),
            ("calls, each on a new connection", _connections, None),
        ):
            before = _cpu(agent.pid)
            rate, median = _load(load, connect, args)
            cost = (_cpu(agent.pid) - before) / max(1, rate * args.seconds)
            step = f"{name}, {way}, {args.clients} clients"
            lines += run.told([
                Line(step, "rate", round(rate), "/s", goal, more=True),
                Line(step, "median", median * 1000, "ms"),
                Line(step, "CPU", cost * 1e6, "µs each"),
            ])
        agent.stdin.close()
        agent.wait(30)
    return lines


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _connector(told: dict[str, object], *, tls: bool) -> Connect:
    address = ("127.0.0.1", int(str(told["port"])))
    if not tls:
        return lambda: socket.create_connection(address, 20)
    bundle = Path(str(told["pki"])) / NAME
    context = ssl.create_default_context(cafile=str(bundle / pki.CA_CERTIFICATE))
    context.load_cert_chain(bundle / pki.CLIENT_CERTIFICATE, bundle / pki.CLIENT_KEY)
    return lambda: context.wrap_socket(
        socket.create_connection(address, 20), server_hostname="127.0.0.1"
    )


def main() -> int:
    """Measure and show; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--mode", default="eventlet", choices=("eventlet", "threading"))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--tls", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.tls)
        return 0
    lines = [*_measure(args, tls=True), *_measure(args, tls=False)]
    return int(any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
