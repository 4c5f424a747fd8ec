"""The authority of the cloud's hosts, as openssl sees it."""

import datetime
import subprocess
import unittest
from pathlib import Path

import fixtures
import testtools
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mycloud.common import clock, exceptions, pki
from mycloud.compute.connectors import this_host

FILES = {
    "ca-cert.pem", "server-cert.pem", "server-key.pem", "client-cert.pem", "client-key.pem",
    "dh-params.pem",
}


class PkiTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path) / "authority"

    def verify(self, bundle, role, purpose, *more):
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", bundle / "ca-cert.pem", "-purpose",
             purpose, *more, bundle / f"{role}-cert.pem"],
            capture_output=True, text=True, check=False,
        )
        return done.returncode == 0

    def pass_time(self, days):
        then = clock.now() + datetime.timedelta(days=days)
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.now", lambda: then))

    def test_a_bundle(self):
        bundle = pki.ensure_host(self.root, "node-1", ["127.0.0.1", "::1", "node-1.example"])
        self.assertEqual(FILES, {path.name for path in bundle.iterdir()})
        self.assertTrue(self.verify(bundle, "server", "sslserver", "-verify_ip", "127.0.0.1"))
        self.assertTrue(self.verify(bundle, "server", "sslserver", "-verify_ip", "::1"))
        for name in ("node-1", "node-1.example"):
            self.assertTrue(self.verify(bundle, "server", "sslserver", "-verify_hostname", name))
        self.assertFalse(self.verify(bundle, "server", "sslserver", "-verify_hostname", "node-2"))
        self.assertTrue(self.verify(bundle, "client", "sslclient"))
        self.assertFalse(self.verify(bundle, "client", "sslserver"))
        self.assertFalse(self.verify(bundle, "server", "sslclient"))

    def test_parameters(self):
        bundle = pki.ensure_host(self.root, "node-1")
        said = subprocess.run(
            ["openssl", "dhparam", "-in", bundle / "dh-params.pem", "-check", "-text", "-noout"],
            capture_output=True, text=True, check=True,
        )
        self.assertIn("ffdhe2048", said.stdout)
        self.assertIn("appear to be ok", said.stderr)

    def test_keys_are_for_this_user_and_the_authoritys_stays(self):
        bundle = pki.ensure_host(self.root, "node-1")
        for path in self.root.rglob("*"):
            if path.is_dir():
                self.assertEqual(0o700, path.stat().st_mode & 0o777, path.name)
            if path.name.endswith("-key.pem"):
                self.assertEqual(0o600, path.stat().st_mode & 0o777, path.name)
        key = (self.root / "ca-key.pem").read_bytes()
        self.assertFalse(any(path.read_bytes() == key for path in bundle.iterdir()))

    def test_what_is_good_is_kept(self):
        def look():
            return {path: path.read_bytes() for path in self.root.rglob("*.pem")}

        pki.ensure_host(self.root, "node-1", ["10.0.0.1"])
        before = look()
        self.assertEqual(8, len(before))
        pki.ensure_host(self.root, "node-1", ["10.0.0.1"])
        self.assertEqual(before, look())

    def test_renewed_in_time_with_the_same_key(self):
        bundle = pki.ensure_host(self.root, "node-1")
        file, key = bundle / "server-cert.pem", (bundle / "server-key.pem").read_bytes()
        before, left = file.read_bytes(), pki.days_left(bundle / "server-cert.pem")
        self.pass_time(left - 31)
        pki.ensure_host(self.root, "node-1")
        self.assertEqual(before, file.read_bytes())
        self.pass_time(3)
        pki.ensure_host(self.root, "node-1")
        self.assertNotEqual(before, file.read_bytes())
        self.assertEqual(key, (bundle / "server-key.pem").read_bytes())
        self.assertLess(365, pki.days_left(file))

    def test_another_address_or_authority_is_another_certificate(self):
        bundle = pki.ensure_host(self.root, "node-1", ["10.0.0.1"])
        before = (bundle / "server-cert.pem").read_bytes()
        pki.ensure_host(self.root, "node-1", ["10.0.0.2"])
        after = (bundle / "server-cert.pem").read_bytes()
        self.assertNotEqual(before, after)
        for name in ("ca-cert.pem", "ca-key.pem"):
            (self.root / name).unlink()
        pki.ensure_host(self.root, "node-1", ["10.0.0.2"])
        self.assertTrue(self.verify(bundle, "server", "sslserver"))

    def test_a_crash_while_the_authority_is_made(self):
        self.root.mkdir()
        (self.root / "ca-key.pem").write_text("half")
        bundle = pki.ensure_host(self.root, "node-1")
        self.assertTrue(self.verify(bundle, "server", "sslserver"))
        (self.root / "ca-key.pem").unlink()
        self.assertRaises(exceptions.CertificatesBroken, pki.ensure_host, self.root, "node-1")

    def test_names_that_are_none(self):
        for name in ("", "a/b", "../a", "a,CN=b", "a b", "x" * 65, ".", "a\n"):
            self.assertRaises(exceptions.CertificatesBroken, pki.ensure_host, self.root, name)
            if name:
                self.assertRaises(
                    exceptions.CertificatesBroken, pki.ensure_host, self.root, "node-1", [name]
                )

    def test_subject(self):
        bundle = pki.ensure_host(self.root, "node-1")
        for role in ("server", "client"):
            self.assertEqual("CN=node-1", pki.certificate_subject(bundle / f"{role}-cert.pem"))
        self.assertEqual(
            "CN=node-1", this_host.connector("node-1", "127.0.0.1", bundle)["certificate_subject"]
        )
        (bundle / "client-cert.pem").write_text("x")
        self.assertRaises(
            exceptions.CertificatesBroken, pki.certificate_subject, bundle / "client-cert.pem"
        )

    def test_subject_in_the_order_of_the_certificate(self):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mycloud"),
            x509.NameAttribute(NameOID.COMMON_NAME, "node-1, x+y"),
        ])
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(1)
            .not_valid_before(clock.now())
            .not_valid_after(clock.now() + datetime.timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        self.root.mkdir()
        file = self.root / "cert.pem"
        file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        # what QEMU 7.2 lets in
        self.assertEqual("O=mycloud,CN=node-1\\, x\\+y", pki.certificate_subject(file))


if __name__ == "__main__":
    unittest.main()
