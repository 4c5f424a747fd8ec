"""Tokens that let a machine join: short-lived, and good for one.

The database has a digest of the secret only; the secret itself is made of the token's id by a key
that lies beside the authority's.
"""

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oslo_concurrency import lockutils
from oslo_config import cfg

from mycloud.common import clock, exceptions, node_token, pki, secret_files, states
from mycloud.compute.requests.nodes import options
from mycloud.db import engine, nodes

Row = Mapping[str, Any]

_KEY_FILE = "node-token.key"
_KEY_BYTES = 32
#: For how long one can still see what became of a token.
_KEPT = datetime.timedelta(days=7)


@contextlib.contextmanager
def _reached() -> Iterator[None]:
    """:raises NodesImpossible: the block fails, since this API can't use the directory"""
    try:
        yield
    except OSError as error:
        raise exceptions.NodesImpossible(
            reason=f"the API can't use the authority that signs certificates ({error.strerror}); "
            "let its user read and write [pki]/authority_dir."
        ) from error


def secret_of(token_id: str) -> bytes:
    """The secret of a token, whether there is one of that id or not.

    :raises NodesImpossible: this API can't reach the cloud's key
    """
    with _reached():
        key = secret_files.once(pki.authority_dir() / _KEY_FILE, lambda: os.urandom(_KEY_BYTES))
    return node_token.secret_of(key, token_id)


def authority() -> Path:
    """The certificate of the cloud's authority; it is made if there is none.

    :raises CertificatesBroken: :raises NodesImpossible: this API can't reach its key
    """
    with _reached(), lockutils.lock("authority", "mycloud-", external=True):
        return pki.ensure_authority(pki.authority_dir())


@engine.retried
def create(name: str | None, lifetime: int | None, asked_at: str) -> tuple[Row, str]:
    """A new token, and its text, which nobody is told again.

    :param name: the only one that it lets join; None: any
    :param lifetime: seconds
    :param asked_at: the URL of the API as its caller knows it
    :raises NodesImpossible: :raises BadField: no host can be called that
    :raises NodeNameTaken:
    """
    if name is not None:
        check_name(name)
    urls = options.urls(asked_at)
    options.check(urls)
    now = clock.now()
    seconds = datetime.timedelta(seconds=lifetime or cfg.CONF.node.token_lifetime)
    token_id = clock.new_id()
    token = node_token.NodeToken(
        token_id, secret_of(token_id), urls,
        pki.fingerprint(authority().read_bytes()), _api_certificate(), options.brokers(),
    )
    with engine.writer() as conn:
        # a machine that has joined may do so again
        if name and nodes.get(conn, name) is None and nodes.bears_services(conn, name):
            raise exceptions.NodeNameTaken(name=name)
        nodes.drop_tokens_before(conn, now - _KEPT)
        row = {
            "id": token_id,
            "name": name,
            "digest": node_token.digest(token.secret),
            "expires_at": now + seconds,
            "created_at": now,
        }
        nodes.insert_token(conn, row)
        return nodes.token(conn, token_id), token.text()


def check_name(name: str) -> None:
    """:raises BadField: no host can be called that"""
    try:
        pki.check_name(name)
    except exceptions.CertificatesBroken as error:
        raise exceptions.BadField(
            field="name",
            reason="it must have 1 to 64 letters, digits, dots, dashes and underscores, the "
            "first and the last one a letter or a digit",
        ) from error


def _api_certificate() -> str | None:
    file = cfg.CONF.api.tls_cert_file
    return pki.fingerprint(Path(file).read_bytes()) if file else None


def every() -> list[Row]:
    """All tokens of the last days, the newest first."""
    with engine.reader() as conn:
        return nodes.every_token(conn)


def get(token_id: str) -> Row:
    """:raises NodeTokenNotFound:"""
    with engine.reader() as conn:
        return nodes.token(conn, token_id)


@engine.retried
def delete(token_id: str) -> None:
    """Withdraw it; a machine that has joined by it stays.

    :raises NodeTokenNotFound:
    """
    with engine.writer() as conn:
        if not nodes.delete_token(conn, token_id):
            raise exceptions.NodeTokenNotFound(token_id=token_id)


def state(row: Row) -> states.NodeToken:
    """What has become of it."""
    if row["used_at"] is not None:
        return states.NodeToken.USED
    expired = row["expires_at"] <= clock.now()
    return states.NodeToken.EXPIRED if expired else states.NodeToken.UNUSED
