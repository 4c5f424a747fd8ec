"""SSH public keys: checking and fingerprinting imported ones, making new pairs."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography import exceptions as crypto_exc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from mycloud.common import exceptions

RSA, ED25519 = "rsa", "ed25519"
_RSA_BITS = 2048
_COMMENT = "generated-by-mycloud"


@dataclass(frozen=True, repr=False)
class Pair:
    """Both halves as texts; the private one is kept nowhere."""

    public_key: str
    private_key: str


def fingerprint(public_key: str) -> str:
    """The MD5 of the key itself, in hexadecimal with colons.

    :raises BadField: unless it is one line with a public key that OpenSSH takes
    """
    line = public_key.strip()
    try:
        if len(line.splitlines()) != 1:
            raise ValueError("it must be one line: the type, the key and maybe a comment")
        serialization.load_ssh_public_key(line.encode())
        blob = base64.b64decode(line.split()[1], validate=True)
    except (ValueError, binascii.Error, crypto_exc.UnsupportedAlgorithm) as error:
        raise exceptions.BadField(
            field="public_key", reason=f"Keypair data is invalid: {error}"
        ) from error
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def generate(kind: str) -> Pair:
    """A new pair of RSA or ED25519; RSA takes up to a second of CPU."""
    if kind == ED25519:
        key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey = ed25519.Ed25519PrivateKey.generate()
        form = serialization.PrivateFormat.OpenSSH
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
        # the form that the oldest clients read, too
        form = serialization.PrivateFormat.TraditionalOpenSSL
    private = key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return Pair(public_key=f"{public.decode()} {_COMMENT}", private_key=private.decode())
