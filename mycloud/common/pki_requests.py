"""Requests for certificates (PKCS #10): a host makes its own keys, the authority signs them.

Also signatures by such a key, by which a host that has joined is known again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from mycloud.common import exceptions
from mycloud.common.pki import PublicKey

_EC_BITS = 256
_RSA_BITS = (2048, 8192)
_HASHES = ("sha256", "sha384", "sha512")


def make(name: str, key: ec.EllipticCurvePrivateKey) -> str:
    """A request for the certificate of a host of that name, in PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def key_of(pem: str, name: str, field: str) -> PublicKey:
    """The key that is to be certified.

    The subject must be the host's name alone, and no extension may be asked for: the authority
    says itself what a certificate is good for.

    :param field: what errors name
    :raises BadField:
    """

    def refuse(reason: str) -> exceptions.BadField:
        return exceptions.BadField(field=field, reason=reason)

    try:
        request = x509.load_pem_x509_csr(pem.encode("ascii"))
        key = request.public_key()
        wanted = [(part.oid, part.value) for part in request.subject]
        more = len(request.extensions) + len(request.attributes)
        good = request.is_signature_valid
        algorithm = request.signature_hash_algorithm
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise refuse("it is no certificate request (PKCS #10) in PEM") from error
    if not good:
        raise refuse("it is not signed by the key that it holds")
    if algorithm is None or algorithm.name not in _HASHES:
        raise refuse(f"it must be signed with one of {', '.join(_HASHES)}")
    if wanted != [(NameOID.COMMON_NAME, name)]:
        raise refuse(f"its subject must be CN={name} and nothing else")
    if more:
        raise refuse("it must ask for no extensions and have no attributes")
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < _EC_BITS:
            raise refuse(f"its key has {key.curve.key_size} bits; it must have {_EC_BITS}")
        return key
    if isinstance(key, rsa.RSAPublicKey):
        least, most = _RSA_BITS
        if not least <= key.key_size <= most:
            raise refuse(f"its key has {key.key_size} bits; it must have {least} to {most}")
        return key
    raise refuse("its key must be an EC or an RSA key")


def public_pem(key: PublicKey) -> str:
    """A public key as the database keeps it."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def signature(key_pem: bytes, words: Mapping[str, Any]) -> str:
    """A host's signature of what it says.

    :raises ValueError: that is no key of a host
    """
    key = serialization.load_pem_private_key(key_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("a key of another kind")
    return base64.b64encode(key.sign(_bytes(words), ec.ECDSA(hashes.SHA256()))).decode()


def signed_by(public: str, words: Mapping[str, Any], given: str) -> bool:
    """Whether the holder of that key has said so."""
    key = serialization.load_pem_public_key(public.encode())
    try:
        raw = base64.b64decode(given, validate=True)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(raw, _bytes(words), ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(raw, _bytes(words), padding.PKCS1v15(), hashes.SHA256())
        else:
            return False
    except (ValueError, InvalidSignature):
        return False
    return True


def _bytes(words: Mapping[str, Any]) -> bytes:
    return json.dumps(words, sort_keys=True, separators=(",", ":")).encode()
