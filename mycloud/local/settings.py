"""What a cloud on this machine was told to be; remembered, so that it starts the same again."""

import dataclasses
import ipaddress
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

from mycloud.client import errors
from mycloud.local.layout import Layout

#: Tells a person what happens, one line at a time.
Tell = Callable[[str], None]


class LocalError(errors.ClientError):
    """The cloud on this machine can't be started, stopped or looked at; tells the remedy."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """:ivar hosts: names of the compute hosts
    :ivar processes: one process per service instead of one for all
    :ivar workers: processes of the API, with ``processes``
    :ivar user: whom root lets the services run as; None: whoever starts them
    :ivar agent_ports: where the agent of each compute host listens
    """

    port: int = 8774
    listen: str = "127.0.0.1"
    hypervisor: str = "libvirt"
    libvirt_uri: str | None = None
    hosts: tuple[str, ...] = ()
    processes: bool = False
    transport_url: str | None = None
    database: str | None = None
    workers: int = 1
    user: str | None = None
    agent_ports: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.listen}:{self.port}"

    @property
    def only_here(self) -> bool:
        """Whether only this machine can reach the APIs."""
        return self.listen.startswith("127.")


def load(layout: Layout) -> Settings | None:
    """What was remembered; None for a new cloud.

    :raises LocalError: the file is damaged
    """
    try:
        values = json.loads(layout.settings.read_text())
        return Settings(**{**values, "hosts": tuple(values["hosts"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise LocalError(f"{layout.settings} is damaged ({error}); remove it") from error


def choose(before: Settings | None, given: Mapping[str, Any]) -> Settings:
    """The settings for this start: what is given now, else as before, else the default.

    :param given: fields of Settings, and ``count`` of hosts; None means not given
    :raises LocalError: they don't go together
    """
    changes = {name: value for name, value in given.items() if value is not None}
    count = changes.pop("count", None)
    chosen = dataclasses.replace(before or Settings(), **changes)
    if count is not None and count != len(chosen.hosts) or not chosen.hosts:
        chosen = dataclasses.replace(chosen, hosts=_names(count or 1))
    if chosen.processes and not (chosen.transport_url and chosen.database):
        raise LocalError(
            "--processes needs --transport-url (rabbit://...) and --database (postgresql://...): "
            "several processes can't share a bus in memory"
        )
    if not chosen.processes and chosen.transport_url:
        raise LocalError("--transport-url goes with --processes")
    try:
        if ipaddress.IPv4Address(chosen.listen).is_unspecified:
            raise ValueError
    except ValueError as error:
        raise LocalError(
            f"--listen {chosen.listen}: name the one IPv4 address of this machine at which its "
            "clients reach it"
        ) from error
    if chosen.user == "root":
        raise LocalError("--user root: services don't run as root; name an ordinary user")
    if not chosen.processes and chosen.workers > 1:
        raise LocalError("--workers goes with --processes: one process has one worker")
    return chosen


def _names(count: int) -> tuple[str, ...]:
    machine = socket.gethostname()
    if count == 1:
        return (machine,)
    return tuple(f"{machine}-{number}" for number in range(1, count + 1))


def save(layout: Layout, settings: Settings) -> None:
    """Remember them; only the owner may read them, since URLs hold passwords."""
    fresh = layout.settings.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(dataclasses.asdict(settings), indent=1) + "\n")
    fresh.replace(layout.settings)
