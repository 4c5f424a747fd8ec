"""The token with which a machine joins the cloud, and what is said in its protection.

Its secret never goes over the network. The machine proves that it has it by a digest over its
request; the answer is encrypted with a key made of it, and can't be forged without it. So it does
not matter whether the API speaks HTTPS: who listens learns names and public keys, and nobody
in between can change anything or stand for the cloud.

The text is one line that holds where the API is and whom to expect there.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mycloud.common import exceptions

_PREFIX = "mycloud-node-1-"
_CHECKSUM_BYTES = 4
_SECRET_BYTES = 32
_NONCE_BYTES = 12
_MAX_LENGTH = 8192


@dataclasses.dataclass(frozen=True)
class NodeToken:
    """:ivar id: of the token, which is no secret
    :ivar urls: of the API, the best one first
    :ivar authority: sha256 of the certificate that the cloud's authority has, in hex
    :ivar api_certificate: sha256 of the certificate that the API shows, in hex; None: it speaks
        HTTP, or whoever stands before it is known by the machine's own authorities
    :ivar brokers: of the message bus, HOST:PORT
    """

    id: str
    secret: bytes = dataclasses.field(repr=False)
    urls: tuple[str, ...]
    authority: str
    api_certificate: str | None = None
    brokers: tuple[str, ...] = ()

    def text(self) -> str:
        """One line, without a sign that a shell or a mail program would take for another."""
        content = {
            "i": self.id,
            "s": base64.b64encode(self.secret).decode(),
            "u": self.urls,
            "a": self.authority,
            "c": self.api_certificate,
            "b": self.brokers,
        }
        raw = _canonical(content)
        return _PREFIX + base64.urlsafe_b64encode(_checksum(raw) + raw).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> NodeToken:
        """:raises NodeTokenDamaged: it is not what ``text`` has made"""
        text = text.strip()
        if not text.startswith(_PREFIX) or len(text) > _MAX_LENGTH:
            raise exceptions.NodeTokenDamaged(reason=f"it does not begin with {_PREFIX!r}")
        body = text.removeprefix(_PREFIX)
        try:
            both = base64.b64decode(
                (body + "=" * (-len(body) % 4)).encode("ascii"), altchars=b"-_", validate=True
            )
            raw = both[_CHECKSUM_BYTES:]
            if not hmac.compare_digest(both[:_CHECKSUM_BYTES], _checksum(raw)):
                raise exceptions.NodeTokenDamaged(reason="a part is missing or changed")
            content = json.loads(raw)
            found = cls(
                id=content["i"],
                secret=base64.b64decode(content["s"], validate=True),
                urls=tuple(content["u"]),
                authority=content["a"],
                api_certificate=content["c"],
                brokers=tuple(content["b"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise exceptions.NodeTokenDamaged(reason="a part is missing or changed") from error
        texts = (
            found.id, *found.urls, found.authority, found.api_certificate or "", *found.brokers
        )
        if (
            not found.urls
            or len(found.secret) != _SECRET_BYTES
            or any(not isinstance(each, str) for each in texts)
        ):
            raise exceptions.NodeTokenDamaged(reason="it holds what no token holds")
        return found


def secret_of(cloud_key: bytes, token_id: str) -> bytes:
    """The secret of a token: the cloud's key makes it anew whenever it is needed, so that it is
    kept nowhere."""
    return hmac.digest(cloud_key, f"mycloud node token {token_id}".encode(), hashlib.sha256)


def digest(secret: bytes) -> str:
    """What the database keeps of a secret."""
    return hashlib.sha256(secret).hexdigest()


def proof(secret: bytes, request: Mapping[str, Any]) -> str:
    """What shows that a request is made by somebody who has the secret.

    ``request``: without the proof itself
    """
    return hmac.digest(_key(secret, "request"), _canonical(request), hashlib.sha256).hex()


def proves(secret: bytes, request: Mapping[str, Any], given: str) -> bool:
    """Whether a proof is right; takes as long when it is not."""
    return hmac.compare_digest(proof(secret, request).encode(), given.encode())


def seal(secret: bytes, request: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """An answer that only the maker of the request can read, and that fits no other request."""
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(_key(secret, "answer"))
    sealed = cipher.encrypt(nonce, _canonical(answer), _canonical(request))
    return base64.b64encode(nonce + sealed).decode()


def unseal(secret: bytes, request: Mapping[str, Any], sealed: str) -> dict[str, Any]:
    """:raises NodeAnswerForged: it is not the answer to this request by who made the token"""
    try:
        raw = base64.b64decode(sealed, validate=True)
        cipher = AESGCM(_key(secret, "answer"))
        content = cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _canonical(request))
        answer: dict[str, Any] = json.loads(content)
    except (ValueError, InvalidTag) as error:
        raise exceptions.NodeAnswerForged() from error
    return answer


def request_digest(request: Mapping[str, Any]) -> str:
    """By which a request is known again."""
    return hashlib.sha256(_canonical(request)).hexdigest()


# -- how --------------------------------------------------------------------


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _checksum(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()[:_CHECKSUM_BYTES]


def _key(secret: bytes, purpose: str) -> bytes:
    kdf = HKDF(
        algorithm=hashes.SHA256(), length=32, salt=None, info=f"mycloud node {purpose}".encode()
    )
    return kdf.derive(secret)
