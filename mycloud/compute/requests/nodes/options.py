"""What a compute host is told of the cloud: the options that it shares with the others.

The list is closed. What reaches the database, an identity or the authority is not on it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import oslo_messaging as messaging
from oslo_config import cfg

from mycloud.common import exceptions

Sections = dict[str, dict[str, str]]

#: Group -> the options that all hosts of a cloud have alike; told where somebody has set them.
_SHARED = {
    "DEFAULT": (
        "control_exchange", "rpc_response_timeout", "report_interval", "service_down_time",
        "default_availability_zone",
    ),
    "oslo_messaging_rabbit": (
        "amqp_durable_queues", "rabbit_quorum_queue", "rabbit_transient_quorum_queue",
        "rabbit_quorum_delivery_limit", "rabbit_qos_prefetch_count", "use_queue_manager", "ssl",
        "ssl_version",
    ),
    "compute": ("shutdown_timeout", "image_unused_seconds"),
    "volume": ("ready_timeout", "detach_timeout"),
}
#: (group, option) that names a file with certificates, and what the file is called on a host.
_FILES = {
    ("oslo_messaging_rabbit", "ssl_ca_file"): "broker-ca.pem",
    ("image", "endpoint_ca_file"): "api-ca.pem",
}
_IN_PROCESS = ("kombu+memory", "fake")
_LOOPBACK = ("localhost", "127.", "::1")


def bus() -> str:
    """The URL of the message bus for joined hosts.

    :raises NodesImpossible: it is in memory
    """
    own = messaging.TransportURL.parse(cfg.CONF)
    if own.transport in _IN_PROCESS:
        raise exceptions.NodesImpossible(
            reason="it is one process with a bus in memory. Start it as several, by 'mycloud up "
            "--processes --listen ADDRESS --transport-url rabbit://... --database "
            "postgresql+psycopg2://...'."
        )
    return str(cfg.CONF.node.transport_url or own)


def check(api_urls: Iterable[str]) -> None:
    """Whether other machines can use the bus and the images of this cloud, as far as options tell.

    :raises NodesImpossible: says which option to set
    """
    brokers = messaging.TransportURL.parse(cfg.CONF, bus()).hosts
    names = [broker.hostname or "localhost" for broker in brokers]
    # where the API is of this machine only, so may be the bus: the other "machine" is on it
    if _local(names) and not _local([urlsplit(url).hostname or "" for url in api_urls]):
        raise exceptions.NodesImpossible(
            reason=f"its message bus is at {', '.join(names)}, which other machines can't reach; "
            "name it as they do by [node]/transport_url."
        )
    if not (cfg.CONF.image.endpoint or cfg.CONF.api.public_url):
        raise exceptions.NodesImpossible(
            reason="its images are for hosts of its own machine only. Say where others reach the "
            "API: start it by 'mycloud up --listen ADDRESS ...', or set [api]/public_url."
        )


def brokers() -> tuple[str, ...]:
    """HOST:PORT of each broker of the bus, as joined hosts reach it."""
    default = 5671 if _set("oslo_messaging_rabbit", "ssl") else 5672
    hosts = messaging.TransportURL.parse(cfg.CONF, bus()).hosts
    return tuple(
        f"{f'[{host.hostname}]' if ':' in host.hostname else host.hostname}:{host.port or default}"
        for host in hosts
        if host.hostname
    )


def _local(names: list[str]) -> bool:
    return all(name.startswith(_LOOPBACK) for name in names)


def urls(asked_at: str) -> tuple[str, ...]:
    """Where machines that join reach the API.

    :param asked_at: the URL at which the API was asked
    """
    options = cfg.CONF
    found = options.node.api_urls or [options.api.public_url or asked_at]
    return tuple(str(url).rstrip("/") for url in found if url)


def shared() -> Sections:
    """The options that somebody has set, and where the bus is."""
    found: Sections = {"DEFAULT": {"transport_url": bus()}}
    for group, names in _SHARED.items():
        for name in names:
            value = _set(group, name)
            if value is not None:
                found.setdefault(group, {})[name] = str(value)
    return found


def files() -> list[dict[str, str]]:
    """Files that options of a host name: ``group``, ``option``, the file's ``name``, ``content``.

    :raises ConfigError: one can't be read
    """
    found = []
    for (group, option), name in _FILES.items():
        value = _set(group, option)
        if value is None and name == "api-ca.pem":
            # a certificate that no authority of the machine's knows
            value = cfg.CONF.api.tls_cert_file
        if not value:
            continue
        try:
            content = Path(str(value)).read_text()
        except OSError as error:
            raise exceptions.ConfigError(
                option=f"[{group}]/{option}", reason=f"it can't be read: {error.strerror}"
            ) from error
        found.append({"group": group, "option": option, "name": name, "content": content})
    return found


def _set(group: str, name: str) -> Any:
    """The value of an option that is not the default one; None: it is, or is not registered."""
    section = None if group == "DEFAULT" else group
    try:
        value = cfg.CONF[name] if section is None else cfg.CONF[section][name]
        place = cfg.CONF.get_location(name, section)
    except cfg.NoSuchOptError:
        return None
    if place is None or place.location.name == "opt_default":
        return None
    return value
