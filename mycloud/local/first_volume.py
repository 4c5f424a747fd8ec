"""The first volume of a new cloud, and the proof that the first server writes to it."""

from mycloud import client
from mycloud.client import errors
from mycloud.client.connection import Client
from mycloud.client.servers import Server
from mycloud.client.volumes import IN_USE, Volume
from mycloud.common import clock, concurrency
from mycloud.local import credentials, first_server
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, Settings, Tell

VOLUME = "hello-data"
#: What the tiny guest says when it has written to a volume.
WRITTEN = "GUEST volume "
#: Seconds that the guest gets for it.
_SECONDS = 60


def ensure(layout: Layout, settings: Settings, server: Server, tell: Tell) -> None:
    """Make the volume and attach it to the server, unless that is so; show what the guest says.

    :raises LocalError: the guest does not say that it has written to it
    :raises ClientError: the cloud refused
    """
    member = first_server.connect(layout, credentials.MEMBER)
    volume = _volume(member, tell)
    if volume.status == IN_USE:
        return
    before = member.servers.console_log(server.id)
    tell(f"Attaching the volume {VOLUME} to the server {server.name}")
    accepted = member.server_volumes.attach(server.id, volume.id)
    member.volumes.wait(accepted)
    if settings.hypervisor != "fake":
        _show_proof(member, server, before, tell)


def _volume(member: Client, tell: Tell) -> Volume:
    try:
        return member.volumes.find(VOLUME)
    except errors.NotFound:
        tell(f"Making the volume {VOLUME} (1 GiB)")
    return member.volumes.wait(member.volumes.create(client.NewVolume(1, VOLUME)))


def _show_proof(member: Client, server: Server, before: str, tell: Tell) -> None:
    until = clock.monotonic() + _SECONDS
    while clock.monotonic() < until:
        said = member.servers.console_log(server.id).removeprefix(before)
        lines = [line for line in first_server.plain(said) if line.startswith("GUEST ")]
        if any(line.startswith(WRITTEN) for line in lines):
            for line in lines:
                tell(f"  {server.name} | {line}")
            return
        concurrency.sleep(0.2)
    raise LocalError(
        f"{server.name} did not say within {_SECONDS} s that it has written to the volume "
        f"{VOLUME}; its console: mycloud server console log {server.name}"
    )
