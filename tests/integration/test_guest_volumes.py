"""Volumes of real guests: what the guest itself sees of them, and what its disks hold."""

import dataclasses
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import libvirt
import testtools

from mycloud.common import clock, concurrency, exceptions, pki
from mycloud.compute.drivers.base import PowerState, VolumeDisk
from mycloud.compute.drivers.libvirt import disks
from mycloud.compute.drivers.libvirt.mirrors import Mirror
from mycloud.disk import luks, processes
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.base import ExportSettings
from mycloud.volume.exports.iscsi import IscsiExporter
from mycloud.volume.exports.nbd import NbdExporter
from tests.contract.compute_driver import wait_until
from tests.contract.compute_driver_volumes import DETACH_SECONDS, MIB, VolumesContract
from tests.fixtures import tiny_guest
from tests.fixtures.libvirt_host import LibvirtHost

_SECTORS = (MIB << 20) // 512
#: as much of a guest's agent as it takes
_AGENT = """
for port in /sys/class/virtio-ports/*; do
  [ "$(cat $port/name)" = org.qemu.guest_agent.0 ] && exec 3<> /dev/${port##*/}
done
echo GUEST agent $((1))
while :; do
  while read -r line <&3; do
    answer=1
    case "$line" in
      *guest-sync*) answer=${line##*:}; answer=${answer%%\\}*};;
      *freeze-freeze*) echo GUEST frozen $((1));;
      *freeze-thaw*) echo GUEST thawed $((1));;
    esac
    echo "{\\"return\\": $answer}" >&3
  done
  # reads as ended until libvirt has connected, too
  sleep 1
done
"""
_PASSPHRASE = b"the passphrase of the test"
#: writes a thousand blocks one by one, each beginning with its number in eight digits
_WRITER = (
    "i=1; while [ $i -le 1000 ]; do printf %08d $i | "
    "dd of=/dev/vdb bs=4k seek=$((i-1)) conv=sync,fsync 2>/dev/null || exit 1; "
    "echo wrote $i; i=$((i+1)); done"
)


class LocalStore(LibvirtHost):
    """Volumes that are files of this machine."""

    def setUp(self):
        super().setUp()
        self.store = Path(tempfile.mkdtemp(prefix="mycloud-test-volumes-"))
        self.addCleanup(shutil.rmtree, self.store)

    def volume(self, device, *, size_mb=MIB, disk_format="raw", **changes):
        volume_id = clock.new_id()
        path = self.store / clock.new_id()
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", disk_format, str(path), f"{size_mb}M"], check=True
        )
        return self.disk(volume_id, device, path, disk_format, **changes)

    def disk(self, volume_id, device, path, disk_format="raw", **changes):
        connection = {
            "driver_volume_type": "local", "volume_id": volume_id,
            "data": {"device_path": str(path), "format": disk_format},
        }
        return VolumeDisk(volume_id, connection, device, **changes)

    def path_of(self, disk):
        return Path(disk.connection["data"]["device_path"])


