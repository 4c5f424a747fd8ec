"""Is this token good, and for what: in process, mostly from memory."""

import hashlib
from dataclasses import dataclass

from mycloud.common import clock, exceptions
from mycloud.identity import knowledge, subjects, tokens
from mycloud.identity.subjects import Subject
from mycloud.identity.tokens import Token


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was found good, and who may do what with it."""

    token: Token
    subject: Subject


def check(text: str) -> Grant:
    """The grant of a token.

    :raises TokenInvalid: when it is none of ours, has expired, was revoked, or when what it
        stands on is gone or disabled
    """
    memory = knowledge.get()
    memory.refresh()
    key = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    found: Grant | None = memory.recall(key)
    if found is not None:
        return found
    generation = memory.generation
    token = tokens.read(text)
    left = (token.expires_at - clock.now()).total_seconds()
    if left <= 0:
        raise exceptions.TokenInvalid()
    subject = subjects.resolve(token.user_id, token.scope, token.application_credential_id)
    if memory.revoked.covers(token, subject.domain_ids):
        raise exceptions.TokenInvalid()
    grant = Grant(token, subject)
    memory.remember(key, grant, generation, seconds=left)
    return grant
