"""Volumes of real guests: what the guest itself sees of them, and what its disks hold."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import testtools

from mycloud.common import clock
from mycloud.compute.drivers.base import VolumeDisk
from tests.contract.compute_driver import wait_until
from tests.contract.compute_driver_volumes import DETACH_SECONDS, MIB, VolumesContract
from tests.fixtures import tiny_guest
from tests.fixtures.libvirt_host import LibvirtHost

_SECTORS = (MIB << 20) // 512


class LocalVolumesTest(VolumesContract, LibvirtHost, testtools.TestCase):
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

    def said(self, server_id, line):
        wait_until(lambda: line in self.driver.console_log(server_id), 10, line)
