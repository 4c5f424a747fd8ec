"""Asking the cloud's API without an identity: by a token, or signed by the machine's own key."""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import adapters

from mycloud.common import clock, concurrency, pki, pki_requests
from mycloud.local.layout import Layout
from mycloud.local.node.record import Record
from mycloud.local.settings import LocalError

#: Seconds for one answer, and for as long as there is none.
_TIMEOUT = 10
_PATIENCE = 20
_PAUSE = 0.5


class CloudRefuses(LocalError):
    """It has answered, and says no; asking again does not help."""

    def __init__(self, message: str, code: str):
        super().__init__(message)
        self.code = code


class _Pinned(adapters.HTTPAdapter):
    """Takes one certificate only, whoever has signed it."""

    def __init__(self, fingerprint: str):
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
        return super().init_poolmanager(*args, assert_fingerprint=self._fingerprint, **kwargs)


class Cloud:
    """The API of a cloud.

    :param urls: the best one first
    :param certificate: sha256 of the certificate that the API shows; None: as the machine trusts
    """

    def __init__(self, urls: tuple[str, ...], certificate: str | None):
        self.urls = urls
        self._session = requests.Session()
        # a proxy for the outside has no business here
        self._session.trust_env = False
        if certificate is not None:
            self._session.mount("https://", _Pinned(certificate))
            self._session.verify = False

    def skew(self) -> float:
        """By how many seconds this machine's clock is ahead of the cloud's.

        :raises LocalError: the API can't be reached
        """
        answer = self._insist(
            lambda url: self._session.get(f"{url}/cloud/v1/nodes", timeout=_TIMEOUT), 0
        )
        try:
            theirs = email.utils.parsedate_to_datetime(answer.headers["Date"])
        except (KeyError, ValueError):
            return 0.0
        ours = clock.now().replace(tzinfo=datetime.UTC)
        return (ours - theirs).total_seconds()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The document of an answer; asks again while there is none: what is asked here may be
        asked twice.

        :raises CloudRefuses: :raises LocalError: no answer
        """
        answer = self._insist(
            lambda url: self._session.post(
                f"{url}/cloud/v1{path}", json=body, timeout=_TIMEOUT, allow_redirects=False
            ),
            _PATIENCE,
        )
        if answer.status_code == 204:
            return None
        try:
            document = answer.json()
        except ValueError:
            document = None
        if answer.ok and isinstance(document, dict):
            return document
        raise _refusal(answer, document)

    def _insist(self, ask: Callable[[str], requests.Response], patience: float) -> Any:
        until = clock.monotonic() + patience
        while True:
            failures = []
            for url in self.urls:
                try:
                    answer = ask(url)
                except requests.RequestException as error:
                    failures.append(f"{url}: {_plain(error)}")
                    continue
                if answer.status_code < 500:
                    return answer
                failures.append(f"{url} answers with {answer.status_code}")
            if clock.monotonic() > until:
                raise LocalError(
                    f"The cloud can't be reached ({'; '.join(failures)}). Is it up, and may this "
                    "machine reach it?"
                )
            concurrency.sleep(_PAUSE)


def _refusal(answer: requests.Response, document: Any) -> CloudRefuses:
    try:
        error = document["error"]
        return CloudRefuses(f"The cloud refuses: {error['message']}", str(error["code"]))
    except (TypeError, KeyError):
        return CloudRefuses(
            f"{answer.url} answers with {answer.status_code} and nothing that can be understood; "
            "is it the API of a cloud?", "",
        )


def _plain(error: requests.RequestException) -> str:
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        if "ingerprint" in text:
            return "it shows another certificate than the token says"
        return f"its certificate is not accepted ({text})"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    return text.partition("Caused by ")[2].rpartition(": ")[2].strip(" \"')") or text


def own_address(urls: Sequence[str]) -> str:
    """The address of this machine by which it reaches the API.

    :raises LocalError: there is no way there
    """
    failures = []
    for url in urls:
        try:
            parts = urlsplit(url)
            found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_DGRAM)[0]
            with socket.socket(found[0], socket.SOCK_DGRAM) as probe:
                # nothing is sent
                probe.connect(found[4])
                address: str = probe.getsockname()[0]
                return address
        except (OSError, ValueError) as error:
            failures.append(f"{url}: {error}")
    raise LocalError(
        f"There is no way to the cloud ({'; '.join(failures)}). Once there is one, this machine's "
        "own address is found out, unless --address names it"
    )


@dataclasses.dataclass(frozen=True)
class Member:
    """This machine as one of the cloud: what it asks for it signs."""

    layout: Layout
    record: Record

    def status(self) -> dict[str, Any]:
        """What the cloud knows of it.

        :raises LocalError:
        """
        found: dict[str, Any] = self._ask("status")["node"]
        return found

    def leave(self, *, force: bool) -> None:
        """:raises LocalError: servers are on it, without ``force``"""
        self._ask("leave", force=force)

    def _ask(self, action: str, **more: Any) -> Any:
        record = self.record
        said = {
            "action": action, "token_id": record.token_id, "time": clock.now().isoformat(),
            **more,
        }
        try:
            key = (self.layout.certificates / pki.CLIENT_KEY).read_bytes()
            signature = pki_requests.signature(key, {**said, "name": record.name})
        except (OSError, ValueError) as error:
            raise LocalError(
                f"{self.layout.certificates / pki.CLIENT_KEY} can't be used ({error}): without it "
                "the cloud does not know this machine. Leave by 'mycloud node leave --force' and "
                "join anew"
            ) from error
        body = {"said": said, "signature": signature}
        cloud = Cloud(record.urls, record.api_certificate)
        return cloud.post(f"/nodes/{record.name}/{action}", body)
