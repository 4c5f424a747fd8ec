"""The option file of a machine that has joined: what the cloud has told, and what is its own."""

from collections.abc import Mapping
from typing import Any

from mycloud.common import secret_files
from mycloud.local import configuration
from mycloud.local.layout import Layout
from mycloud.local.node.record import Wanted
from mycloud.local.settings import LocalError

#: What a cloud may set here; anything else it says is not for a compute host.
_GROUPS = ("DEFAULT", "oslo_messaging_rabbit", "compute", "volume", "image")
_BY = "mycloud node join"


def write(layout: Layout, wanted: Wanted, told: Mapping[str, Any]) -> None:
    """Write the options of the compute service, and the files that they name.

    :param told: ``options`` and ``files``, of the cloud's answer
    :raises LocalError: the cloud says what it has no business with
    """
    sections: configuration.Sections = {"DEFAULT": {}, "compute": {}}
    for group, options in told["options"].items():
        _check(group)
        sections[group] = {str(name): str(value) for name, value in options.items()}
    for file in told["files"]:
        _check(file["group"])
        # a name without a directory: nothing else is written to
        path = layout.certificates / str(file["name"]).replace("/", "_")
        secret_files.write(path, str(file["content"]))
        sections.setdefault(file["group"], {})[file["option"]] = str(path)
    sections["DEFAULT"] |= {"host": wanted.name, "state_path": str(layout.state)}
    sections["compute"] |= {
        "driver": wanted.hypervisor,
        "address": wanted.address,
        "boot_files": str(layout.guest),
    }
    sections["agent"] = {"listen": wanted.address, "address": wanted.address, "tls": "true"}
    configuration.write_file(layout.compute_config(wanted.name), sections, by=_BY)


def _check(group: str) -> None:
    if group not in _GROUPS:
        raise LocalError(f"The cloud sets options in [{group}], which no compute host has")
