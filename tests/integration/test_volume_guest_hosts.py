"""A real guest whose volume lies on another host: NBD over TLS, by what ``mycloud up`` has made.

The second host is a mycloud-compute that does not see the files of the first: it has a mount
namespace of its own, in which nothing lies where the backends' files are.
"""

import os
import re
import signal
import subprocess
import unittest

import libvirt
import testtools

from mycloud.common import clock
from mycloud.disk import processes
from mycloud.local import supervisor
from mycloud.local.settings import load
from tests.fixtures import guest_cloud, postgresql, rabbitmq
from tests.fixtures.guest_cloud import SOON, GuestCloud
from tests.fixtures.program import wait_for

_WHY_NOT = guest_cloud.why_not() or rabbitmq.why_not() or postgresql.why_not()
# as the ordinary user whom services run as
_HIDE = """
set -e
mount --make-rslave /
mount -t tmpfs hidden "$1"
shift
exec setpriv --reuid=mycloud --regid=mycloud --init-groups --no-new-privs "$@"
"""


@unittest.skipIf(_WHY_NOT, _WHY_NOT)
class VolumeGuestHostsTest(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        bus, database = (cls.have(made) for made in (rabbitmq.RabbitMQ(), postgresql.PostgreSQL()))
        cls.cloud = cls.have(GuestCloud(options=(
            "--processes", "--hosts", "2", "--transport-url", bus.url, "--database", database.url,
        )))
        _, cls.far = cls.cloud.hosts
        cls.move_away()
        services = cls.cloud.admin.services
        services.update(services.find(cls.cloud.hosts[0]).id, enabled=False)
        cls.guest = cls.cloud.boot("far")

    @classmethod
    def have(cls, fixture):
        fixture.setUp()
        cls.addClassCleanup(fixture.cleanUp)
        return fixture

    @classmethod
    def move_away(cls):
        """Start the second compute service anew, and its libvirtd with it, where it sees less."""
        cloud, name = cls.cloud, f"mycloud-compute-{cls.far}"
        cloud.kill(name)
        cloud.libvirtd(cls.far).stop()
        settings = load(cloud.layout)
        [process] = [
            each for each in supervisor.wanted(cloud.layout, settings) if each.name == name
        ]
        with process.log(cloud.layout).open("ab") as log:
            child = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", _HIDE, "sh", str(cloud.state / "backends"),
                 *process.command(cloud.layout)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            )
        cloud.layout.pid_file(name).write_text(f"{child.pid}\n")
        wait_for(
            lambda: cloud.libvirtd(cls.far).status().libvirtd, "its libvirtd runs", SOON
        )

    def source(self, volume_id):
        """Of the disk, as QEMU has it."""
        conn = libvirt.open(self.cloud.libvirtd(self.far).uri())
        try:
            xml = conn.lookupByUUIDString(self.guest.id).XMLDesc()
        finally:
            conn.close()
        [disk] = [
            each for each in re.findall(r"<disk .*?</disk>", xml, re.DOTALL) if volume_id in each
        ]
        return disk

    def test_the_volume_lies_elsewhere(self):
        self.assertEqual(self.far, self.guest.host())
        volume = self.cloud.volume()
        self.addCleanup(self.cloud.remove, volume.id)
        device = self.guest.attach(volume.id)
        self.addCleanup(self.guest.detach, volume.id)
        disk = self.source(volume.id)
        self.assertRegex(disk, r"<source protocol='nbd' name='[^']*' tls='yes'")
        writing = self.guest.begin_to_write(device)
        self.addCleanup(writing.end)
        writing.goes_on(5)

        with self.subTest("the volume service is killed and started"):
            self.cloud.kill("mycloud-volume")
            writing.goes_on()
            self.cloud.up()
            writing.goes_on()

        with self.subTest("the export is killed"):
            pid = self.cloud.export_pid(volume.id)
            os.kill(pid, signal.SIGKILL)
            killed = clock.monotonic()
            wait_for(lambda: not processes.alive(pid), "it has died")
            writing.goes_on()
            wait_for(lambda: self.guest.status() == "ACTIVE", "the server is active", SOON)
            self.addDetail("the guest goes on", testtools.content.text_content(
                f"{clock.monotonic() - killed:.1f} s"
            ))
        writing.end()
        self.assertFalse(writing.failed())
        self.assertEqual([], writing.lost(self.cloud.file(volume.id)))
        self.assertEqual("", self.guest.shell.run("dmesg | grep 'I/O error' || true"))
        self.assertEqual([], self.cloud.findings())
        self.assert_no_key_is_told()

    def assert_no_key_is_told(self):
        keys = [path.read_text() for path in self.cloud.state.rglob("*-key.pem")]
        secrets = {line for key in keys for line in key.splitlines() if "KEY" not in line}
        self.assertNotEqual(set(), secrets)
        logs = "".join(
            log.read_text(errors="replace") for log in (self.cloud.state / "log").glob("*.log")
        )
        self.assertEqual([], [secret for secret in secrets if secret in logs])


if __name__ == "__main__":
    unittest.main()
