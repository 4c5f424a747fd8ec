"""Logging in: from methods and a scope to a token.

Whatever is wrong gives LoginFailed with the same words and takes as long as a right password.
"""

import dataclasses
import datetime
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exc

from mycloud.common import clock, exceptions
from mycloud.db import engine
from mycloud.db.identity import access, login_failures
from mycloud.db.identity.rows import Row
from mycloud.identity import checker, knowledge, passwords, subjects, tokens
from mycloud.identity.checker import Grant
from mycloud.identity.tokens import (
    APPLICATION_CREDENTIAL,
    DOMAIN,
    PASSWORD,
    PROJECT,
    SYSTEM,
    TOKEN,
    UNSCOPED,
    Scope,
    Token,
)

LOG = logging.getLogger(__name__)
Document = Mapping[str, Any]


@dataclass(frozen=True)
class _Proof:
    """Who somebody has proved to be, and how."""

    user_id: str
    default_project_id: str | None = None
    parent: Token | None = None
    app_credential: Row | None = None


def log_in(auth: Document) -> Grant:
    """The token for ``auth``, the checked object of the identity API's request.

    :raises BadField: when a method is named without what it needs
    :raises LoginFailed: when the proof or the scope is not good, whatever the reason
    """
    for method in auth["identity"]["methods"]:
        if method not in auth["identity"]:
            raise exceptions.BadField(field=f"auth.identity.{method}", reason="it is missing")
    knowledge.get().refresh(at_once=True)
    try:
        proofs = [
            _METHODS[method](auth["identity"][method])
            for method in dict.fromkeys(auth["identity"]["methods"])
        ]
        if len({proof.user_id for proof in proofs}) != 1:
            raise exceptions.LoginFailed()
        proof = _merged(proofs)
        scope = _scope(auth.get("scope"), proof)
        credential_id = proof.app_credential["id"] if proof.app_credential else None
        subject = subjects.resolve(proof.user_id, scope, credential_id)
    except exceptions.LoginFailed:
        raise
    except exceptions.NotAuthenticated as error:
        LOG.info("Login refused: %s", error.message)
        raise exceptions.LoginFailed() from error
    methods = tuple(dict.fromkeys(auth["identity"]["methods"]))
    if proof.parent is not None:
        methods = tuple(dict.fromkeys((*methods, *proof.parent.methods)))
    token = tokens.new(
        proof.user_id,
        methods,
        scope,
        parent=proof.parent,
        application_credential_id=credential_id,
    )
    limit = subject.app_credential.expires_at if subject.app_credential else None
    if limit is not None and limit < token.expires_at:
        token = dataclasses.replace(token, expires_at=limit)
    return Grant(token, subject)


def _merged(proofs: list[_Proof]) -> _Proof:
    found = proofs[0]
    for proof in proofs[1:]:
        found = _Proof(
            found.user_id,
            found.default_project_id or proof.default_project_id,
            found.parent or proof.parent,
            found.app_credential or proof.app_credential,
        )
    return found


# -- methods -----------------------------------------------------------------------------------


def _by_password(given: Document) -> _Proof:
    user = _user(given["user"])
    check_password(user, given["user"]["password"])
    assert user is not None
    return _Proof(user["id"], user["default_project_id"])


def check_password(user: Row | None, password: str) -> None:
    """``user``: a row of access.user, or None for nobody, which takes as long.

    :raises LoginFailed: when it is wrong, or when the user is locked out or disabled
    """
    locked = user is not None and _locked(user)
    # a locked user's password is compared too, with nothing: the time must not tell
    matches = passwords.verify(
        password, None if user is None or locked else user["password_hash"]
    )
    if user is None:
        raise exceptions.LoginFailed()
    if not matches:
        if not locked:
            _note_failure(user["id"])
        raise exceptions.LoginFailed()
    expires_at = user["password_expires_at"]
    if not user["enabled"] or not user["domain_enabled"]:
        raise exceptions.LoginFailed()
    if expires_at is not None and expires_at <= clock.now():
        raise exceptions.LoginFailed()
    if user["failures"]:
        with engine.writer() as conn:
            login_failures.clear(conn, user["id"])


