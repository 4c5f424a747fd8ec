"""Writes the option files of a cloud on this machine."""

import configparser
from pathlib import Path

from mycloud.local.layout import Layout
from mycloud.local.settings import Settings

_HEAD = "# Written by '{}' at every start. Put options of your own into mycloud.conf.d/.\n"

#: As etc/mycloud/rabbitmq/mycloud-bus.conf has it.
_BROKER = {
    "amqp_durable_queues": "true",
    "rabbit_quorum_queue": "true",
    "rabbit_transient_quorum_queue": "true",
    "use_queue_manager": "true",
}

_ROTATION = {
    "log_rotation_type": "size",
    "max_logfile_size_mb": "50",
    "max_logfile_count": "3",
}

#: The storage backend of a cloud on this machine.
BACKEND = "local"

Sections = dict[str, dict[str, str]]


def write(layout: Layout, settings: Settings) -> None:
    """Write mycloud.conf, and a file for each process that has no business with the database."""
    write_file(layout.config, _control(layout, settings))
    for stale in layout.state.glob("compute-*.conf"):
        stale.unlink()
    if settings.processes:
        sections = _common(layout, settings)
        sections["DEFAULT"]["host"] = settings.hosts[0]
        write_file(layout.volume_config, sections)
        for host in settings.hosts:
            sections = _common(layout, settings)
            sections["DEFAULT"]["host"] = host
            write_file(layout.compute_config(host), sections)


def _common(layout: Layout, settings: Settings) -> Sections:
    compute = {"driver": settings.hypervisor, "boot_files": str(layout.guest)}
    if settings.libvirt_uri:
        compute["libvirt_uri"] = settings.libvirt_uri
    sections = {
        "DEFAULT": {
            "state_path": str(layout.state),
            "transport_url": settings.transport_url or "kombu+memory:////",
        },
        "compute": compute,
    }
    # one process runs it: embedded all of them, else mycloud-volume
    sections["volume"] = {"enabled_backends": BACKEND}
    sections[BACKEND] = {
        "volume_driver": "fake" if settings.hypervisor == "fake" else "file",
    }
    sections["agent"] = {
        "ports": ",".join(f"{host}:{port}" for host, port in settings.agent_ports.items()),
        "any_port": "true",
    }
    if not settings.only_here:
        # hosts on other machines reach this one's volumes there
        compute["address"] = sections["volume"]["export_address"] = settings.listen
        sections["agent"]["listen"] = settings.listen
        if settings.hypervisor != "fake":
            # a fake host has no certificate; its agent changes nothing for anybody then
            sections["agent"]["tls"] = "true"
    if settings.transport_url:
        sections["oslo_messaging_rabbit"] = dict(_BROKER)
    if not settings.processes:
        # several processes can't rotate one file
        sections["DEFAULT"] |= _ROTATION
    return sections


def _control(layout: Layout, settings: Settings) -> Sections:
    sections = _common(layout, settings)
    sections["DEFAULT"]["host"] = settings.hosts[0]
    sections["database"] = {"connection": database_url(layout, settings)}
    sections["api"] = {
        "listen": settings.listen,
        "port": str(settings.port),
        "workers": str(settings.workers),
    }
    if not settings.only_here:
        sections["api"]["public_url"] = settings.url
    sections["embedded"] = {"compute_hosts": ",".join(settings.hosts)}
    return sections


def database_url(layout: Layout, settings: Settings) -> str:
    """Where the database is."""
    return settings.database or f"sqlite:///{layout.database}"


def write_file(path: Path, sections: Sections, *, by: str = "mycloud up") -> None:
    """Write an option file that only its owner may read.

    :param by: the command that does so at every start
    """
    parser = configparser.RawConfigParser(default_section="")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    for name, options in sections.items():
        # oslo.config takes $NAME for another option
        parser[name] = {key: value.replace("$", "$$") for key, value in options.items()}
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    with fresh.open("w") as file:
        file.write(_HEAD.format(by))
        parser.write(file)
    fresh.replace(path)
