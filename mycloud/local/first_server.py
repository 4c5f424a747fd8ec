"""The first things in a new cloud: flavors, an image, and a server that shows its console."""

import re
import tempfile
from typing import Any

from mycloud import client
from mycloud.client import errors
from mycloud.client.connection import Client
from mycloud.client.servers import Server
from mycloud.common import clock, concurrency
from mycloud.local import credentials, guest_image
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, Settings, Tell

IMAGE = "tiny"
SERVER = "hello"
#: name: (CPUs, MiB of memory, GiB of disk)
FLAVORS = {
    "m1.nano": (1, 128, 1),
    "m1.tiny": (1, 512, 1),
    "m1.small": (1, 2048, 20),
    "m1.medium": (2, 4096, 40),
    "m1.large": (4, 8192, 80),
}
#: Seconds that the guest gets from its start to its ready line.
BOOT_SECONDS = 240
#: What a guest's console could do to the terminal that shows it.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: MiB of zeroes that stand for an image where no guest runs.
_FAKE_IMAGE_MB = 1


def ensure(layout: Layout, settings: Settings, tell: Tell) -> Server:
    """Make what of it is not there, and show the server's console up to its ready line.

    :raises LocalError: the guest did not get ready in time
    :raises ClientError: the cloud refused
    """
    admin, member = connect(layout, credentials.ADMIN), connect(layout, credentials.MEMBER)
    _flavors(admin, tell)
    image = _image(admin, layout, settings, tell)
    ready = "READY" if settings.hypervisor == "fake" else guest_image.READY
    server, before = _server(member, image.id, ready, tell)
    _show_console(member, server, (ready, before), tell)
    return server


def connect(layout: Layout, name: str) -> Client:
    """The cloud as one of the users of its clouds.yaml."""
    auth = credentials.of(layout, name)
    return client.connect(None, **auth)


def _flavors(admin: Client, tell: Tell) -> None:
    have = {flavor.name for flavor in admin.flavors.list(is_public="None")}
    for name, (vcpus, ram, disk) in FLAVORS.items():
        if name not in have:
            tell(f"Making the flavor {name}")
            admin.flavors.create({"name": name, "vcpus": vcpus, "ram": ram, "disk": disk})


def _image(admin: Client, layout: Layout, settings: Settings, tell: Tell) -> Any:
    try:
        found = admin.images.find(IMAGE)
        if found.status == "active":
            return found
        # an upload was interrupted
        admin.images.delete(found.id)
    except errors.NotFound:
        pass
    tell(f"Registering the image {IMAGE}")
    real = settings.hypervisor != "fake"
    made = admin.images.create(
        client.NewImage(IMAGE, "qcow2" if real else "raw", visibility="public")
    )
    if real:
        with guest_image.ensure(layout, tell).open("rb") as file:
            return admin.images.upload(made.id, file)
    with tempfile.TemporaryFile() as file:
        file.truncate(_FAKE_IMAGE_MB << 20)
        return admin.images.upload(made.id, file)


def _server(member: Client, image_id: str, ready: str, tell: Tell) -> tuple[Server, str]:
    """The server, running, and what its console said before this boot."""
    try:
        server = member.servers.find(SERVER)
        if server.status in ("ACTIVE", "SHUTOFF"):
            console = member.servers.console_log(server.id)
            if server.status == "ACTIVE":
                return server, _before_last(console, ready)
            tell(f"Starting the server {SERVER}")
            accepted = member.servers.start(server.id)
            return member.servers.wait(accepted, timeout=BOOT_SECONDS), console
        tell(f"Replacing the server {SERVER}, which is {server.status}")
        member.servers.wait_deleted(member.servers.delete(server.id))
    except errors.NotFound:
        pass
    flavor = member.flavors.find("m1.nano")
    tell(f"Booting the server {SERVER} ({flavor.name}, image {IMAGE})")
    made = member.servers.create(client.NewServer(SERVER, flavor.id, image_id))
    return member.servers.wait(made[0], timeout=BOOT_SECONDS), ""


def _show_console(member: Client, server: Server, want: tuple[str, str], tell: Tell) -> None:
    """Show this boot, up to its ready line.

    :param want: what the ready line says, and what the console said before this boot
    :raises LocalError: it does not come
    """
    ready, before = want
    shown = 0
    until = clock.monotonic() + BOOT_SECONDS
    while True:
        console = member.servers.console_log(server.id)
        lines = console.removeprefix(before).lstrip("\r\n").splitlines()
        # the last line may be half written
        whole = lines if lines and ready in lines[-1] else lines[:-1]
        for line in whole[shown:]:
            tell(f"  {SERVER} | {_plain(line)}")
            if ready in line:
                return
        shown = max(shown, len(whole))
        if clock.monotonic() > until:
            raise LocalError(
                f"{SERVER} did not say {ready!r} within {BOOT_SECONDS} s; its console: "
                f"mycloud server console log {SERVER}"
            )
        concurrency.sleep(0.2)


def _plain(line: str) -> str:
    return _CONTROL.sub("", line).rstrip()


def plain(console: str) -> list[str]:
    """The whole lines of a console, without what it could do to a terminal; where the guest's
    shell shows its prompt before a line, from the guest's own word on."""
    found = []
    for line in console.split("\n")[:-1]:
        text = _plain(line)
        found.append(text[text.index("GUEST ") :] if "GUEST " in text else text)
    return found


def _before_last(console: str, ready: str) -> str:
    """What a console says up to the ready line before the last."""
    parts = console.split(ready)
    return "".join(part + ready for part in parts[:-2])