class LocalVolumesTest(LocalStore, VolumesContract, testtools.TestCase):
    def boot_volume(self):
        path = self.store / "boot"
        subprocess.run(
            ["qemu-img", "convert", "-O", "raw", tiny_guest.directory() / "guest.qcow2", path],
            check=True,
        )
        return self.disk(clock.new_id(), "vda", path, boot_index=0)

    def grow(self, disk):
        os.truncate(self.path_of(disk), 2 * MIB << 20)

    def test_what_the_guest_sees(self):
        """Attach, write, extend, copy while it writes, swap, detach."""
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        shell = self.on_console(me)
        raw, qcow2 = self.volume("vdb"), self.volume("vdc", disk_format="qcow2")
        for disk in (raw, qcow2):
            driver.attach_volume(me, disk)
            self.said(
                me, f"GUEST block add /dev/{disk.device} sectors={_SECTORS} "
                f"serial={disk.volume_id[:20]}",
            )
        shell.run("yes one | head -c 1048576 > /dev/vdb; yes two | head -c 4096 > /dev/vdc; sync")
        self.assertEqual(b"one\n" * 4, self.path_of(raw).read_bytes()[:16])

        os.truncate(self.path_of(raw), 2 * MIB << 20)
        for disk in (raw, qcow2):
            driver.extend_volume(me, disk.volume_id, 2 * MIB << 20)
            self.said(me, f"GUEST block change /dev/{disk.device} sectors={2 * _SECTORS}")

        for disk in (raw, qcow2):
            driver.detach_volume(me, disk.volume_id, DETACH_SECONDS)
            self.said(me, f"GUEST block remove /dev/{disk.device}")
        for disk in (raw, qcow2):
            driver.attach_volume(me, disk)
            self.said(
                me, f"GUEST block add /dev/{disk.device} sectors={2 * _SECTORS} "
                f"serial={disk.volume_id[:20]}",
            )
        self.assertEqual("two", shell.run("head -n 1 /dev/vdc").splitlines()[-1])

    def test_copy_and_swap_while_the_guest_writes(self):
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        shell = self.on_console(me)
        disk, new = self.volume("vdb"), self.volume("vdb")
        driver.attach_volume(me, disk)
        self.said(me, "GUEST block add /dev/vdb")
        # one block after the other, each with its number, and each on the disk before the next
        shell.start(_WRITER)
        self.said(me, "wrote 100")
        target = self.store / "copy"
        copy = driver.copy_volume(me, disk.volume_id, target, "raw")
        self.assertEqual((MIB << 20, False), (copy.size_bytes, copy.quiesced))
        self.assert_one_moment(target)
        # into what is there already, and may hold something
        target.write_bytes(b"x" * (MIB << 20))
        driver.copy_volume(me, disk.volume_id, target, "raw")
        self.assert_one_moment(target)

        driver.swap_volume(me, disk.volume_id, new)
        last = numbers(self.path_of(disk))[-1]
        written = self.driver.console_log(me).count("wrote ")
        self.said(me, "wrote ", written + 5)
        self.path_of(disk).unlink()
        shell.result(120)
        found = numbers(self.path_of(new))
        self.assertEqual(list(range(1, 1001)), found)
        self.assertLess(last, 1000, "it was swapped after the guest had written all")
        driver.reboot(me, True, 0)
        self.wait_ready(me, 2)
        self.said(me, f"GUEST block /dev/vdb sectors={_SECTORS} serial={new.volume_id[:20]}")
        driver.detach_volume(me, new.volume_id, DETACH_SECONDS)

    def test_swap_that_somebody_else_has_begun(self):
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        disk, new, bigger = (
            self.volume("vdb", size_mb=size) for size in (MIB, MIB, 2 * MIB)
        )
        driver.attach_volume(me, disk)
        self.said(me, "GUEST block add /dev/vdb")
        shell = self.on_console(me)
        shell.run("yes one | head -c 1048576 > /dev/vdb; sync")

        def begin(target):
            mirror = Mirror(driver._host.call, me, "vdb")
            mirror.begin(disks.copy_element(self.path_of(target), "raw"), existing=True)
            return mirror

        with self.subTest("it is broken off"):
            begin(new)
            driver.abort_swap(me, disk.volume_id)
            self.assertTrue(driver.swapped(me, disk))
        with self.subTest("it was begun to another disk"):
            begin(bigger)
            driver.swap_volume(me, disk.volume_id, new)
            self.assertTrue(driver.swapped(me, new))
        with self.subTest("it was done and not yet written down"):
            mirror = begin(disk)
            mirror.wait_alike()
            mirror.end(pivot=True)
            self.assertFalse(driver.swapped(me, disk))
            driver.swap_volume(me, new.volume_id, disk)
            self.assertTrue(driver.swapped(me, disk))
        with self.subTest("the new one is bigger: the guest sees that when it starts"):
            driver.swap_volume(me, disk.volume_id, bigger)
            self.assertTrue(driver.swapped(me, bigger))
            self.assertFalse(driver.can_extend(me, bigger.volume_id))
            driver.reboot(me, True, 0)
            self.wait_ready(me, 2)
            self.said(me, f"GUEST block /dev/vdb sectors={2 * _SECTORS} ")
            self.assertTrue(driver.can_extend(me, bigger.volume_id))
            self.assertEqual("one", self.on_console(me).run("head -n 1 /dev/vdb"))

    def assert_one_moment(self, path):
        found = numbers(path)
        self.assertGreaterEqual(len(found), 100)
        self.assertEqual(list(range(1, len(found) + 1)), found)

    def sees_agent(self, server_id):
        [target] = self.definition(server_id).findall(
            "devices/channel/target[@name='org.qemu.guest_agent.0']"
        )
        return target.get("state") == "connected"

    def test_copy_while_the_agent_holds_the_file_systems(self):
        driver = self.driver
        image = dataclasses.replace(self.image, properties={"hw_qemu_guest_agent": "yes"})
        me = self.boot(image=image).server_id
        self.wait_ready(me)
        disk = self.volume("vdb")
        driver.attach_volume(me, disk)
        shell = self.on_console(me)
        target = self.store / "copy"
        self.assertFalse(driver.copy_volume(me, disk.volume_id, target, "raw").quiesced)
        shell.run(f"cat > /tmp/agent << 'END'\n{_AGENT}END\n(sh /tmp/agent &)")
        self.said(me, "GUEST agent 1")
        wait_until(lambda: self.sees_agent(me), 15, "libvirt sees that the agent listens")
        copy = driver.copy_volume(me, disk.volume_id, target, "raw")
        self.assertTrue(copy.quiesced)
        said = shell.said()
        self.assertLess(said.index("GUEST frozen 1"), said.index("GUEST thawed 1"))

    def test_limits_of_a_disk(self):
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        disk = self.volume("vdb", iotune={"total_iops_sec": 20}, read_only=True)
        driver.attach_volume(me, disk)
        self.said(me, "GUEST block add /dev/vdb")
        shell = self.on_console(me)
        self.assertEqual("1", shell.run("cat /sys/block/vdb/ro"))
        read = "dd if=/dev/vdb of=/dev/null bs=4k count=60 iflag=direct 2>/dev/null"
        # as it was attached, without bounds, and with those that were given to it while it ran
        for bounds, bounded in ((None, True), ({}, False), ({"total_iops_sec": 20}, True)):
            if bounds is not None:
                driver.tune_volume(me, disk.volume_id, bounds)
            started = clock.monotonic()
            shell.run(read)
            self.assertEqual(bounded, clock.monotonic() - started > 1.5, bounds)

    def test_two_guests_share_what_may_be_shared(self):
        driver = self.driver
        me, you = (self.boot(memory_mb=96).server_id for _ in range(2))
        alone = self.volume("vdb")
        driver.attach_volume(me, alone)
        self.assertRaises(
            exceptions.MycloudError, driver.attach_volume, you, alone
        )
        self.assertEqual({}, driver.volumes(you))
        driver.detach_volume(me, alone.volume_id, 60)
        shared = self.volume("vdb", shareable=True)
        for server_id in (me, you):
            driver.attach_volume(server_id, shared)
            self.assert_has(server_id, shared, live=True)

    def test_guest_in_its_firmware_lets_go_later(self):
        driver, me = self.driver, self.boot().server_id
        disk = self.volume("vdb")
        driver.attach_volume(me, disk)
        started = clock.monotonic()
        error = self.assertRaises(
            exceptions.DetachTimedOut, driver.detach_volume, me, disk.volume_id, 0.5
        )
        self.assertIn("within 0.5 s", str(error))
        self.assertLess(clock.monotonic() - started, 3)
        self.assert_has(me, disk, live=True)
        self.wait_ready(me)
        driver.detach_volume(me, disk.volume_id, DETACH_SECONDS)
        self.assertEqual({}, driver.volumes(me))
        self.assertEqual([], self.events)

    def test_what_can_not_be_connected(self):
        driver, me = self.driver, self.boot().server_id
        disk = self.volume("vdb")
        self.path_of(disk).unlink()
        unknown = {**disk.connection, "driver_volume_type": "rbd"}
        for connection, words in ((disk.connection, "not on this machine"), (unknown, "'rbd'")):
            wrong = dataclasses.replace(disk, connection=connection)
            error = self.assertRaises(
                exceptions.ConnectionFailed, driver.attach_volume, me, wrong
            )
            self.assertIn(words, str(error))
            self.assertNotIn(str(self.store), str(error))
        # not what it is said to be
        liar = self.volume("vdb")
        data = {**liar.connection["data"], "format": "qcow2"}
        wrong = dataclasses.replace(liar, connection={**liar.connection, "data": data})
        self.assertRaises(exceptions.ConnectionFailed, driver.attach_volume, me, wrong)
        self.assertEqual({}, driver.volumes(me))


