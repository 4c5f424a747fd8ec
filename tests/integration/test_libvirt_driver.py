"""A real guest through the libvirt driver alone."""

import os
import signal

import testtools

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.drivers.base import DriverSettings, PowerState
from mycloud.compute.drivers.loader import load
from mycloud.compute.hypervisor.supervisor import PrivateLibvirtd
from mycloud.disk import processes
from tests.contract.compute_driver import ComputeDriverContract, wait_until
from tests.fixtures.libvirt_host import LibvirtHost


class LibvirtDriverTest(ComputeDriverContract, LibvirtHost, testtools.TestCase):
    def test_config_drive_runs_user_data(self):
        script = b"#!/bin/sh\necho GUEST says hello from user data\n"
        spec = self.boot(config_files={
            "openstack/latest/meta_data.json": b'{"uuid": "the-uuid", "hostname": "tiny"}',
            "openstack/latest/user_data": script,
        })
        self.wait_ready(spec.server_id)
        said = self.driver.console_log(spec.server_id)
        self.assertIn("GUEST config-drive /dev/sr0 uuid=the-uuid hostname=tiny", said)
        self.assertIn("GUEST says hello from user data", said)
        self.assertIn("GUEST user-data exit=0", said)
        # /dev/vda is as large as the flavor says, and QEMU read every disk of it
        self.assertIn(f"GUEST block /dev/vda sectors={(1 << 30) // 512}", said)

    def test_ephemeral_and_swap_disks_are_seen(self):
        spec = self.boot(ephemeral_gb=1, swap_mb=64, config_files=None)
        self.wait_ready(spec.server_id)
        said = self.driver.console_log(spec.server_id)
        self.assertIn(f"GUEST block /dev/vdb sectors={(1 << 30) // 512}", said)
        self.assertIn(f"GUEST block /dev/vdc sectors={(64 << 20) // 512}", said)

    def test_guest_outlives_driver_and_libvirtd(self):
        spec = self.boot()
        me = spec.server_id
        self.wait_ready(me)
        pid = self.pid_of(me)

        with self.subTest("another driver finds it"):
            self.driver.close()
            self.driver = self.start()
            self.assertTrue(self.driver.spawned(me))
            self.assertTrue(self.driver.disk_ready(spec))

        with self.subTest("libvirtd is stopped: the driver says so, and how to help it"):
            self.libvirtd.stop()
            error = self.assertRaises(exceptions.HypervisorUnavailable, self.driver.guests)
            self.assertIn("mycloud up", str(error))
            self.assertTrue(processes.alive(pid))

        with self.subTest("libvirtd is back: the driver is too, events as well"):
            self.libvirtd.start()
            self.assertTrue(self.driver.spawned(me))
            self.assertEqual([], self.events)
            # the serial line still reaches the log
            self.driver.reboot(me, False, self.boot_seconds)
            self.wait_ready(me, 2)
            self.kill_from_outside(me)
            self.assertEqual(PowerState.SHUTDOWN, self.wait_event(me).power_state)

    def test_crashed_libvirtd_is_started_again(self):
        spec = self.boot()
        me = spec.server_id
        os.kill(self.libvirtd.status().libvirtd, signal.SIGKILL)
        wait_until(lambda: self.libvirtd.status().libvirtd is not None, 15, "libvirtd is back")
        wait_until(self.answers, 15, "the driver answers")
        self.assertTrue(self.driver.spawned(me))

    def test_hosts_in_one_process_do_not_see_each_other(self):
        others = {
            "with a libvirtd of its own": DriverSettings(self.root / "b", virt_type="qemu"),
            "on the same libvirtd": DriverSettings(
                self.root / "c", libvirt_uri=self.libvirtd.uri(), virt_type="qemu"
            ),
        }
        seen = []
        self.addCleanup(PrivateLibvirtd(self.root / "b").stop, kill_guests=True)
        drivers = {what: load("libvirt", settings) for what, settings in others.items()}
        for driver in drivers.values():
            self.addCleanup(driver.close)
            driver.init_host("another", seen.append)
        me = self.boot().server_id
        for what, driver in drivers.items():
            with self.subTest(what):
                self.assertEqual([], driver.guests())
                self.assertEqual([], driver.leftovers())
        self.kill_from_outside(me)
        self.wait_event(me)
        self.assertEqual([], seen)

    def test_crashed_virtlogd_is_started_again_for_the_next_guest(self):
        self.boot()
        os.kill(self.libvirtd.status().virtlogd, signal.SIGKILL)
        wait_until(lambda: self.libvirtd.status().virtlogd is None, 5, "virtlogd is dead")
        spec = self.boot()
        self.wait_ready(spec.server_id)
        self.assertIsNotNone(self.libvirtd.status().virtlogd)

    def test_console_is_rotated_and_read_across_its_parts(self):
        script = b"""#!/bin/sh
i=0; while [ $i -lt 2000 ]; do echo "GUEST line $i of a console that is long"; i=$((i+1)); done
"""
        me = self.boot(config_files={
            "openstack/latest/meta_data.json": b"{}", "openstack/latest/user_data": script,
        }).server_id
        self.wait_ready(me)
        directory = self.root / "instances" / me
        sizes = [path.stat().st_size for path in directory.glob("console.log*")]
        self.assertEqual(4, len(sizes))
        self.assertLess(max(sizes), 16384 + 4096)
        lines = [
            int(line.split()[2]) for line in self.driver.console_log(me).splitlines()
            if line.startswith("GUEST line ")
        ]
        self.assertEqual(list(range(lines[1], 2000)), lines[1:])
        self.assertGreater(len(lines), 500)

    def test_guest_that_powers_off_by_itself_is_told(self):
        me = self.boot(config_files={
            "openstack/latest/meta_data.json": b"{}",
            "openstack/latest/user_data": b"#!/bin/sh\npoweroff -f\n",
        }).server_id
        wait_until(lambda: self.events, self.boot_seconds, "the guest is off")
        event = self.wait_event(me)
        self.assertEqual(PowerState.SHUTDOWN, event.power_state)
        self.assertEqual("the guest powered off", event.reason)

    def test_death_while_libvirtd_was_away_is_told_when_it_is_back(self):
        me = self.boot().server_id
        self.libvirtd.stop()
        pid = self.pid_of(me)
        self.kill_from_outside(me)
        self.assertTrue(processes.wait_gone(pid, 5))
        self.libvirtd.start()
        wait_until(lambda: self.events, 5, "an event after the return")
        self.assertEqual(PowerState.SHUTDOWN, self.wait_event(me).power_state)

    def test_guest_that_does_not_hear_the_button_is_cut_off(self):
        me = self.boot().server_id
        started = clock.monotonic()
        # it is in its firmware still
        self.driver.power_off(me, 0.5)
        self.assertLess(clock.monotonic() - started, 5)
        self.assertEqual(PowerState.SHUTDOWN, self.driver.guest(me).power_state)

    def test_calls_do_not_stall_the_others(self):
        longest, last, done = 0.0, clock.monotonic(), concurrency.Event()

        def beat():
            nonlocal longest, last
            while not done.is_set():
                concurrency.sleep(0.01)
                longest, last = max(longest, clock.monotonic() - last), clock.monotonic()

        task = concurrency.spawn(beat)
        spec = self.boot()
        self.driver.destroy(spec.server_id)
        done.set()
        task.wait(5)
        self.assertLess(longest, 0.5)

    def answers(self):
        try:
            self.driver.guests()
        except exceptions.HypervisorUnavailable:
            return False
        return True
