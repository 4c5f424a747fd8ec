"""How the agent's port is to be, taken from the options once."""

from __future__ import annotations

import dataclasses
import ssl
from pathlib import Path

from oslo_config import cfg

from mycloud.common import exceptions, pki

#: Addresses that stand for every one of the host.
_EVERY = ("0.0.0.0", "::")


@dataclasses.dataclass(frozen=True)
class PortSettings:
    """:ivar listen: the address, with ``port`` (0: a free one) and ``any_port``: take a free one
        while it is another's
    :ivar address: the one that others are told; None: that one
    :ivar greeting_timeout: seconds for handshake and first bytes
    :ivar max_greeting: connections at their greeting at a time
    :ivar max_connections: those that are served
    """

    listen: str = "127.0.0.1"
    port: int = 0
    any_port: bool = False
    address: str | None = None
    greeting_timeout: float = 5
    max_greeting: int = 512
    max_connections: int = 256


@dataclasses.dataclass(frozen=True)
class Patience:
    """:ivar idle: seconds until the next request must begin
    :ivar request: seconds in which it must arrive, and its answer be taken
    :ivar max_bytes: of a request
    """

    idle: float = 300
    request: float = 30
    max_bytes: int = 1 << 20


def of_host(name: str) -> PortSettings:
    """What the options say for a host."""
    options = cfg.CONF.agent
    address = options.address
    if address is None and options.listen in _EVERY:
        address = cfg.CONF.compute.address
    return PortSettings(
        listen=options.listen,
        port=options.ports.get(name, options.port),
        any_port=options.any_port,
        address=address,
        greeting_timeout=options.greeting_timeout,
        max_greeting=options.max_greeting,
        max_connections=options.max_connections,
    )


def tls_context(directory: Path, *, client_certificates: bool) -> ssl.SSLContext:
    """A server's context with the certificate of the host.

    :param directory: as ``mycloud.common.pki`` fills it
    :param client_certificates: refuse whoever shows none of the same authority
    :raises CertificatesBroken: a file is missing or is not what it should be
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED if client_certificates else ssl.CERT_OPTIONAL
    try:
        context.load_cert_chain(directory / pki.SERVER_CERTIFICATE, directory / pki.SERVER_KEY)
        context.load_verify_locations(directory / pki.CA_CERTIFICATE)
    except (OSError, ssl.SSLError) as error:
        raise exceptions.CertificatesBroken(
            reason=f"[agent]tls is set, but the certificate of this host can't be read from "
            f"{directory} ({error}); put it there, or name its place by [volume]pki_dir"
        ) from error
    return context
