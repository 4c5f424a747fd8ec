"""SCSI, multipath and the device mapper: from a tree like the kernel's, and recorded programs."""

from pathlib import Path

import fixtures
import testtools

from mycloud.privileged import errors
from mycloud.privileged.verbs import devicemapper, multipath, scsi
from tests.fixtures.recorded_programs import RecordedPrograms, said

_MULTIPATH = """\
mpatha (360000000000000000e00000000010001) dm-0 IET     ,VIRTUAL-DISK
size=1.0G features='0' hwhandler='1 alua' wp=rw
|-+- policy='service-time 0' prio=50 status=active
| `- 3:0:0:1 sda 8:0   active ready  running
`-+- policy='service-time 0' prio=10 status=enabled
  |- 4:0:0:1 sdb 8:16  failed faulty offline
  `- #:#:#:# sdc 8:32  active undef  unknown
3600a0980383030447a3f4b4f50435252 dm-3 NETAPP,LUN C-Mode
size=20G features='3 queue_if_no_path' hwhandler='0' wp=ro
`-+- policy='round-robin 0' prio=0 status=active
  `- 5:0:0:0 sdd 8:48 active ready running
"""


class MultipathTest(testtools.TestCase):
    def test_status(self):
        programs = self.useFixture(RecordedPrograms(multipath=_MULTIPATH))
        first, second = multipath.multipath_status()
        self.assertEqual([["multipath", "-ll"]], programs.commands)
        self.assertEqual(
            ("mpatha", "360000000000000000e00000000010001", "dm-0", "1.0G", True),
            tuple(first[name] for name in ("name", "wwid", "device", "size", "writable")),
        )
        self.assertEqual(
            [("3:0:0:1", "sda", "active", "ready", "running", "active", 50),
             ("4:0:0:1", "sdb", "failed", "faulty", "offline", "enabled", 10),
             ("#:#:#:#", "sdc", "active", "undef", "unknown", "enabled", 10)],
            [
                tuple(each[name] for name in
                      ("address", "device", "state", "check", "kernel", "group", "priority"))
                for each in first["paths"]
            ],
        )
        self.assertEqual(
            ("3600a0980383030447a3f4b4f50435252", "3600a0980383030447a3f4b4f50435252",
             "NETAPP,LUN C-Mode", False, 1),
            (second["name"], second["wwid"], second["product"], second["writable"],
             len(second["paths"])),
        )

    def test_none(self):
        self.useFixture(RecordedPrograms())
        self.assertEqual([], multipath.multipath_status())

    def test_it_is_not_installed(self):
        self.useFixture(RecordedPrograms(multipath=said("", 127)))
        error = self.assertRaises(errors.Refused, multipath.multipath_status)
        self.assertIn("install the package multipath-tools", error.message)


class DeviceMapperTest(testtools.TestCase):
    def test_remove(self):
        programs = self.useFixture(RecordedPrograms())
        self.assertTrue(devicemapper.devicemapper_remove("mycloud--volumes-old"))
        self.assertEqual(
            [["dmsetup", "remove", "--retry", "mycloud--volumes-old"]], programs.commands
        )
        programs.answers["dmsetup"] = said(
            "device-mapper: remove ioctl on mycloud-x  failed: No such device or address", 1
        )
        self.assertFalse(devicemapper.devicemapper_remove("mycloud-x"))
        programs.answers["dmsetup"] = said("Device mycloud-x is in use", 1)
        self.assertRaises(errors.ProgramFailed, devicemapper.devicemapper_remove, "mycloud-x")

    def test_what_root_has_not_allowed(self):
        programs = self.useFixture(RecordedPrograms())
        error = self.assertRaises(
            errors.Refused, devicemapper.devicemapper_remove, "system-root"
        )
        self.assertIn("allowed/device-mappings", error.message)
        self.assertEqual([], programs.commands)


class ScsiTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.MonkeyPatch("mycloud.privileged.verbs.scsi._SYS", self.root))

    def lay(self, place, **files):
        directory = self.root / place
        directory.mkdir(parents=True, exist_ok=True)
        for name, words in files.items():
            (directory / name).write_text(f"{words}\n")

    def test_a_session(self):
        host = "devices/platform/host3/session1"
        disk = f"{host}/target3:0:0/3:0:0:1"
        self.lay(disk, vendor="IET     ", model="VIRTUAL-DISK    ", rev="0001",
                 state="running", wwid="t10.IET")
        self.lay(f"{disk}/block/sda", size=2048)
        self.lay("bus/scsi/devices")
        (self.root / "bus/scsi/devices/3:0:0:1").symlink_to(self.root / disk)
        self.lay(f"{host}/iscsi_session/session1", targetname="iqn.2026-11.cloud.mycloud:a",
                 tpgt=1, state="LOGGED_IN", initiatorname="iqn.host", ifacename="default",
                 password="secret", username="someone")
        session = self.root / host / "iscsi_session" / "session1"
        (session / "device").symlink_to(self.root / host)
        self.lay("class/iscsi_session")
        (self.root / "class/iscsi_session/session1").symlink_to(session)
        self.lay("class/iscsi_connection/connection1:0", address="192.0.2.1", port=3260,
                 persistent_address="192.0.2.1", persistent_port="<NULL>")
        self.lay("class/iscsi_connection/connection12:0", address="192.0.2.2")
        device = {
            "address": "3:0:0:1", "vendor": "IET", "model": "VIRTUAL-DISK", "revision": "0001",
            "state": "running", "wwid": "t10.IET", "disk": "sda", "size": 1 << 20,
        }
        [told] = scsi.scsi_iscsi_sessions()
        self.assertEqual(
            {
                "name": "session1", "target": "iqn.2026-11.cloud.mycloud:a",
                "portal_group": "1", "state": "LOGGED_IN", "initiator": "iqn.host",
                "interface": "default", "devices": [device],
                "connections": [{
                    "address": "192.0.2.1", "port": "3260", "persistent_address": "192.0.2.1",
                    "persistent_port": None,
                }],
            },
            told,
        )
        self.assertEqual([device], scsi.scsi_devices())

    def test_a_host_without_scsi(self):
        self.assertEqual([], scsi.scsi_iscsi_sessions())
        self.assertEqual([], scsi.scsi_devices())
