"""A real guest writes on and on while its volume goes from backend to backend.

Every part of the cloud is there, as ``mycloud up`` makes it. Each block that the guest was told is
written must be where the volume lies at last, and nothing where it was before.
"""

import re
import unittest

import testtools

from mycloud import client
from mycloud.common import clock
from mycloud.local.layout import Layout
from tests.fixtures import real_guest, tiny_guest
from tests.fixtures.libvirt_host import GuestShell
from tests.fixtures.program import wait_for

#: seconds for a boot by an emulated processor of a busy machine
_BOOT = 120
_SOON = 60
_OPTIONS = """
[compute]
virt_type = qemu
[DEFAULT]
periodic_fuzzy_delay = 0
[volume]
enabled_backends = first, second, served, packed
[first]
volume_driver = file
[second]
volume_driver = file
[served]
volume_driver = file
export_protocol = nbd
[packed]
volume_driver = file
volume_format = qcow2
"""
#: writes blocks one by one, each beginning with its number in eight digits, until it is stopped
_WRITER = (
    "(i=1; while [ ! -e /tmp/stop ]; do printf %08d $i | "
    "dd of=/dev/vdb bs=4k seek=$((i-1)) conv=sync,fsync 2>/dev/null || break; "
    "echo wrote $i; i=$((i+1)); done; echo writer has ended) & true"
)


@unittest.skipIf(real_guest.why_not(), real_guest.why_not())
class MoveOfAGuestTest(real_guest.RealGuestCase):
    options = _OPTIONS

    # -- looking -------------------------------------------------------------------------------

    def console_log(self, server_id: str) -> str:
        """For GuestShell."""
        return self.member.servers.console_log(server_id)

    def written(self) -> int:
        """How many blocks the guest was told are written."""
        found = re.findall(r"^wrote (\d+)", self.console_log(self.server_id), re.MULTILINE)
        return max(map(int, found), default=0)

    def writes_on(self) -> None:
        before = self.written()
        wait_for(lambda: self.written() > before + 3, "the guest writes on", _SOON)

    def place(self, backend: str) -> str:
        return f"{self.host}@{backend}#{backend}"

    def files(self, backend: str) -> list[str]:
        directory = Layout(self.cloud.state).backends / backend / "volumes"
        return sorted(str(path) for path in directory.glob("volume-*"))

    # -- the test ------------------------------------------------------------------------------

    def test_a_guest_writes_while_its_volume_moves(self) -> None:
        self.boots_and_writes()
        figures = []
        for backend in ("second", "served", "packed", "served", "first"):
            started = clock.monotonic()
            self.moves(backend)
            figures.append(f"{backend}: {clock.monotonic() - started:.1f} s")
        self.addDetail("moves", testtools.content.text_content("\n".join(figures)))
        self.shell.run("touch /tmp/stop; wait")
        last = self.written()
        self.assertEqual("00000001", self.shell.run("head -c 8 /dev/vdb; echo"))
        [path] = self.files("first")
        self.assertEqual(list(range(1, last + 1)), self.numbers(path))
        self.starts_again()
        self.detached = self.member.server_volumes.detach(self.server_id, self.volume_id)
        self.volume_is("available")
        self.moves_offline(path)

    def boots_and_writes(self) -> None:
        image = self.member.images.create(client.NewImage("tiny", "qcow2"))
        with (tiny_guest.directory() / "guest.qcow2").open("rb") as file:
            self.member.images.upload(image.id, file)
        flavor = self.admin.flavors.create({"name": "nano", "vcpus": 1, "ram": 128, "disk": 1})
        [accepted] = self.member.servers.create(
            client.NewServer("mover", flavor.id, image_id=image.id)
        )
        self.server_id = accepted.resource_id
        self.member.servers.wait(accepted, timeout=_BOOT)
        wait_for(lambda: "GUEST READY" in self.console_log(self.server_id), "it boots", _BOOT)
        made = self.member.volumes.create(client.NewVolume(size=1))
        self.volume_id = made.resource_id
        self.volume_is("available")
        lies = self.admin.volumes.get(self.volume_id)
        if lies.host != self.place("first"):
            self.admin.volumes.migrate(self.volume_id, self.place("first"))
            self.volume_lies("first")
        self.member.server_volumes.attach(self.server_id, self.volume_id)
        self.volume_is("in-use")
        wait_for(
            lambda: "GUEST block add /dev/vdb" in self.console_log(self.server_id),
            "the guest has it", _SOON,
        )
        self.shell = GuestShell(self, self.libvirtd.uri(), self.server_id)
        self.shell.run(_WRITER)
        self.writes_on()

    def volume_is(self, status: str) -> None:
        wait_for(
            lambda: self.member.volumes.get(self.volume_id).status == status,
            f"the volume is {status}", _SOON,
        )

    def volume_lies(self, backend: str) -> None:
        def lies() -> bool:
            found = self.admin.volumes.get(self.volume_id)
            if found.migration_status == "error":
                raise AssertionError(self.cloud.mycloud("why", self.volume_id).stdout)
            return found.host == self.place(backend)

        wait_for(lies, f"the volume lies on {backend}", _BOOT)
        others = {"first", "second", "served", "packed"} - {backend}
        wait_for(
            lambda: len(self.files(backend)) == 1 and not any(map(self.files, others)),
            "there is nothing elsewhere", _SOON,
        )

    def moves(self, backend: str) -> None:
        before = self.written()
        self.admin.volumes.migrate(self.volume_id, self.place(backend))
        self.volume_lies(backend)
        self.assertGreater(self.written(), before, "it stood still")
        self.assertEqual("in-use", self.member.volumes.get(self.volume_id).status)
        self.writes_on()

    def starts_again(self) -> None:
        """The guest finds its volume where it lies now."""
        servers = self.member.servers
        for verb, status in ((servers.stop, "SHUTOFF"), (servers.start, "ACTIVE")):
            servers.wait(verb(self.server_id), status=status, timeout=_BOOT)
        wait_for(
            lambda: self.console_log(self.server_id).count("GUEST READY") == 2, "it boots", _BOOT
        )
        self.shell = GuestShell(self, self.libvirtd.uri(), self.server_id)
        self.assertEqual("00000001", self.shell.run("head -c 8 /dev/vdb; echo"))

    def moves_offline(self, path: str) -> None:
        """Nobody has it: from raw to qcow2 and back, by a copy."""
        numbers = self.numbers(path)
        for backend in ("packed", "served"):
            self.admin.volumes.migrate(self.volume_id, self.place(backend))
            self.volume_lies(backend)
        [path] = self.files("served")
        self.assertEqual(numbers, self.numbers(path))

    def numbers(self, path: str) -> list[int]:
        """Of the blocks in a raw file, up to the first that was never written."""
        found = []
        with open(path, "rb") as file:
            while (block := file.read(4096)) and block[:8].isdigit():
                found.append(int(block[:8]))
        return found
