"""What volumes of each kind are to a real guest: secret, bounded, shared, full.

The cloud is what ``mycloud up`` makes; all tests share it and its guest.
"""

import contextlib
import os
import sqlite3
import unittest
from pathlib import Path

import libvirt
import testtools
from cryptography.fernet import Fernet

from mycloud import client
from mycloud.client import errors
from mycloud.common import clock
from mycloud.disk import processes
from tests.fixtures import guest_cloud
from tests.fixtures.guest_cloud import SOON, GuestCloud
from tests.fixtures.program import wait_for

_MIB = 1 << 20
_SMALL_MB = 64
_BACKENDS = {
    "nbd": "export_protocol = nbd",
    "small": "volume_dir = {state}/small\nmax_over_subscription_ratio = 1000",
}
_BLOCK = (b"block\n" * _MIB)[:_MIB]
_WORDS = "the words that nobody else may read"


@guest_cloud.needs_guests
class VolumeGuestsTest(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cloud = GuestCloud(_BACKENDS, small_mb=_SMALL_MB)
        cls.cloud.setUp()
        cls.addClassCleanup(cls.cloud.cleanUp)
        cls.guest = cls.cloud.boot("user")

    def type(self, name, **extra_specs):
        return self.cloud.admin.volume_types.create(
            {"name": name, "extra_specs": {"volume_backend_name": "local", **extra_specs}}
        ).id

    def volume(self, kind, **source):
        volume = self.cloud.volume(kind, **source)
        self.addCleanup(self.remove, volume.id)
        return volume

    def remove(self, volume_id):
        with contextlib.suppress(client.NotFound):
            self.cloud.remove(volume_id, snapshots=True)

    def attached(self, volume, guest=None):
        guest = guest or self.guest
        device = guest.attach(volume.id)
        self.addCleanup(self.let_go, guest, volume.id)
        return device

    def let_go(self, guest, volume_id):
        has = self.cloud.member.server_volumes.list(guest.id)
        if volume_id in [each.volume_id for each in has]:
            guest.detach(volume_id)

    def filled(self, device, words, mib=1):
        self.guest.fill(device, words, mib)
        self.guest.shell.result(SOON)

    def first_line(self, device):
        return self.guest.shell.run(f"head -c 512 /dev/{device} | head -n 1")

    # -- secret --------------------------------------------------------------------------------

    def encrypted(self, kind):
        type_id = self.type(f"secret-{kind}", volume_backend_name=kind)
        self.cloud.admin.volume_types.set_encryption(
            type_id, provider="luks", cipher="aes-xts-plain64", key_size=256
        )
        volume = self.volume(f"secret-{kind}")
        self.assertTrue(volume.encrypted)
        self.assert_kept_secret(volume, self.attached(volume))
        with self.subTest("attached again"):
            self.guest.detach(volume.id)
            self.assertEqual(_WORDS, self.first_line(self.guest.attach(volume.id)))
        with self.subTest("a volume from a snapshot that was made while it was in use"):
            snapshots = self.cloud.member.snapshots
            made = snapshots.wait(snapshots.create(volume.id, force=True), timeout=SOON)
            copy = self.volume(f"secret-{kind}", snapshot_id=made.id)
            self.assertTrue(copy.encrypted)
            self.assert_hidden(self.cloud.file(copy.id))
            self.assertEqual(_WORDS, self.first_line(self.attached(copy)))
            self.let_go(self.guest, copy.id)
            self.cloud.remove(copy.id)
        self.assert_passphrase_is_nowhere()

    def assert_kept_secret(self, volume, device):
        self.filled(device, _WORDS)
        self.assertEqual(_WORDS, self.first_line(device))
        self.assert_hidden(self.cloud.file(volume.id))

    def assert_hidden(self, path):
        with path.open("rb") as file:
            content = file.read(32 * _MIB)
        self.assertTrue(content.startswith(b"LUKS"), path)
        self.assertNotIn(_WORDS.encode(), content)

    def assert_passphrase_is_nowhere(self):
        """Not in what processes tell of themselves, nor in any file of the cloud."""
        state = self.cloud.state
        master = Fernet((state / "volume-keys" / "master.key").read_bytes())
        with sqlite3.connect(f"file:{self.cloud.layout.database}?mode=ro", uri=True) as database:
            keys = database.execute("SELECT ciphertext FROM volume_keys").fetchall()
        passphrases = [master.decrypt(key.encode()) for (key,) in keys]
        self.assertNotEqual([], passphrases)
        told = self.told_by_processes()
        files = [
            path for path in state.rglob("*")
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 64 * _MIB
        ]
        self.assertIn(self.cloud.layout.database, files)
        contents = {path: path.read_bytes() for path in files}
        for passphrase in passphrases:
            self.assertNotIn(passphrase, told)
            self.assertEqual(
                [], [path for path, content in contents.items() if passphrase in content]
            )

    def told_by_processes(self):
        found = []
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                found.append(" ".join(processes.command_line(int(path.name))))
        return "\n".join(found).encode()

    def test_encrypted_file(self):
        self.encrypted("local")

    def test_encrypted_nbd(self):
        self.encrypted("nbd")

    # -- full ----------------------------------------------------------------------------------

    def test_full_for_copies(self):
        """What does not fit is an error that tells why, and leaves nothing."""
        member = self.cloud.member
        volume = self.volume("small")
        device = self.attached(volume)
        self.filled(device, "much", 40)
        used = mib_used(self.cloud.small)
        with self.subTest("a snapshot in use"):
            self.refuses_copy(member.snapshots, member.snapshots.create(volume.id, force=True))
        self.let_go(self.guest, volume.id)
        with self.subTest("a snapshot"):
            self.refuses_copy(member.snapshots, member.snapshots.create(volume.id))
        with self.subTest("a clone"):
            new = client.NewVolume(1, source_id=volume.id, type="small")
            self.refuses_copy(member.volumes, member.volumes.create(new))
        with self.subTest("more than was ever promised"):
            error = self.assertRaises(client.ApiError, member.volumes.extend, volume.id, 500)
            self.assertIn("has room for 59 GiB", str(error))
            self.assertEqual("available", member.volumes.get(volume.id).status)
        self.assertEqual(used, mib_used(self.cloud.small))
        self.assertEqual([self.cloud.file(volume.id)], [*self.cloud.small.iterdir()])
        with self.subTest("the space is given back"):
            other = self.cloud.volume("small")
            self.cloud.remove(other.id)
            self.assertEqual([], self.cloud.findings())

    def refuses_copy(self, collection, accepted):
        error = self.assertRaises(
            errors.ClientError, collection.wait, accepted, timeout=SOON
        )
        self.assertIn("has no room for", str(error))
        self.assertNotIn(str(self.cloud.state), str(error))
        self.assertEqual("error", collection.get(accepted.resource_id).status)
        collection.wait_deleted(collection.delete(accepted.resource_id), timeout=SOON)

    def test_full_for_a_guest(self):
        """It pauses, and goes on when there is room again."""
        volume = self.volume("small")
        device = self.attached(volume)
        filler = self.cloud.small / ".filler"
        self.addCleanup(filler.unlink, missing_ok=True)
        filler.write_bytes(b"x" * (40 * _MIB))
        self.guest.fill(device, "block", 30)
        wait_for(lambda: self.guest.status() == "PAUSED", "the guest pauses", SOON)
        filler.unlink()
        freed = clock.monotonic()
        wait_for(lambda: self.guest.status() == "ACTIVE", "the guest goes on", SOON)
        self.assertLess(clock.monotonic() - freed, 15)
        self.guest.shell.result(SOON)
        with self.cloud.file(volume.id).open("rb") as file:
            written = file.read(30 * _MIB)
        self.assertEqual([], [at for at in range(30) if written[at * _MIB:][:_MIB] != _BLOCK])
        self.assertEqual("", self.guest.shell.run("dmesg | grep 'I/O error' || true"))

    # -- bounded and shared --------------------------------------------------------------------

    def test_bounds(self):
        type_id = self.type("bounded")
        specs = self.cloud.admin.qos_specs.create(
            "slow", consumer="front-end", specs={"total_iops_sec": "20"}
        )
        self.cloud.admin.qos_specs.associate(specs.id, type_id)
        device = self.attached(self.volume("bounded"))
        conn = libvirt.open(self.cloud.libvirtd().uri())
        self.addCleanup(conn.close)
        self.assertIn(
            "<total_iops_sec>20</total_iops_sec>", conn.lookupByUUIDString(self.guest.id).XMLDesc()
        )
        self.guest.shell.run(f"dd if=/dev/{device} of=/dev/null bs=4k count=20 iflag=direct")
        started = clock.monotonic()
        self.guest.shell.run(f"dd if=/dev/{device} of=/dev/null bs=4k count=60 iflag=direct")
        self.assertGreater(clock.monotonic() - started, 1.5)

    def test_two_guests_share_one(self):
        self.type("shared", multiattach="<is> True")
        volume = self.volume("shared")
        self.assertTrue(volume.multiattach)
        here = self.attached(volume)
        other = self.cloud.boot("other")
        self.addCleanup(self.gone, other)
        there = self.attached(volume, other)
        self.filled(here, "to the other one")
        self.assertEqual(
            "to the other one",
            other.shell.run(
                f"dd if=/dev/{there} bs=4k count=1 iflag=direct 2>/dev/null | head -n 1"
            ),
        )
        self.assertEqual([], self.cloud.findings())

    def gone(self, guest):
        servers = self.cloud.member.servers
        servers.wait_deleted(servers.delete(guest.id), timeout=SOON)


def mib_used(place):
    stat = os.statvfs(place)
    return (stat.f_blocks - stat.f_bfree) * stat.f_frsize // _MIB


if __name__ == "__main__":
    unittest.main()
