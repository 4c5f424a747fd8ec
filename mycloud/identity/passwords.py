"""Hashes of passwords and of application credentials' secrets."""

import base64
import collections
import functools
import hashlib
import hmac

import bcrypt
from oslo_config import cfg

from mycloud.common import clock, concurrency

_VERIFIED_AT_MOST = 10000
_FAST = "sha512$"


def hash_password(password: str) -> str:
    """A salted bcrypt hash; takes as long as [identity]/bcrypt_rounds says."""
    rounds = cfg.CONF.identity.bcrypt_rounds
    return concurrency.run_native(_hash, password, rounds)


def verify(password: str, hashed: str | None) -> bool:
    """Whether the password is the hash's; without a hash it takes as long and is False."""
    known = hashed is not None
    against = hashed or _dummy(cfg.CONF.identity.bcrypt_rounds)
    matches = concurrency.run_native(bcrypt.checkpw, _digest(password), against.encode())
    return known and matches


def _hash(password: str, rounds: int) -> str:
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(rounds)).decode()


def _digest(password: str) -> bytes:
    # bcrypt looks at 72 bytes at most and stops at a NUL: it gets a digest of the whole instead
    return base64.b64encode(hashlib.sha256(password.encode()).digest())


@functools.cache
def _dummy(rounds: int) -> str:
    return _hash("nobody has this password", rounds)


def new_secret() -> str:
    """A secret that nobody can guess (512 bits), for who doesn't bring one."""
    return clock.secret(64)


def hash_new_secret(secret: str) -> str:
    """A fast hash, good only for what ``new_secret`` made: 512 random bits need no stretching."""
    salt = clock.secret(16)
    return f"{_FAST}{salt}${_fast(salt, secret)}"


def _fast(salt: str, secret: str) -> str:
    return hmac.new(salt.encode(), secret.encode(), "sha512").hexdigest()


class SecretVerifier:
    """Checks application credentials' secrets.

    A secret of the user's own choice has a slow hash. That it was right is remembered in this
    process, by a digest under a key that never leaves it, so that programs which log in with
    every call pay for it once.
    """

    def __init__(self) -> None:
        self._key = clock.secret(32).encode()
        self._right: collections.OrderedDict[bytes, None] = collections.OrderedDict()

    def verify(self, secret: str, hashed: str | None) -> bool:
        """Whether the secret is the hash's; without a hash it takes as long and is False."""
        if hashed is not None and hashed.startswith(_FAST):
            salt, expected = hashed.removeprefix(_FAST).split("$")
            return hmac.compare_digest(_fast(salt, secret), expected)
        digest = hmac.digest(self._key, f"{hashed}\0{secret}".encode(), "sha512")
        if digest in self._right:
            return True
        if not verify(secret, hashed):
            return False
        self._right[digest] = None
        if len(self._right) > _VERIFIED_AT_MOST:
            self._right.popitem(last=False)
        return True


verify_secret = SecretVerifier().verify
