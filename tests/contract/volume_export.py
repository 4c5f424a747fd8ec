"""What every protocol must do that gives volumes to hosts.

A test class mixes this in and gives ``make()`` and ``connector``; ``client_options`` for its
clients. Clients are QEMU's own.
"""

import os
import signal
import tempfile
from pathlib import Path

import fixtures

from mycloud.common import clock, exceptions
from mycloud.disk import processes, qemu_img
from mycloud.volume.drivers.base import Source
from mycloud.volume.exports.base import Exporter
from tests.fixtures.disk_client import DiskClient, command_lines

MIB = 1 << 20
SIZE = 16 * MIB


class VolumeExportContract:
    """Mixed into a testtools.TestCase."""

    exporter: Exporter
    #: what the tests of processes need; None: this protocol has none
    pid_file: str | None = "pid"
    #: of ``data``: what nobody may see, and what must fit together with it
    secrets: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def make(self) -> Exporter:
        raise NotImplementedError

    def connector(self, host="host-of-test"):
        raise NotImplementedError

    def client_options(self, data):
        return {}

    # -- means --------------------------------------------------------------

    def set_up(self):
        self.root = Path(self.useFixture(fixtures.TempDir(tempfile.gettempdir())).path)
        self.log = self.useFixture(fixtures.FakeLogger(level=0))
        self.exporter = self.make()
        self.addCleanup(self._remove_all)

    def _remove_all(self):
        keys = self.exporter.keys()
        for key in keys:
            self.exporter.remove(key)

    def raw(self, name="volume.raw", size=SIZE):
        path = self.root / name
        with path.open("wb") as file:
            file.truncate(size)
        return Source(path)

    def qcow2(self, name="volume.qcow2", size=SIZE):
        qemu_img.create_empty(self.root / name, size)
        return Source(self.root / name, "qcow2")

    def ensure(self, key, source, *, connector=None, read_only=False, shared=False):
        return self.exporter.ensure(
            key, source, connector or self.connector(), read_only=read_only, shared=shared
        )

    def client(self, data, *, read_only=False, **how):
        how = {**self.client_options(data), **how}
        return self.useFixture(DiskClient(data, read_only=read_only, **how))

    def pid(self, key):
        text = (self.exporter.settings.state_dir / key / self.pid_file).read_text()
        return int(text)

    def refused(self, key, source, **how):
        return self.assertRaises(exceptions.ExportFailed, self.ensure, key, source, **how)

    # -- promises -----------------------------------------------------------

    def test_twice_is_once(self):
        key, source = clock.new_id(), self.raw()
        data = self.ensure(key, source)
        pid = self.pid(key) if self.pid_file else None
        self.assertEqual(data, self.ensure(key, source))
        self.assertEqual([key], self.exporter.keys())
        self.assertTrue(self.exporter.alive(key))
        if self.pid_file:
            self.assertEqual(pid, self.pid(key))

    def test_bytes_go_through(self):
        source = self.raw()
        client = self.client(self.ensure(clock.new_id(), source))
        self.assertTrue(client.opened, client.output)
        self.assertTrue(client.holds(0, 0, SIZE))
        self.assertTrue(client.write(0x5A, MIB, 8192))
        self.assertTrue(client.holds(0x5A, MIB, 8192))
        client.command("flush")
        self.assertEqual(b"\x5a" * 8192, source.path.read_bytes()[MIB:MIB + 8192])
        self.assertEqual("16 MiB", client.size())

    def test_qcow2_is_read_as_what_it_is(self):
        source = self.qcow2()
        client = self.client(self.ensure(clock.new_id(), source))
        self.assertEqual("16 MiB", client.size(), client.output)
        self.assertTrue(client.write(0x5A, MIB, 8192))
        self.assertTrue(client.holds(0x5A, MIB, 8192))

    def test_raw_bytes_that_look_like_qcow2_stay_raw(self):
        source = self.raw()
        header = self.qcow2("other.qcow2", 64 * MIB).path.read_bytes()
        with source.path.open("r+b") as file:
            file.write(header)
        self.assertEqual("16 MiB", self.client(self.ensure(clock.new_id(), source)).size())

    def test_found_again_by_the_next_life(self):
        key, source = clock.new_id(), self.raw()
        data = self.ensure(key, source)
        self.exporter = self.make()
        self.assertEqual([key], self.exporter.keys())
        self.assertTrue(self.exporter.alive(key))
        self.assertEqual([], self.exporter.revive())
        self.assertEqual(data, self.ensure(key, source))
        self.exporter.remove(key)
        self.assertFalse(self.exporter.alive(key))

    def test_remove_twice(self):
        key = clock.new_id()
        self.ensure(key, self.raw())
        pid = self.pid(key) if self.pid_file else None
        self.exporter.remove(key)
        self.exporter.remove(key)
        self.exporter.remove(clock.new_id())
        self.assertEqual([], self.exporter.keys())
        self.assertFalse(self.exporter.alive(key))
        self.assertFalse((self.exporter.settings.state_dir / key).exists())
        if pid is not None:
            self.assertFalse(Path(f"/proc/{pid}").exists() and command_line(pid))

    def test_keys_that_are_paths_are_refused(self):
        for key in ("../x", "", ".locks", "a/b"):
            self.assertRaises(ValueError, self.exporter.remove, key)
            self.assertRaises(ValueError, self.ensure, key, self.raw())

    def test_records_are_for_this_user_alone(self):
        key = clock.new_id()
        self.ensure(key, self.raw())
        directory = self.exporter.settings.state_dir / key
        self.assertEqual(0o700, directory.stat().st_mode & 0o777)
        self.assertEqual(0o700, directory.parent.stat().st_mode & 0o777)
        for path in directory.iterdir():
            if path.is_file():
                self.assertEqual(0, path.stat().st_mode & 0o077, path.name)


