"""The machine, its services, memory and files: like the kernel's, and recorded programs."""

import mmap
import os
from pathlib import Path

import fixtures
import testtools

from mycloud.privileged import errors
from mycloud.privileged.verbs import hardware, ksm, open_files, system_services, udev
from tests.fixtures.recorded_programs import RecordedPrograms, said


class HostCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)

    def lay(self, **files):
        """Files of the root by name."""
        for name, text in files.items():
            (self.root / name).write_text(text)

    def patch(self, module, **values):
        for name, value in values.items():
            self.useFixture(fixtures.MonkeyPatch(f"{module.__name__}.{name}", value))


class HardwareTest(HostCase):
    def setUp(self):
        super().setUp()
        (self.root / "dmi").mkdir()
        (self.root / "tree").mkdir()
        self.patch(hardware, _DMI=self.root / "dmi", _DEVICE_TREE=self.root / "tree")

    def test_dmi(self):
        for name, words in {
            "sys_vendor": "Maker\n", "product_name": "Box 9\n", "product_version": "\n",
            "product_serial": "To be filled by O.E.M.\n", "product_family": "Boxes\n",
            "product_uuid": "4C4C4544-0000-1000-8000-000000000000\n",
        }.items():
            (self.root / "dmi" / name).write_text(words)
        told = hardware.hardware_info()
        self.assertEqual(os.uname().machine, told.pop("architecture"))
        self.assertEqual(
            {"manufacturer": "Maker", "product": "Box 9", "version": None, "serial": None,
             "uuid": "4c4c4544-0000-1000-8000-000000000000", "family": "Boxes"},
            told,
        )

    def test_a_device_tree(self):
        (self.root / "tree" / "model").write_bytes(b"Board 4\0")
        (self.root / "tree" / "serial-number").write_bytes(b"1234\0")
        told = hardware.hardware_info()
        self.assertEqual(("Board 4", "1234", None), (
            told["product"], told["serial"], told["uuid"],
        ))

    def test_a_machine_that_tells_nothing(self):
        told = hardware.hardware_info()
        del told["architecture"]
        self.assertEqual({None}, set(told.values()))


class KsmTest(HostCase):
    def setUp(self):
        super().setUp()
        self.patch(ksm, _KSM=self.root)

    def test_it_is_read_and_set(self):
        self.lay(run="0\n", pages_to_scan="100\n", sleep_millisecs="20\n", pages_shared="1\n",
                 pages_sharing="2\n", pages_unshared="3\n", pages_volatile="4\n",
                 full_scans="5\n")
        told = ksm.ksm_read()
        self.assertIs(False, told["run"])
        self.assertEqual((100, 2), (told["pages_to_scan"], told["pages_sharing"]))
        told = ksm.ksm_set(run=True, pages_to_scan=7)
        self.assertIs(True, told["run"])
        self.assertEqual((7, 20), (told["pages_to_scan"], told["sleep_millisecs"]))
        # it was merged before and is unmerged by another: that is no run either
        self.lay(run="2\n")
        self.assertIs(False, ksm.ksm_read()["run"])

    def test_a_kernel_without_it(self):
        for verb in (ksm.ksm_read, ksm.ksm_set):
            self.assertRaises(errors.Refused, verb)


class ProgramsTest(HostCase):
    def test_services(self):
        programs = self.useFixture(RecordedPrograms(
            systemctl="MainPID=7\nLoadState=loaded\nActiveState=active\nSubState=running\n"
            "UnitFileState=enabled\n"
        ))
        self.patch(system_services, _RUNNING=self.root)
        told = system_services.system_service_status("lldpd.service")
        self.assertEqual(("active", "7"), (told["ActiveState"], told["MainPID"]))
        system_services.system_service_start("lldpd.service")
        system_services.system_service_stop("lldpd.service")
        system_services.system_service_restart("lldpd.service")
        self.assertEqual(
            [
                ["systemctl", "--no-pager", "show", "--property",
                 "LoadState,ActiveState,SubState,UnitFileState,MainPID", "--", "lldpd.service"],
                *(["systemctl", "--no-pager", verb, "--", "lldpd.service"]
                  for verb in ("start", "stop", "restart")),
            ],
            programs.commands,
        )

    def test_a_host_without_systemd(self):
        programs = self.useFixture(RecordedPrograms())
        self.patch(system_services, _RUNNING=self.root / "missing")
        error = self.assertRaises(
            errors.Refused, system_services.system_service_status, "lldpd.service"
        )
        self.assertIn("systemd does not run on this host", error.message)
        self.assertEqual([], programs.commands)

    def test_udev(self):
        programs = self.useFixture(RecordedPrograms())
        udev.udev_trigger("block")
        udev.udev_settle(7)
        self.assertEqual(
            [["udevadm", "trigger", "--action=change", "--subsystem-match=block"],
             ["udevadm", "settle", "--timeout=7"]],
            programs.commands,
        )
        programs.answers["udevadm"] = said("", 127)
        self.assertIn(
            "not installed", self.assertRaises(errors.Refused, udev.udev_settle).message
        )
        programs.answers["udevadm"] = said("timed out", 1)
        self.assertRaises(errors.ProgramFailed, udev.udev_settle)


class OpenFilesTest(HostCase):
    def setUp(self):
        super().setUp()
        self.service = self.useFixture(RecordedPrograms()).service
        self.file = self.service / "file"
        self.file.write_bytes(b"x" * mmap.PAGESIZE)

    def uses(self, path):
        """How this process uses it; nobody else does."""
        told = open_files.open_files(str(path))
        self.assertLessEqual({each["pid"] for each in told}, {os.getpid()})
        return told[0]["uses"] if told else []

    def test_a_file(self):
        self.assertEqual([], self.uses(self.file))
        with self.file.open("r+b") as opened:
            self.assertEqual([f"fd {opened.fileno()}"], self.uses(self.file))
            with mmap.mmap(opened.fileno(), 0):
                self.assertIn("mapped", self.uses(self.file))
        # by whatever name
        other = self.service / "other"
        other.hardlink_to(self.file)
        with other.open("rb"):
            self.assertEqual(1, len(self.uses(self.file)))

    def test_a_directory(self):
        before = Path.cwd()
        self.addCleanup(os.chdir, before)
        inner = self.service / "inner"
        inner.mkdir()
        os.chdir(inner)
        self.assertEqual(["cwd"], self.uses(inner))

    def test_what_is_not_ours_to_ask(self):
        (self.service / "link").symlink_to("/etc")
        for path in ("/etc/shadow", str(self.service / "link" / "shadow"), "/proc/1/fd"):
            self.assertRaises(errors.Refused, open_files.open_files, path)
        self.assertRaises(
            errors.SystemFailed, open_files.open_files, str(self.service / "missing")
        )

    def test_a_device(self):
        with open("/dev/null", "rb") as opened:
            [mine] = [
                each for each in open_files.open_files("/dev/null") if each["pid"] == os.getpid()
            ]
            self.assertIn(f"fd {opened.fileno()}", mine["uses"])
