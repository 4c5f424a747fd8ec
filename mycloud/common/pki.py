"""A small certificate authority for the cloud's hosts.

It lies in one directory of the control host: ``ca-cert.pem``, ``ca-key.pem`` (which never leaves
it) and ``hosts/NAME/`` with what the host of that name needs, in the layout that QEMU and libvirt
read: ``ca-cert.pem``, ``server-cert.pem``, ``server-key.pem``, ``client-cert.pem``,
``client-key.pem``, ``dh-params.pem``. Copied to ``pki_dir`` of that host, it lets the host show
who it is and tell who others are.

The subject of a host is its name alone (``CN=NAME``), which nobody else is given.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from oslo_config import cfg

from mycloud.common import clock, exceptions, secret_files

#: Of a host.
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

CA_CERTIFICATE = "ca-cert.pem"
SERVER_CERTIFICATE, SERVER_KEY = "server-cert.pem", "server-key.pem"
CLIENT_CERTIFICATE, CLIENT_KEY = "client-cert.pem", "client-key.pem"
_CA_KEY = "ca-key.pem"
_DH_FILE = "dh-params.pem"
_HOSTS = "hosts"

_AUTHORITY_DAYS = 3650
#: an export holds the certificate that it was started with
_HOST_DAYS = 1825
#: a certificate with fewer days left is replaced
RENEW_DAYS = 30
#: of clocks that go wrong
_BEFORE = datetime.timedelta(hours=1)
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_PURPOSES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}
_KEY_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)

# RFC 7919's group ffdhe2048. Where there is none QEMU's servers look for primes of their own at
# each start, for most of a second.
_DH_PARAMETERS = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


def ensure_authority(directory: Path) -> Path:
    """Make the authority unless it is there; returns its certificate's path.

    :raises CertificatesBroken: one half of it is missing
    """
    certificate, key_file = directory / CA_CERTIFICATE, directory / _CA_KEY
    if certificate.exists() and key_file.exists():
        return certificate
    if certificate.exists():
        raise exceptions.CertificatesBroken(
            reason="the authority's key is missing; restore it, or remove the certificate and "
            "give all hosts new ones"
        )
    _make_directory(directory)
    # a key without a certificate is what a crash has left
    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(f"mycloud authority {clock.new_hex_id()[:8]}")
    made = (
        _builder(name, name, key.public_key(), _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret_files.write(key_file, key_pem(key))
    _write_certificate(certificate, made)
    return certificate


def ensure_host(directory: Path, name: str, addresses: Iterable[str] = ()) -> Path:
    """The directory with a host's bundle, signed by the authority in ``directory``.

    What is good is kept; a certificate that ends within ``RENEW_DAYS``, lacks an address or is
    another authority's is made anew, with the same key.

    :param name: of the host, as its services report it (letters, digits, ".", "_", "-")
    :param addresses: IP addresses and names at which others reach it; its name is one already
    :raises CertificatesBroken:
    """
    check_name(name)
    ca_file = ensure_authority(directory)
    authority = x509.load_pem_x509_certificate(ca_file.read_bytes())
    ca_key = _load_key(directory / _CA_KEY)
    reached = _alternatives((name, *addresses))
    bundle = directory / _HOSTS / name
    _make_directory(bundle.parent)
    _make_directory(bundle)
    (bundle / CA_CERTIFICATE).write_bytes(ca_file.read_bytes())
    (bundle / _DH_FILE).write_text(_DH_PARAMETERS)
    for role in _PURPOSES:
        key_file, file = bundle / f"{role}-key.pem", bundle / f"{role}-cert.pem"
        if not key_file.exists():
            secret_files.write(key_file, key_pem(ec.generate_private_key(ec.SECP256R1())))
        key = _load_key(key_file)
        if _good(file, key, authority, reached):
            continue
        made = _certify(_Authority(authority, ca_key), name, role, key.public_key(), reached)
        _write_certificate(file, made)
    return bundle


def check_name(name: str) -> None:
    """:raises CertificatesBroken: no host can be called that"""
    if not _NAME.fullmatch(name):
        raise exceptions.CertificatesBroken(reason=f"{name!r} can't be the name of a host")


def authority_dir() -> Path:
    """Where the options say that the authority is."""
    return Path(cfg.CONF.pki.authority_dir or Path(cfg.CONF.state_path) / "authority")


def certify(
    directory: Path, name: str, keys: Mapping[str, PublicKey], addresses: Iterable[str]
) -> dict[str, bytes]:
    """Certificates of a host's own keys, in PEM.

    :param directory: of the authority
    :param keys: role (``server``, ``client``) -> the key
    :param addresses: as of ``ensure_host``
    :raises CertificatesBroken:
    """
    check_name(name)
    certificate = x509.load_pem_x509_certificate(ensure_authority(directory).read_bytes())
    authority = _Authority(certificate, _load_key(directory / _CA_KEY))
    reached = _alternatives((name, *addresses))
    return {
        role: _certify(authority, name, role, key, reached).public_bytes(
            serialization.Encoding.PEM
        )
        for role, key in keys.items()
    }


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for a host."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """As a file has it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def fingerprint(pem: bytes) -> str:
    """sha256 of a certificate, in hex.

    :raises CertificatesBroken: it is none
    """
    try:
        return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()
    except ValueError as error:
        raise exceptions.CertificatesBroken(reason="what should be one is none") from error