class EncryptedVolumesTest(LocalStore, testtools.TestCase):
    def secret_volume(self, device):
        disk = self.volume(device, secret=_PASSPHRASE)
        self.driver.prepare_encryption(disk)
        return disk

    def assert_no_secret_left(self):
        conn = libvirt.open(self.libvirtd.uri())
        self.addCleanup(conn.close)
        self.assertEqual([], conn.listAllSecrets())
        for path in self.root.rglob("*"):
            if path.suffix in (".xml", ".log"):
                self.assertNotIn(_PASSPHRASE, path.read_bytes(), path.name)

    def test_life_of_an_encrypted_volume(self):
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        disk = self.secret_volume("vdb")
        inside = _SECTORS - luks.HEADER_BYTES // 512
        for wrong in (None, b"another"):
            self.assertRaises(
                exceptions.MycloudError, driver.attach_volume, me,
                dataclasses.replace(disk, secret=wrong or b""),
            )
        driver.attach_volume(me, disk)
        self.said(me, f"GUEST block add /dev/vdb sectors={inside} ")
        shell = self.on_console(me)
        shell.run("yes plain-text | head -c 1048576 > /dev/vdb; sync")
        self.assert_hidden(disk)

        with self.subTest("it grows"):
            os.truncate(self.path_of(disk), 2 * MIB << 20)
            driver.extend_volume(me, disk.volume_id, 2 * MIB << 20)
            self.said(me, f"GUEST block change /dev/vdb sectors={inside + _SECTORS} ")

        with self.subTest("a copy is encrypted, too"):
            copy = self.disk(clock.new_id(), "vdc", self.store / "copy", secret=_PASSPHRASE)
            self.assertRaises(
                exceptions.EncryptionRefused,
                driver.copy_volume, me, disk.volume_id, self.path_of(copy), "raw",
            )
            for _ in range(2):
                driver.copy_volume(
                    me, disk.volume_id, self.path_of(copy), "raw", secret=_PASSPHRASE
                )
            self.assert_hidden(copy)
            driver.attach_volume(me, copy)
            self.said(me, "GUEST block add /dev/vdc")
            self.assertEqual("plain-text", shell.run("head -n 1 /dev/vdc"))

        with self.subTest("it is swapped to an encrypted one only"):
            plain = self.volume("vdb", size_mb=2 * MIB)
            self.assertRaises(
                exceptions.EncryptionRefused, driver.swap_volume, me, disk.volume_id, plain
            )
            new = self.volume("vdb", size_mb=2 * MIB, secret=_PASSPHRASE)
            driver.prepare_encryption(new)
            driver.swap_volume(me, disk.volume_id, new)
            self.assert_hidden(new)

        with self.subTest("it is there after a cold start"):
            self.assertRaises(exceptions.GuestOperationFailed, driver.reboot, me, True, 0)
            driver.power_on(me, volumes=[new, copy])
            self.wait_ready(me, 2)
            shell = self.on_console(me)
            self.assertEqual("plain-text", shell.run("head -n 1 /dev/vdb"))
        self.assert_no_secret_left()

    def assert_hidden(self, disk):
        self.assertNotIn(b"plain-text", self.path_of(disk).read_bytes())

    def test_what_is_not_made_a_luks_disk(self):
        data = self.volume("vdb", secret=_PASSPHRASE)
        with self.path_of(data).open("r+b") as file:
            file.seek(MIB << 19)
            file.write(b"somebody's data")
        before = self.path_of(data).read_bytes()
        qcow2 = self.volume("vdb", disk_format="qcow2", secret=_PASSPHRASE)
        used = self.secret_volume("vdb")
        header = self.path_of(used).read_bytes()
        for disk, words in (
            (data, "not encrypted"), (qcow2, "qcow2"), (self.volume("vdb"), "no passphrase"),
            (dataclasses.replace(used, secret=b"another"), "another passphrase"),
        ):
            error = self.assertRaises(
                exceptions.EncryptionRefused, self.driver.prepare_encryption, disk
            )
            self.assertIn(words, str(error))
        self.driver.prepare_encryption(used)
        self.assertEqual(header, self.path_of(used).read_bytes())
        self.assertEqual(before, self.path_of(data).read_bytes())
        self.assertEqual([], [*(self.root / "luks").iterdir()])


