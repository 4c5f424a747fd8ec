"""Fetches a file from the agent of another compute host, and sends one there, by a ticket.

What breaks in the middle is taken up where it ended.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from mycloud.common import concurrency, exceptions, pki

LOG = logging.getLogger(__name__)

_CHUNK = 1 << 20
_TIMEOUTS = (5, 60)
#: How often a transfer is taken up again that gets nowhere.
_TRIES = 3


@dataclasses.dataclass(frozen=True)
class Pass:
    """:ivar url: of the ticket
    :ivar token: its secret
    :ivar size: of the file, in bytes
    """

    url: str
    token: str
    size: int


def fetch(shown: Pass, target: Path, pki_dir: Path) -> None:
    """Write the other host's file to a path.

    :param pki_dir: with this host's certificate
    :raises Unavailable: the other host does not give it
    """
    with target.open("wb") as file:
        _insist(shown, lambda: _fetch_rest(shown, file, pki_dir), file.tell)


def send(shown: Pass, source: Path, pki_dir: Path) -> None:
    """Write a file of this host to the other one.

    :raises Unavailable: the other host does not take it
    """
    with source.open("rb") as file:
        _insist(shown, lambda: _send_rest(shown, file, pki_dir), file.tell)


def _insist(shown: Pass, go_on: Any, moved: Any) -> None:
    failures = 0
    while True:
        before = moved()
        try:
            go_on()
            return
        except requests.RequestException as error:
            refused = error.response is not None and error.response.status_code < 500
            failures = failures + 1 if moved() == before else 1
            if refused or failures >= _TRIES:
                what = f"The file of the host at {shown.url}"
                raise exceptions.Unavailable(what=what) from error
            LOG.info("A transfer broke after %d bytes and goes on: %s", moved(), error)


def _fetch_rest(shown: Pass, file: Any, pki_dir: Path) -> None:
    start = file.tell()
    if start >= shown.size:
        return
    headers = {"Range": f"bytes={start}-", **_token(shown)}
    with _session(shown, pki_dir) as session, session.get(
        shown.url, headers=headers, stream=True, timeout=_TIMEOUTS
    ) as answer:
        answer.raise_for_status()
        if answer.status_code != 206:
            raise requests.RequestException("the range was not looked at", response=answer)
        for chunk in answer.iter_content(_CHUNK):
            # off the hub: a full disk cache makes a write wait for long
            concurrency.run_native(file.write, chunk)
    if file.tell() != shown.size:
        raise requests.ConnectionError(f"{file.tell()} of {shown.size} bytes came")


def _send_rest(shown: Pass, file: Any, pki_dir: Path) -> None:
    with _session(shown, pki_dir) as session:
        if file.tell():
            told = session.get(shown.url, headers=_token(shown), timeout=_TIMEOUTS)
            told.raise_for_status()
            received = told.json()["received"]
            file.seek(received[0][1] if received and received[0][0] == 0 else 0)
        start = file.tell()
        rest = _Rest(file, shown.size - start)
        headers = {
            "Content-Range": f"bytes {start}-{shown.size - 1}/{shown.size}", **_token(shown)
        }
        session.put(
            shown.url, headers=headers, data=rest, timeout=_TIMEOUTS
        ).raise_for_status()


class _Rest:
    """The rest of a file as ``requests`` sends one whose length is known."""

    def __init__(self, file: Any, size: int):
        self._file = file
        self._size = size
        self._ahead = memoryview(b"")

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_CHUNK):
            yield piece

    def read(self, size: int = _CHUNK) -> bytes:
        if not self._ahead:
            # off the hub, and not in as small pieces as are asked for
            self._ahead = memoryview(concurrency.run_native(self._file.read, _CHUNK))
        piece, self._ahead = self._ahead[:size], self._ahead[size:]
        return bytes(piece)


@contextlib.contextmanager
def _session(shown: Pass, pki_dir: Path) -> Iterator[requests.Session]:
    with requests.Session() as session:
        # no proxy and no password file of the environment: it is another host of the cloud
        session.trust_env = False
        if shown.url.startswith("https:"):
            session.verify = os.fspath(pki_dir / pki.CA_CERTIFICATE)
            session.cert = (
                os.fspath(pki_dir / pki.CLIENT_CERTIFICATE), os.fspath(pki_dir / pki.CLIENT_KEY)
            )
        yield session


def _token(shown: Pass) -> dict[str, str]:
    return {"Authorization": f"Bearer {shown.token}"}