class ServedExportContract(VolumeExportContract):
    """Of protocols with a process."""

    def secrets_in(self, data):
        return [data[name] for name in self.secrets]

    def test_read_only_is_so(self):
        source = self.raw()
        data = self.ensure(clock.new_id(), source, read_only=True)
        client = self.client(data)
        if client.opened:
            self.assertFalse(client.write(1, 0, 4096))
        client = self.client(data, read_only=True)
        self.assertTrue(client.holds(0, 0, 4096), client.output)
        self.assertFalse(any(source.path.read_bytes()))

    def test_a_missing_source_leaves_nothing(self):
        key = clock.new_id()
        error = self.refused(key, Source(self.root / "missing"))
        self.assertNotIn(str(self.root), error.message)
        self.assertEqual([], self.exporter.keys())

    def test_killed_and_revived(self):
        key, source = clock.new_id(), self.raw()
        data = self.ensure(key, source)
        client = self.client(data)
        self.assertTrue(client.write(0x11, 0, 65536))
        os.kill(self.pid(key), signal.SIGKILL)
        self.wait_dead(key)
        self.assertFalse(self.exporter.alive(key))
        self.assertEqual([key], self.exporter.keys())
        self.assertEqual([key], self.exporter.revive())
        self.assertTrue(self.exporter.alive(key))
        self.assertEqual(data, self.ensure(key, source))
        self.assertTrue(client.holds(0x11, 0, 65536), client.output)
        self.assertTrue(client.write(0x12, 65536, 4096))
        self.assertTrue(self.client(data).holds(0x12, 65536, 4096))

    def test_killed_and_ensured(self):
        key, source = clock.new_id(), self.raw()
        data = self.ensure(key, source)
        os.kill(self.pid(key), signal.SIGKILL)
        self.assertEqual(data, self.ensure(key, source))
        self.assertTrue(self.client(data).opened)

    def test_hung_and_removed(self):
        key = clock.new_id()
        self.ensure(key, self.raw())
        pid = self.pid(key)
        os.kill(pid, signal.SIGSTOP)
        self.exporter.remove(key)
        self.assertFalse(command_line(pid))
        self.assertEqual([], self.exporter.keys())

    def test_dead_and_removed(self):
        key = clock.new_id()
        self.ensure(key, self.raw())
        os.kill(self.pid(key), signal.SIGKILL)
        self.exporter.remove(key)
        self.assertEqual([], self.exporter.keys())

    def test_halted_and_revived(self):
        key = clock.new_id()
        source = self.raw()
        before = self.ensure(key, source)
        self.assertEqual(1, self.exporter.halt())
        self.assertFalse(self.exporter.alive(key))
        self.assertEqual(0, self.exporter.halt())
        self.assertEqual([key], self.exporter.revive())
        self.assertEqual(before, self.ensure(key, source))
        self.exporter.remove(key)

    def test_half_begun_and_removed(self):
        key = clock.new_id()
        (self.exporter.settings.state_dir / key).mkdir(parents=True)
        self.assertFalse(self.exporter.alive(key))
        self.assertEqual([], self.exporter.revive())
        self.exporter.remove(key)
        self.assertEqual([], self.exporter.keys())

    def test_removed_under_a_client(self):
        key = clock.new_id()
        data = self.ensure(key, self.raw())
        client = self.client(data, reconnect=0)
        self.assertTrue(client.write(1, 0, 4096))
        self.exporter.remove(key)
        self.assertFalse(self.exporter.alive(key))
        self.assertFalse(self.client(data, reconnect=0).opened)

    def test_two_do_not_share_by_accident(self):
        source, one, two = self.raw(), clock.new_id(), clock.new_id()
        self.ensure(one, source)
        self.refused(two, source)
        self.assertEqual([one], self.exporter.keys())
        self.exporter.remove(one)
        self.ensure(two, source)

    def test_two_share_when_told_to(self):
        source = self.raw()
        one, two = clock.new_id(), clock.new_id()
        clients = [self.client(self.ensure(key, source, shared=True)) for key in (one, two)]
        self.assertTrue(clients[0].write(0x21, 0, 4096))
        self.assertTrue(clients[1].holds(0x21, 0, 4096))
        self.assertTrue(clients[1].write(0x22, 4096, 4096))
        self.assertTrue(clients[0].holds(0x22, 4096, 4096))
        self.refused(clock.new_id(), source)

    def test_another_name_is_refused(self):
        key, other = clock.new_id(), clock.new_id()
        data = self.ensure(key, self.raw())
        theirs = self.ensure(other, self.raw("other.raw"))
        for name in self.secrets + self.names:
            self.assertNotEqual(data[name], theirs[name])
            self.assertFalse(self.client({**data, name: theirs[name]}).opened, name)
        self.assertTrue(self.client(data).opened)

    def test_a_name_serves_one_attachment_once(self):
        key, source = clock.new_id(), self.raw()
        before = self.ensure(key, source)
        self.exporter.remove(key)
        after = self.ensure(key, source)
        for name in self.secrets:
            self.assertNotEqual(before[name], after[name])
        self.assertFalse(self.client({**after, **{n: before[n] for n in self.secrets}}).opened)

    def test_another_source_under_the_key_is_another_export(self):
        key = clock.new_id()
        before = self.ensure(key, self.raw())
        after = self.ensure(key, self.raw("other.raw"))
        for name in self.secrets:
            self.assertNotEqual(before[name], after[name])

    def test_secrets_are_nowhere_to_be_seen(self):
        key, source = clock.new_id(), self.raw()
        data = self.ensure(key, source)
        found = self.secrets_in(data)
        self.assertNotEqual([], found)
        os.kill(self.pid(key), signal.SIGKILL)
        self.exporter.revive()
        lines, environments = command_lines(), Path(f"/proc/{self.pid(key)}/environ").read_bytes()
        self.exporter.remove(key)
        for secret in found:
            self.assertNotIn(secret.encode(), lines)
            self.assertNotIn(secret.encode(), environments)
            self.assertNotIn(secret, self.log.output)
        self.assertNotEqual(b"", lines)

    def wait_dead(self, key):
        self.assertTrue(processes.wait_gone(self.pid(key), 5), "a killed process ends")


def command_line(pid):
    """Of a process; nothing once it has ended, even as a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