class ExportedVolumes(LibvirtHost):
    """Volumes that a volume host exports."""

    exporter = NbdExporter
    ports = "21100-21199"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pki_dir = pki.ensure_host(cls.root / "authority", cls.host, ["127.0.0.1"])

    def setUp(self):
        super().setUp()
        settings = ExportSettings(
            self.root / "exports", pki_dir=self.pki_dir, options={"port_range": self.ports}
        )
        self.exports = self.exporter(settings)
        self.path = self.root / "volume"
        self.addCleanup(self.path.unlink)
        with self.path.open("wb") as file:
            file.truncate(MIB << 20)

    def export(self, device, **connector):
        volume_id = clock.new_id()
        self.addCleanup(self.exports.remove, volume_id)
        data = self.exports.ensure(
            volume_id, Source(self.path), {**self.driver.connector(), **connector},
            read_only=False, shared=False,
        )
        connection = {
            "driver_volume_type": self.exporter.PROTOCOL, "volume_id": volume_id, "data": data,
        }
        return VolumeDisk(volume_id, connection, device)


class IscsiVolumesTest(ExportedVolumes, testtools.TestCase):
    exporter = IscsiExporter
    ports = "21200-21299"

    def test_with_an_account(self):
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        disk = self.export("vdb")
        password = disk.connection["data"]["auth_password"]
        wrong = {**disk.connection["data"], "auth_password": "another-password"}
        error = self.assertRaises(
            exceptions.ConnectionFailed, driver.attach_volume, me,
            dataclasses.replace(disk, connection={**disk.connection, "data": wrong}),
        )
        self.assertNotIn("another-password", str(error))
        driver.attach_volume(me, disk)
        self.said(me, f"GUEST block add /dev/vdb sectors={_SECTORS}")
        shell = self.on_console(me)
        shell.run("yes one | head -c 1048576 > /dev/vdb; sync")
        self.assertEqual(b"one\n" * 4, self.path.read_bytes()[:16])
        self.assertTrue(driver.volumes(me)[disk.volume_id].source.startswith("iscsi 127.0.0.1:"))
        self.assertFalse(driver.can_extend(me, disk.volume_id))

        with self.subTest("after a cold start, with the account of then"):
            driver.power_off(me, 0)
            driver.power_on(me, volumes=[disk])
            self.wait_ready(me, 2)
            self.assertEqual("one", self.on_console(me).run("head -n 1 /dev/vdb"))

        with self.subTest("no secret is left behind, or was told to who lists processes"):
            conn = libvirt.open(self.libvirtd.uri())
            self.addCleanup(conn.close)
            self.assertEqual([], conn.listAllSecrets())
            self.assertNotIn(password, " ".join(processes.command_line(self.pid_of(me))))
            self.assertNotIn(password, conn.lookupByUUIDString(me).XMLDesc())
        driver.detach_volume(me, disk.volume_id, DETACH_SECONDS)

    def test_encrypted(self):
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        disk = dataclasses.replace(self.export("vdb"), secret=_PASSPHRASE)
        for _ in range(2):
            driver.prepare_encryption(disk)
        driver.attach_volume(me, disk)
        self.said(me, "GUEST block add /dev/vdb")
        self.on_console(me).run("yes plain-text | head -c 1048576 > /dev/vdb; sync")
        self.assertNotIn(b"plain-text", self.path.read_bytes())


