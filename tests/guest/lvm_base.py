"""What the tests of thick and of thin volumes share."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from oslo_concurrency import processutils

from mycloud.common import concurrency, exceptions
from mycloud.privileged import client
from mycloud.volume.drivers.base import GIB, BackendSettings, Source
from mycloud.volume.drivers.lvm import LVMDriver
from tests.contract.volume_driver import VolumeDriverContract, new_name, peek, poke
from tests.guest.root import STATE, run

#: of the guest: for most tests, a small one and a tiny one
DISKS = ("/dev/vdb", "/dev/vdc", "/dev/vdd")
MIB = 1 << 20
BLOCK = 4096
#: a child that hangs dies of another signal than the one that is waited for
_CHILD_SECONDS = 120


def tool(*command):
    """Run a program as this user; it must succeed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}")


def settings(group, **options):
    options = {"volume_group": group, **options}
    return BackendSettings(f"backend-{group}", f"pool-{group}", Path("/tmp"), options)


class VolumeGroups:
    """Mixed into a TestCase: volume groups on the disks of a class."""

    def group(self, disk):
        """An empty volume group on a disk that had another one before."""
        name = f"vg-{new_name()[:8]}"
        run("vgcreate", "--yes", name, disk)
        self.addCleanup(run, "vgremove", "--yes", "--force", name)
        return name

    def driver_on(self, group, **options):
        driver = LVMDriver(settings(group, **options))
        driver.do_setup()
        return driver


class Dying:
    """The root helper's verbs in a process that is killed when it is about to ask for one.

    :param killed_at: a verb, or a name that it is told
    """

    def __init__(self, killed_at):
        self._killed_at = killed_at

    def __getattr__(self, verb):
        return lambda *args, **more: _die_or(
            self._killed_at, (verb, *args),
            lambda: getattr(client.call, verb)(*args, **more),
        )


def _die_or(killed_at, words, go_on):
    if killed_at in words:
        os.kill(os.getpid(), signal.SIGKILL)
    return go_on()


