"""What the real root helper tells of this machine and does to it, by way of the agent too."""

import os
import shutil
import unittest
from pathlib import Path

import testtools

from mycloud.agent.host import Host
from mycloud.agent.verbs import host_memory, host_storage
from mycloud.privileged import client, errors, mounts
from tests.fixtures import privileged
from tests.fixtures.privileged import PrivilegedHelper

MIB = 1 << 20


@unittest.skipIf(privileged.why_not(), privileged.why_not())
class PrivilegedHostTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.helper = self.useFixture(PrivilegedHelper())
        self.host = Host("here", self.helper.state)

    def refused(self, verb, *args):
        return self.assertRaises(errors.Refused, verb, *args).message

    def test_hardware(self):
        told = client.call.hardware_info()
        self.assertEqual(os.uname().machine, told["architecture"])
        self.assertLessEqual({"manufacturer", "product", "serial", "uuid", "family"}, set(told))

    def test_storage(self):
        told = host_storage.storage(self.host)
        self.assertIsInstance(told["scsi"], list)
        self.assertIsInstance(told["iscsi"], list)
        if not os.path.exists("/usr/sbin/multipath"):
            self.assertIsNone(told["multipath"])
            self.assertIn("multipath-tools", told["multipath_reason"])

    @unittest.skipUnless(os.path.exists("/sys/kernel/mm/ksm/run"), "this kernel has no KSM")
    def test_merging(self):
        before = host_memory.merging(self.host)
        # to what it is already: the machine is not the test's own
        after = host_memory.merge(
            self.host, run=before["run"], pages_to_scan=before["pages_to_scan"]
        )
        self.assertEqual(
            (before["run"], before["pages_to_scan"]), (after["run"], after["pages_to_scan"])
        )
        for wrong in ({"pages_to_scan": 0}, {"sleep_millisecs": -1}, {"run": 1}):
            self.assertRaises(errors.InvalidArguments, client.call.ksm_set, **wrong)

    def test_who_has_a_file_open(self):
        path = self.helper.state / "file"
        with path.open("w") as file:
            told = host_storage.open_files(self.host, path=str(path))["users"]
            self.assertEqual([(os.getpid(), [f"fd {file.fileno()}"])], [
                (each["pid"], each["uses"]) for each in told
            ])
        self.assertEqual([], host_storage.open_files(self.host, path=str(path))["users"])
        self.refused(client.call.open_files, "/etc/shadow")

    def test_mounts(self):
        point = self.helper.state / "point"
        point.mkdir()
        self.assertTrue(client.call.mount_tmpfs(str(point), MIB))
        try:
            self.assertEqual("tmpfs", mounts.at(str(point)).kind)
            self.assertIn("mycloud", self.refused(client.call.mount_nfs, "a:/b", str(point), []))
        finally:
            self.assertTrue(client.call.mount_remove(str(point)))
        self.assertIsNone(mounts.at(str(point)))
        self.assertIn("does not lie below", self.refused(client.call.mount_tmpfs, "/srv", MIB))
        for wrong in ("suid", "-o", "vers=4,dev"):
            self.assertRaises(
                errors.InvalidArguments, client.call.mount_nfs, "a:/b", str(point), [wrong]
            )

    def test_only_what_root_has_allowed(self):
        words = self.refused(client.call.lvm_volumes, "system")
        place = self.helper.state / "privileged" / "allowed" / "volume-groups"
        self.assertIn(f"let root add a line system to {place}", words)
        place.parent.mkdir()
        place.write_text("system\n")
        if shutil.which("lvs", path="/usr/sbin") is None:
            error = self.assertRaises(
                errors.ProgramFailed, client.call.lvm_volumes, "system"
            )
            self.assertIn("/usr/sbin/lvs is not installed", error.message)
        place.chmod(0o666)
        self.assertIn("can be written to by others", self.refused(
            client.call.lvm_volumes, "system"
        ))
        for wrong in ("-x", "a/b", "..", "snapshot1", ""):
            self.assertRaises(errors.InvalidArguments, client.call.lvm_volumes, wrong)

    def test_services_of_the_system(self):
        self.assertRaises(
            errors.InvalidArguments, client.call.system_service_stop, "ssh.service"
        )
        if not Path("/run/systemd/system").is_dir():
            self.assertIn("systemd does not run", self.refused(
                client.call.system_service_status, "lldpd.service"
            ))
        if not os.path.exists("/usr/bin/udevadm"):
            self.assertIn("udev does not run", self.refused(client.call.udev_settle))