class NbdVolumesTest(ExportedVolumes, testtools.TestCase):
    def test_over_the_network(self):
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        disk = self.export("vdb", nbd_unix=False)
        self.assertTrue(disk.connection["data"]["tls"])
        driver.attach_volume(me, disk)
        self.said(me, f"GUEST block add /dev/vdb sectors={_SECTORS}")
        shell = self.on_console(me)
        shell.run("yes one | head -c 1048576 > /dev/vdb; sync")
        self.assertEqual(b"one\n" * 4, self.path.read_bytes()[:16])
        state = driver.volumes(me)[disk.volume_id]
        self.assertTrue(state.source.startswith("nbd 127.0.0.1:211"), state.source)
        self.assertNotIn(disk.connection["data"]["export"], state.source)

        with self.subTest("it can't grow"):
            self.assertFalse(driver.can_extend(me, disk.volume_id))
            error = self.assertRaises(
                exceptions.OnlineExtendUnsupported,
                driver.extend_volume, me, disk.volume_id, 2 * MIB << 20,
            )
            self.assertIn("nbd", str(error))

        with self.subTest("it is copied, and swapped to a file"):
            target = self.root / "copy"
            self.addCleanup(target.unlink)
            driver.copy_volume(me, disk.volume_id, target, "raw")
            self.assertEqual(self.path.read_bytes(), target.read_bytes())
            data = {"device_path": str(target), "format": "raw"}
            local = dataclasses.replace(disk, connection={
                **disk.connection, "driver_volume_type": "local", "data": data,
            })
            driver.swap_volume(me, disk.volume_id, local)
            self.assertTrue(driver.swapped(me, local))
            driver.swap_volume(me, disk.volume_id, disk)
            self.assertTrue(driver.swapped(me, disk))

        with self.subTest("without the export, an attach fails and tells no secret"):
            driver.detach_volume(me, disk.volume_id, DETACH_SECONDS)
            self.exports.remove(disk.volume_id)
            error = self.assertRaises(
                exceptions.ConnectionFailed, driver.attach_volume, me, disk
            )
            self.assertNotIn(disk.connection["data"]["export"], str(error))
            self.assertEqual({}, driver.volumes(me))

    def test_encrypted(self):
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        disk = dataclasses.replace(self.export("vdb", nbd_unix=False), secret=_PASSPHRASE)
        for _ in range(2):
            driver.prepare_encryption(disk)
        driver.attach_volume(me, disk)
        self.said(me, "GUEST block add /dev/vdb")
        self.on_console(me).run("yes plain-text | head -c 1048576 > /dev/vdb; sync")
        self.assertNotIn(b"plain-text", self.path.read_bytes())
        self.assertEqual(luks.HEADER_BYTES, luks.payload_offset(self.path))
        target = self.root / "copy"
        self.addCleanup(target.unlink)
        driver.copy_volume(me, disk.volume_id, target, "raw", secret=_PASSPHRASE)
        self.assertNotIn(b"plain-text", target.read_bytes())

    def test_export_dies_while_the_guest_writes(self):
        """The guest pauses on its own, goes on when the export is back, and nothing is lost."""
        driver, me = self.driver, self.boot().server_id
        self.wait_ready(me)
        disk = self.export("vdb")
        self.assertIn("socket", disk.connection["data"])
        driver.attach_volume(me, disk)
        self.said(me, "GUEST block add /dev/vdb")
        shell = self.on_console(me)
        shell.start(_WRITER)
        self.said(me, "wrote 100")
        os.kill(self.daemon(), signal.SIGKILL)
        event = self.wait_event(me)
        self.assertEqual((PowerState.PAUSED, True), (event.power_state, event.io_error))
        self.assertTrue(driver.io_error(me))
        # begun too soon, it goes on when the export is there
        events = len(self.events)
        task = concurrency.spawn(driver.resume_after_io_error, me)
        concurrency.sleep(0.5)
        self.assertTrue(driver.io_error(me))
        wait_until(lambda: self.exports.revive() == [disk.volume_id], 10, "the export is back")
        self.assertTrue(task.wait(30))
        self.assertEqual(events, len(self.events), "a try is no event")
        self.assertFalse(driver.io_error(me))
        shell.result(120)
        self.assertEqual(list(range(1, 1001)), numbers(self.path))

    def daemon(self):
        [pid] = [
            int(path.read_text()) for path in (self.root / "exports").rglob("pid")
        ]
        return pid

    def test_from_the_start_and_after_a_cold_start(self):
        disk = self.export("vdb", nbd_unix=False)
        me = self.boot(volumes=(disk,)).server_id
        self.said(me, "GUEST block /dev/vdb", seconds=60)
        self.wait_ready(me)
        self.driver.power_off(me, 0)
        # another name and another port, as after a restart of everything
        self.exports.remove(disk.volume_id)
        error = self.assertRaises(exceptions.MycloudError, self.driver.power_on, me)
        self.assertNotIn(disk.connection["data"]["export"], str(error))
        data = self.exports.ensure(
            disk.volume_id, Source(self.path), {**self.driver.connector(), "nbd_unix": False},
            read_only=False, shared=False,
        )
        fresh = dataclasses.replace(disk, connection={**disk.connection, "data": data})
        self.driver.power_on(me, volumes=[fresh])
        self.wait_ready(me, 2)
        self.assertTrue(self.driver.swapped(me, fresh))


def numbers(path):
    """What the guest's writer has written: the number at the beginning of each block."""
    content = path.read_bytes()
    blocks = (content[at:at + 8] for at in range(0, len(content), 4096))
    return [int(block) for block in blocks if block.strip(b"\0")]
