"""Requests for certificates: good ones, and every kind that is refused."""

import subprocess
import unittest
from pathlib import Path

import fixtures
import testtools
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from mycloud.common import exceptions, pki, pki_requests


def request(key, *names, san=None, sign=None, digest=hashes.SHA256):
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    )
    if san is not None:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False
        )
    made = builder.sign(key, digest() if digest else None)
    return made.public_bytes(serialization.Encoding.PEM).decode()


CN = (NameOID.COMMON_NAME, "node1")


class RequestsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path) / "authority"

    def refused(self, pem, words):
        error = self.assertRaises(
            exceptions.BadField, pki_requests.key_of, pem, "node1", "requests.server"
        )
        self.assertIn("requests.server", error.message)
        self.assertIn(words, error.message)

    def test_openssl_takes_what_is_signed(self):
        key = pki.new_key()
        public = pki_requests.key_of(pki_requests.make("node1", key), "node1", "x")
        made = pki.certify(self.root, "node1", {"server": public, "client": public}, ["10.0.0.2"])
        authority = (self.root / pki.CA_CERTIFICATE).read_bytes()
        files = pki.bundle_files(made, authority)
        self.assertEqual(
            {"ca-cert.pem", "server-cert.pem", "client-cert.pem", "dh-params.pem"}, set(files)
        )
        for name, content in files.items():
            (self.root / name).write_bytes(content)
        for role, purpose in (("server", "sslserver"), ("client", "sslclient")):
            subprocess.run(
                ["openssl", "verify", "-x509_strict", "-CAfile", self.root / "ca-cert.pem",
                 "-purpose", purpose, "-verify_ip", "10.0.0.2", self.root / f"{role}-cert.pem"],
                check=True, capture_output=True,
            )
        self.assertEqual(
            "CN=node1", pki.certificate_subject(self.root / "client-cert.pem")
        )

    def test_rsa(self):
        key = rsa.generate_private_key(65537, 2048)
        pki_requests.key_of(request(key, CN), "node1", "x")

    def test_bad_names(self):
        key = pki.new_key()
        self.refused(request(key), "CN=node1")
        self.refused(request(key, (NameOID.COMMON_NAME, "node2")), "CN=node1")
        self.refused(request(key, CN, (NameOID.ORGANIZATION_NAME, "x")), "CN=node1")
        self.refused(request(key, CN, CN), "CN=node1")

    def test_extensions(self):
        self.refused(request(pki.new_key(), CN, san="other"), "extensions")

    def test_weak_keys(self):
        self.refused(request(rsa.generate_private_key(65537, 1024), CN), "1024 bits")
        self.refused(request(ec.generate_private_key(ec.SECP224R1()), CN), "224 bits")
        self.refused(request(ed25519.Ed25519PrivateKey.generate(), CN, digest=None), "signed")

    def test_not_the_holder_of_the_key(self):
        one, other = (request(pki.new_key(), CN) for _ in "ab")
        der = x509.load_pem_x509_csr(one.encode()).public_bytes(serialization.Encoding.DER)
        signature = x509.load_pem_x509_csr(other.encode()).signature
        own = x509.load_pem_x509_csr(one.encode()).signature
        if len(own) != len(signature):
            signature = own[:-1] + bytes([own[-1] ^ 1])
        forged = x509.load_der_x509_csr(der.replace(own, signature))
        pem = forged.public_bytes(serialization.Encoding.PEM).decode()
        self.refused(pem, "not signed by the key")

    def test_nonsense(self):
        for pem in ("", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", "é"):
            self.refused(pem, "no certificate request")

    def test_signatures(self):
        key = pki.new_key()
        words = {"action": "leave", "name": "node1"}
        signature = pki_requests.signature(pki.key_pem(key), words)
        public = pki_requests.public_pem(key.public_key())
        self.assertTrue(pki_requests.signed_by(public, words, signature))
        other = pki_requests.public_pem(pki.new_key().public_key())
        for held, said, given in (
            (other, words, signature),
            (public, {**words, "name": "node2"}, signature),
            (public, words, "AAAA"),
            (public, words, "%"),
        ):
            self.assertFalse(pki_requests.signed_by(held, said, given))


if __name__ == "__main__":
    unittest.main()
