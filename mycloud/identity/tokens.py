"""Fernet tokens: what they say, how they are written and read.

A token holds ids and times only. Names, roles and whether all of it still holds are looked up
(mycloud/identity/checker.py).
"""

import datetime
from dataclasses import dataclass

import msgpack
from cryptography import fernet
from oslo_config import cfg

from mycloud.common import clock, exceptions
from mycloud.identity import keys

PROJECT, DOMAIN, SYSTEM = "project", "domain", "system"
PASSWORD, TOKEN, APPLICATION_CREDENTIAL = "password", "token", "application_credential"

_FORMAT = 1
_MAX_LENGTH = 1024
_EPOCH = datetime.datetime(1970, 1, 1)
_METHODS = (PASSWORD, TOKEN, APPLICATION_CREDENTIAL)
_KINDS = ("", PROJECT, DOMAIN, SYSTEM)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is good for. ``kind`` is "" for an unscoped one; ``id`` is "" unless it is a
    project or domain."""

    kind: str = ""
    id: str = ""


UNSCOPED = Scope()


@dataclass(frozen=True, slots=True)
class Token:
    """The contents of a token. ``audit_ids``: its own, then that of the first one of the chain
    it was rescoped from. Times are UTC."""

    user_id: str
    methods: tuple[str, ...]
    scope: Scope
    issued_at: datetime.datetime
    expires_at: datetime.datetime
    audit_ids: tuple[str, ...]
    application_credential_id: str | None = None

    @property
    def expired(self) -> bool:
        return clock.now() >= self.expires_at


def new(
    user_id: str,
    methods: tuple[str, ...],
    scope: Scope,
    *,
    parent: Token | None = None,
    application_credential_id: str | None = None,
) -> Token:
    """A token that starts now. One that was rescoped lives no longer than its parent."""
    now = clock.now()
    lifetime = datetime.timedelta(seconds=cfg.CONF.identity.token_expiration)
    own = clock.secret(16)
    return Token(
        user_id=user_id,
        methods=methods,
        scope=scope,
        issued_at=now,
        expires_at=parent.expires_at if parent else (now + lifetime).replace(microsecond=0),
        audit_ids=(own, parent.audit_ids[-1]) if parent else (own,),
        application_credential_id=application_credential_id,
    )


def write(token: Token) -> str:
    """The text that clients carry around."""
    payload = msgpack.packb(
        [
            _FORMAT,
            _packed_id(token.user_id),
            sum(1 << _METHODS.index(method) for method in token.methods),
            _KINDS.index(token.scope.kind),
            _packed_id(token.scope.id),
            _micros(token.issued_at),
            _micros(token.expires_at),
            token.audit_ids,
            _packed_id(token.application_credential_id or ""),
        ]
    )
    return keys.token_keys().crypto().encrypt(payload).rstrip(b"=").decode()


def read(text: str) -> Token:
    """The contents of a token; whether it is expired or revoked is not looked at.

    :raises TokenInvalid: for what none of our keys has written
    """
    if not 0 < len(text) <= _MAX_LENGTH or not text.isascii():
        raise exceptions.TokenInvalid()
    padded = text + "=" * (-len(text) % 4)
    try:
        payload = keys.token_keys().crypto().decrypt(padded.encode())
    except fernet.InvalidToken:
        raise exceptions.TokenInvalid() from None
    version, user, methods, kind, scope, issued, expires, audit_ids, credential = (
        msgpack.unpackb(payload)
    )
    if version != _FORMAT:
        raise exceptions.TokenInvalid()
    return Token(
        user_id=_unpacked_id(user),
        methods=tuple(name for bit, name in enumerate(_METHODS) if methods >> bit & 1),
        scope=Scope(_KINDS[kind], _unpacked_id(scope)),
        issued_at=_EPOCH + datetime.timedelta(microseconds=issued),
        expires_at=_EPOCH + datetime.timedelta(microseconds=expires),
        audit_ids=tuple(audit_ids),
        application_credential_id=_unpacked_id(credential) or None,
    )


def _micros(moment: datetime.datetime) -> int:
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


def _packed_id(text: str) -> bytes | str:
    """Half the length for the ids that we make; any other text as it is."""
    if len(text) == 32:
        try:
            packed = bytes.fromhex(text)
        except ValueError:
            return text
        if packed.hex() == text:
            return packed
    return text


def _unpacked_id(packed: bytes | str) -> str:
    return packed.hex() if isinstance(packed, bytes) else packed