def bundle_files(certificates: Mapping[str, bytes], authority: bytes) -> dict[str, bytes]:
    """The public files of a host's bundle: name -> content.

    :param certificates: as of ``certify``
    :param authority: its certificate
    """
    return {
        CA_CERTIFICATE: authority,
        _DH_FILE: _DH_PARAMETERS.encode(),
        **{f"{role}-cert.pem": pem for role, pem in certificates.items()},
    }


def install(bundle: Path, target: Path) -> None:
    """Copy a host's bundle to the directory where the host reads it; what is alike is kept.

    A reader sees each file whole; keys are seen by this user alone.
    """
    _make_directory(target)
    for file in sorted(bundle.iterdir()):
        if file.name.startswith("."):
            continue
        content, place = file.read_bytes(), target / file.name
        if not place.exists() or place.read_bytes() != content:
            secret_files.write(place, content)


def certificate_subject(file: Path) -> str:
    """The distinguished name in a certificate as QEMU's authorization compares it: in the order
    of the certificate, which is RFC 4514's backwards.

    :raises FileNotFoundError: :raises CertificatesBroken: it is no certificate
    """
    try:
        subject = x509.load_pem_x509_certificate(file.read_bytes()).subject
    except ValueError as error:
        raise exceptions.CertificatesBroken(reason=f"{file.name} is no certificate") from error
    return ",".join(part.rfc4514_string() for part in subject.rdns)


def days_left(file: Path) -> int:
    """Until a certificate ends; negative once it has.  :raises FileNotFoundError:"""
    end = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    return (end.replace(tzinfo=None) - clock.now()).days


# -- how --------------------------------------------------------------------


def _good(
    file: Path, key: ec.EllipticCurvePrivateKey, authority: x509.Certificate,
    reached: list[x509.GeneralName],
) -> bool:
    try:
        found = x509.load_pem_x509_certificate(file.read_bytes())
        found.verify_directly_issued_by(authority)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (
        FileNotFoundError, ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature
    ):
        return False
    return (
        found.public_key() == key.public_key()
        and set(names) == set(reached)
        and days_left(file) >= RENEW_DAYS
    )


class _Authority(NamedTuple):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _certify(
    authority: _Authority, name: str, role: str, key: PublicKey,
    reached: list[x509.GeneralName],
) -> x509.Certificate:
    return (
        _builder(_subject(name), authority.certificate.subject, key, _HOST_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature", "key_encipherment"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_PURPOSES[role]]), critical=False)
        .add_extension(x509.SubjectAlternativeName(reached), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, days: int
) -> x509.CertificateBuilder:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in wanted for name in _KEY_USAGES})


def _alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
            continue
        except ValueError:
            pass
        if not _NAME.fullmatch(name):
            raise exceptions.CertificatesBroken(
                reason=f"{name!r} is no address and no name of a host"
            )
        found.append(x509.DNSName(name))
    return found


def _load_key(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (FileNotFoundError, ValueError) as error:
        raise exceptions.CertificatesBroken(reason=f"{file.name} can't be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise exceptions.CertificatesBroken(reason=f"{file.name} is a key of another kind")
    return key


def _write_certificate(file: Path, certificate: x509.Certificate) -> None:
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    fresh.replace(file)


def _make_directory(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
