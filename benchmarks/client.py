"""A small HTTP client whose own cost hardly shows, and loads that run it in threads."""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


class Client:
    """One thread's connection to an API; kept open as long as the server lets it be."""

    def __init__(self, url: str, headers: dict[str, str] | None = None):
        parts = urlsplit(url)
        self._where = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._path = parts.path.rstrip("/")
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json"
    ) -> tuple[int, Any, bytes]:
        """Status, headers and body of the answer.

        :raises OSError: when the server can't be reached
        """
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = kind
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        for last in (False, True):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(*self._where, timeout=120)
                self._connection.request(method, self._path + path, body, headers)
                response = self._connection.getresponse()
                content = response.read()
                if response.will_close:
                    self.close()
                return response.status, response.headers, content
            except (http.client.HTTPException, ConnectionError):
                # a kept connection may have been closed from the other side
                self.close()
                if last:
                    raise
        raise AssertionError("unreachable")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that must be a success.

        :raises RuntimeError: for any other answer
        """
        status, _, content = self.ask(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {content[:300]!r}")
        return json.loads(content) if content else None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Load:
    """What came out of a load; times in seconds."""

    times: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    failed: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Successes a second."""
        return len(self.times) / self.elapsed if self.elapsed else 0.0

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times) * 1000 if self.times else float("nan")

    @property
    def p95_ms(self) -> float:
        ordered = sorted(self.times)
        return ordered[int(0.95 * (len(ordered) - 1))] * 1000 if ordered else float("nan")


Work = Callable[[Client, Any], None]


def each(connect: Callable[[], Client], items: Iterable[Any], work: Work, clients: int) -> Load:
    """``work`` for every item, by that many clients side by side; an error is a failure."""
    source = iter(list(items))
    lock = threading.Lock()
    load = Load()

    def one() -> None:
        client = connect()
        while True:
            with lock:
                item = next(source, None)
            if item is None:
                client.close()
                return
            _timed(load, lock, client, item, work)

    return _run(load, one, clients)


def during(connect: Callable[[], Client], seconds: float, work: Work, clients: int) -> Load:
    """``work`` again and again for that long, by that many clients side by side."""
    lock = threading.Lock()
    load = Load()
    end = time.perf_counter() + seconds

    def one() -> None:
        client = connect()
        turn = 0
        while time.perf_counter() < end:
            _timed(load, lock, client, turn, work)
            turn += 1
        client.close()

    return _run(load, one, clients)


def _timed(load: Load, lock: threading.Lock, client: Client, item: Any, work: Work) -> None:
    begun = time.perf_counter()
    try:
        work(client, item)
    except (RuntimeError, OSError, http.client.HTTPException) as error:
        with lock:
            load.failed += 1
            load.errors.append(repr(error)[:200])
        return
    took = time.perf_counter() - begun
    with lock:
        load.times.append(took)


def _run(load: Load, one: Callable[[], None], clients: int) -> Load:
    threads = [threading.Thread(target=one) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.elapsed = time.perf_counter() - begun
    return load