def _locked(user: Row) -> bool:
    most = cfg.CONF.identity.lockout_failure_attempts
    exempt = (user["options"] or {}).get("ignore_lockout_failure_attempts")
    if not most or exempt or (user["failures"] or 0) < most:
        return False
    lasts = datetime.timedelta(seconds=cfg.CONF.identity.lockout_duration)
    return clock.now() < user["failed_at"] + lasts


def _note_failure(user_id: str) -> None:
    try:
        with engine.writer() as conn:
            login_failures.add(conn, user_id)
    except db_exc.DBDuplicateEntry:
        with engine.writer() as conn:
            login_failures.add(conn, user_id)


def _user(ref: Document) -> Row | None:
    with engine.reader() as conn:
        if "id" in ref:
            return access.user(conn, ref["id"])
        return access.user_named(conn, ref["name"], ref["domain"])


def _by_token(given: Document) -> _Proof:
    grant = checker.check(given["id"])
    credential = None
    if grant.token.application_credential_id is not None:
        credential = _app_credential(grant.token.application_credential_id)
    return _Proof(
        grant.token.user_id,
        _default_project(grant.token.user_id),
        parent=grant.token,
        app_credential=credential,
    )


def _default_project(user_id: str) -> str | None:
    row = knowledge.get().of(
        ("user", user_id), lambda conn: access.user(conn, user_id)
    )
    return row["default_project_id"] if row else None


def _by_application_credential(given: Document) -> _Proof:
    row = None
    if "id" in given:
        row = _app_credential(given["id"])
    else:
        user = _user(given["user"])
        if user is not None:
            with engine.reader() as conn:
                row = access.application_credential_named(conn, given["name"], user["id"])
    if not passwords.verify_secret(given["secret"], row["secret_hash"] if row else None):
        raise exceptions.LoginFailed()
    assert row is not None
    return _Proof(row["user_id"], app_credential=row)


def _app_credential(credential_id: str) -> Row | None:
    return knowledge.get().of(
        ("app_credential", credential_id),
        lambda conn: access.application_credential(conn, credential_id),
    )


_METHODS = {
    PASSWORD: _by_password,
    TOKEN: _by_token,
    APPLICATION_CREDENTIAL: _by_application_credential,
}


# -- scopes ------------------------------------------------------------------------------------


def _scope(wanted: Any, proof: _Proof) -> Scope:
    """The scope that is asked for, with the id of what it names."""
    if proof.app_credential is not None:
        # good for its own project and nothing else
        own = Scope(PROJECT, proof.app_credential["project_id"])
        if wanted not in (None, "unscoped") and _named_scope(wanted) != own:
            raise exceptions.LoginFailed()
        return own
    if wanted is None:
        return _default_scope(proof)
    if wanted == "unscoped" or "unscoped" in wanted:
        return UNSCOPED
    return _named_scope(wanted)


def _default_scope(proof: _Proof) -> Scope:
    """The user's default project if a token for it can be had, else none."""
    if not proof.default_project_id:
        return UNSCOPED
    scope = Scope(PROJECT, proof.default_project_id)
    try:
        subjects.resolve(proof.user_id, scope)
    except exceptions.NotAuthenticated:
        return UNSCOPED
    return scope


def _named_scope(wanted: Any) -> Scope:
    if wanted == "unscoped":
        return UNSCOPED
    if "system" in wanted:
        return Scope(SYSTEM)
    if "project" in wanted:
        ref = wanted["project"]
        if "id" in ref:
            return Scope(PROJECT, ref["id"])
        domain = ref["domain"]
        key = ("project named", ref["name"], domain.get("id"), domain.get("name"))
        row = knowledge.get().of(
            key, lambda conn: access.project_named(conn, ref["name"], domain)
        )
        if row is None:
            raise exceptions.LoginFailed()
        return Scope(PROJECT, row["id"])
    ref = wanted["domain"]
    if "id" in ref:
        return Scope(DOMAIN, ref["id"])
    with engine.reader() as conn:
        row = access.domain(conn, {"name": ref["name"]})
    if row is None:
        raise exceptions.LoginFailed()
    return Scope(DOMAIN, row["id"])