class LvmContract(VolumeGroups, VolumeDriverContract):
    """The contract, and what LVM promises beyond it. ``disk`` is for the driver of all tests of
    the class, ``small_disk`` and ``tiny_disk`` are for one test each."""

    disk = small_disk = tiny_disk = ""
    lvm_type = ""
    #: everything that tests leave, as LVM's tools select it
    removable = ""
    main_group = ""
    parallel = 3

    @classmethod
    def setUpClass(cls):
        cls.main_group = f"vg-{cls.lvm_type}"
        run("vgcreate", "--yes", cls.main_group, cls.disk)
        cls.driver = LVMDriver(settings(cls.main_group, lvm_type=cls.lvm_type))
        cls.driver.do_setup()
        cls.driver.check_for_setup_error()

    def setUp(self):
        super().setUp()
        # an attribute of the instance, for a test may put another driver there
        self.driver = type(self).driver
        self.addCleanup(self.remove_all)

    def addCleanup(self, function, *args, **more):
        # what each test leaves is removed at once: every call costs an emulated processor much
        if function not in (self.driver.delete, self.driver.delete_snapshot):
            super().addCleanup(function, *args, **more)

    def remove_all(self):
        run("lvremove", "--yes", "--force", "--select", self.removable, self.main_group)

    def foreign(self, data):
        name = f"theirs-{new_name()}"
        self.make_foreign(name)
        client.call.test_write(f"/dev/{self.main_group}/{name}", 0, data.hex())
        return {"source-name": name}

    def make_foreign(self, name):
        raise NotImplementedError

    def logical_volumes(self, group=None):
        told = run("lvs", "--noheadings", "-o", "lv_name", group or self.main_group)
        return sorted(told.split())

    def in_a_child(self, killed_at, *call):
        """Call a verb in a process that is killed when it is about to ask for something."""
        child = os.fork()
        if not child:
            try:
                concurrency.after_fork()
                signal.alarm(_CHILD_SECONDS)
                self.die_in(killed_at, *call)
            finally:
                os._exit(1)
        status = os.waitpid(child, 0)[1]
        self.assertEqual(signal.SIGKILL, os.WTERMSIG(status), "it was not killed")

    def die_in(self, killed_at, verb, *args):
        # the connections of the parent are not for its child
        client.configure(STATE)
        driver = LVMDriver(
            settings(self.main_group, lvm_type=self.lvm_type), call=Dying(killed_at),
            execute=lambda *cmd: _die_or(killed_at, cmd, lambda: processutils.execute(*cmd)),
        )
        getattr(driver, verb)(*args)

    def half_make(self, volume):
        self.in_a_child("lvm_untag", "clone", volume, new_name(), 2)

    # -- beyond the contract --------------------------------------------------

    def test_a_volume_that_was_half_made_is_made_again(self):
        name = self.fresh()
        self.in_a_child(self.killed_in_create, "create", name, 1)
        self.driver.create(name, 1)
        self.assertEqual(bytes(MIB), self.head(name, MIB))
        self.assertEqual([], self.driver.clean_temporary())

    def test_a_volume_in_use_is_not_deleted(self):
        name = self.made(1, b"data")
        snapshot = self.kept(name)
        with open(self.driver.source(name).path, "rb"):
            for call in (
                lambda: self.driver.delete(name),
                lambda: self.driver.revert(name, snapshot),
                lambda: self.driver.copy_in(name, self.image("raw", b"image"), 3 * MIB),
            ):
                with self.refused(exceptions.BackendFailed):
                    call()
        self.assertEqual(b"data", self.head(name))

    def test_a_snapshot_of_a_volume_that_is_written_to_is_of_one_moment(self):
        name = self.made()
        path = self.driver.source(name).path
        with tempfile.TemporaryDirectory() as directory:
            stop = Path(directory) / "stop"
            writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(stop)])
            try:
                while sum(self.numbers(Source(path))) == 0:
                    concurrency.sleep(0.1)
                snapshot = self.kept(name)
                copy = self.fresh()
                self.driver.clone(name, copy, 1)
            finally:
                stop.touch()
                writer.wait(20)
        for source in (self.driver.snapshot_source(name, snapshot), self.driver.source(copy)):
            found = sorted(self.numbers(source))
            self.assertEqual(list(range(found[0], found[0] + len(found))), found)
        self.assertEqual(0, writer.returncode)
        latest = max(self.numbers(Source(path)))
        self.assertGreater(latest, max(self.numbers(self.driver.source(copy))))

    def numbers(self, source):
        data = peek(source, 0, _BLOCKS * BLOCK)
        return [int.from_bytes(data[at : at + 8], "big") for at in range(0, len(data), BLOCK)]

    def test_a_snapshot_can_t_be_written_to(self):
        name = self.made(1, b"data")
        source = self.driver.snapshot_source(name, self.kept(name))
        with self.assertRaises(OSError):
            poke(source, 0, b"other")

    def test_what_was_deleted_can_t_be_read_by_the_next(self):
        old = self.made()
        secret = b"secret" * 10000
        for place in (0, 512 * MIB, GIB - len(secret)):
            poke(self.driver.source(old), place, secret)
        kept = self.kept(old)
        poke(self.driver.source(old), 0, bytes(len(secret)))
        where = self.places(old)
        self.driver.delete_snapshot(old, kept)
        self.driver.delete(old)
        new = self.made()
        self.assertEqual(where, self.places(new))
        for place in (0, 512 * MIB, GIB - MIB):
            # a bit of a block that the old one had
            poke(self.driver.source(new), place, b"x")
            self.assertEqual(b"x" + bytes(MIB - 1), self.head(new, MIB, place))

    def places(self, name):
        """Where on its disk a volume may find what others have left."""
        return []

    def test_an_exported_volume(self):
        name = self.made(1, b"data")
        with tempfile.TemporaryDirectory() as directory:
            socket = Path(directory) / "socket"
            daemon = subprocess.Popen(
                [
                    "qemu-storage-daemon", "--blockdev",
                    f"host_device,node-name=disk,filename={self.driver.source(name).path}",
                    "--nbd-server", f"addr.type=unix,addr.path={socket}",
                    "--export", "nbd,id=export,node-name=disk,name=disk,writable=on",
                    "--pidfile", f"{directory}/pid",
                ],
            )
            try:
                while not Path(directory, "pid").exists():
                    self.assertIsNone(daemon.poll())
                    concurrency.sleep(0.05)
                url = f"nbd+unix:///disk?socket={socket}"
                with self.refused(exceptions.BackendFailed):
                    self.driver.delete(name)
                tool("qemu-io", "-f", "raw", "-c", "read -P 0x64 0 1", url)
                snapshot = self.kept(name)
                tool("qemu-io", "-f", "raw", "-c", "write -P 0x7a 0 64k", "-c", "flush", url)
            finally:
                daemon.terminate()
                daemon.wait(10)
        self.assertEqual(b"zzzz", self.head(name))
        self.assertEqual(b"data", peek(self.driver.snapshot_source(name, snapshot), 0, 4))

    def test_nothing_is_left_of_what_has_no_room(self):
        before = self.logical_volumes()
        name = new_name()
        with self.refused(exceptions.BackendFull):
            self.driver.create(name, 100000)
        self.assertEqual(before, self.logical_volumes())

    def test_a_volume_that_is_not_active_is_opened(self):
        name = self.made(1, b"data")
        snapshot = self.kept(name)
        run("vgchange", "--yes", "--activate", "n", self.main_group)
        self.assertEqual(b"data", peek(self.driver.snapshot_source(name, snapshot), 0, 4))
        self.assertEqual(b"data", self.head(name))


#: blocks that a writer goes round
_BLOCKS = 64
#: each block gets the next number, one after the other, and is on the disk before the next one
_WRITER = f"""
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_DSYNC)
number = 0
while number < {_BLOCKS} * 2 or not os.path.exists(sys.argv[2]):
    number += 1
    os.pwrite(fd, number.to_bytes(8, "big") * {BLOCK // 8}, number % {_BLOCKS} * {BLOCK})
"""
