"""KVM is chosen only where a guest booted in it; QEMU is a script of ours here."""

from pathlib import Path

import fixtures
import testtools

from mycloud.compute.drivers import hostinfo
from mycloud.compute.hypervisor import proof


class KvmProofTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.state, self.boot = self.root / "state", self.root / "boot"
        self.boot.mkdir()
        self.device = self.root / "kvm"
        self.device.touch()
        self.bin = self.root / "bin"
        self.bin.mkdir()
        self.useFixture(fixtures.EnvironmentVariable("PATH", f"{self.bin}:/usr/bin:/bin"))
        self.qemu("echo GUEST READY")
        for name in ("vmlinuz", "initrd.img"):
            (self.boot / name).touch()

    def qemu(self, does, version="7"):
        script = self.bin / f"qemu-system-{hostinfo.architecture()}"
        script.write_text(
            f"#!/bin/sh\n[ $1 != --version ] || {{ echo version {version}; exit; }}\n"
            f"echo run >> {self.root}/runs\n{does}\n"
        )
        script.chmod(0o755)

    def runs(self):
        path = self.root / "runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def prove(self):
        return proof.virt_type(self.state, self.boot, device=self.device, deadline=0.5)

    def test_guest_that_boots_proves_it_once(self):
        self.assertEqual(proof.KVM, self.prove().virt_type)
        self.assertEqual(proof.KVM, self.prove().virt_type)
        self.assertEqual(1, self.runs())

    def test_guest_that_hangs_does_not(self):
        self.qemu("exec sleep 60")
        found = self.prove()
        self.assertEqual(proof.TCG, found.virt_type)
        self.assertIn("did not boot in KVM within 0.5 s", found.reason)
        self.assertEqual(found, self.prove())
        self.assertEqual(1, self.runs())

    def test_guest_that_says_nothing_does_not(self):
        self.qemu("exit 0")
        self.assertEqual(proof.TCG, self.prove().virt_type)

    def test_qemu_that_fails_gives_its_reason(self):
        self.qemu("echo 'no such accelerator' >&2; exit 1")
        found = self.prove()
        self.assertEqual(proof.TCG, found.virt_type)
        self.assertIn("no such accelerator", found.reason)

    def test_another_qemu_is_tried_again(self):
        self.qemu("exit 1")
        self.assertEqual(proof.TCG, self.prove().virt_type)
        self.qemu("echo GUEST READY", version="8")
        self.assertEqual(proof.KVM, self.prove().virt_type)

    def test_another_boot_of_the_machine_is_tried_again(self):
        self.prove()
        path = self.state / "kvm-proof.json"
        boot_id = proof.recall(self.state).boot_id
        path.write_text(path.read_text().replace(boot_id, "another"))
        self.prove()
        self.assertEqual(2, self.runs())

    def test_without_a_guest_nothing_is_remembered(self):
        (self.boot / "vmlinuz").unlink()
        self.assertEqual(proof.TCG, self.prove().virt_type)
        self.assertIsNone(proof.recall(self.state))
        (self.boot / "vmlinuz").touch()
        self.assertEqual(proof.KVM, self.prove().virt_type)

    def test_without_the_device(self):
        self.device.unlink()
        self.assertIn("no /dev/kvm", self.prove().reason)
        self.assertEqual(0, self.runs())

    def test_what_was_remembered_is_torn(self):
        self.state.mkdir()
        (self.state / "kvm-proof.json").write_text('{"virt')
        self.assertEqual(proof.KVM, self.prove().virt_type)
