"""Key pairs: made here, imported, paged, and whose they are."""

import testtools
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from oslo_config import cfg

from mycloud.compute import ssh_keys
from tests.fixtures.cloud import USER
from tests.fixtures.compute_rows import OTHER_USER, ComputeRows

# made by ssh-keygen, whose -E md5 fingerprint this is
ED25519 = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGK+lESGIVhb5kkHRffMLzQNRRzzT3TLd9oKTrJROvap "
    "someone@somewhere"
)
FINGERPRINT = "f2:2f:65:99:0a:48:61:ed:05:ce:53:83:ac:29:64:bc"


def body(name="mine", **values):
    return {"keypair": {"name": name, **values}}


class KeypairsTest(testtools.TestCase):
    def rows(self):
        return ComputeRows()

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(self.rows())
        self.member, self.admin = self.api.member, self.api.admin
        cfg.CONF.set_override("generated_key_type", ssh_keys.ED25519, group="compute")

    def bring(self, name="mine", who=None, **values):
        wanted = body(name, public_key=ED25519, **values)
        response = (who or self.member).ask("POST", "/os-keypairs", wanted)
        self.assertEqual(201, response.status_int, response.text)
        return response.json["keypair"]

    def test_import(self):
        made = self.bring(type="ssh")
        self.assertEqual(
            {
                "name": "mine", "public_key": ED25519, "fingerprint": FINGERPRINT,
                "type": "ssh", "user_id": USER,
            },
            made,
        )
        shown = self.member.get("/os-keypairs/mine")["keypair"]
        self.assertEqual(made, {name: shown[name] for name in made})
        self.assertIsInstance(shown["id"], int)
        self.assertIs(False, shown["deleted"])
        self.assertIsNone(shown["deleted_at"])

    def test_the_first_version(self):
        response = self.member.ask(
            "POST", "/os-keypairs", body(public_key=ED25519), version="2.1"
        )
        self.assertEqual(200, response.status_int)
        self.assertNotIn("type", response.json["keypair"])
        listed = self.member.get("/os-keypairs", version="2.1")["keypairs"]
        self.assertEqual(
            [{"keypair": {"name": "mine", "public_key": ED25519, "fingerprint": FINGERPRINT}}],
            listed,
        )
        self.assertNotIn("type", self.member.get("/os-keypairs/mine", version="2.1")["keypair"])
        self.assertEqual(202, self.member.status("DELETE", "/os-keypairs/mine", version="2.1"))

    def test_generated_pairs_fit_together(self):
        for kind in (ssh_keys.RSA, ssh_keys.ED25519):
            cfg.CONF.set_override("generated_key_type", kind, group="compute")
            response = self.member.ask("POST", "/os-keypairs", body(kind))
            self.assertEqual(201, response.status_int)
            made = response.json["keypair"]
            private = serialization.load_ssh_private_key if kind == ssh_keys.ED25519 else (
                serialization.load_pem_private_key
            )
            key = private(made["private_key"].encode(), None)
            public = key.public_key().public_bytes(
                serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
            )
            self.assertTrue(made["public_key"].startswith(public.decode()))
            self.assertEqual(ssh_keys.fingerprint(made["public_key"]), made["fingerprint"])
            self.assertNotIn("private_key", self.member.get(f"/os-keypairs/{kind}")["keypair"])

    def test_other_types_of_keys(self):
        key = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        wanted = body(public_key=key.decode() + "\n")
        self.assertEqual(201, self.member.status("POST", "/os-keypairs", wanted))

    def test_bad_keys_and_names(self):
        bad = (
            body(public_key=""), body(public_key="ssh-rsa"), body(public_key="ssh-rsa AAAA"),
            body(public_key="\u00e4" * 50), body(public_key="-----BEGIN RSA PRIVATE KEY-----"),
            body(public_key=f"{ED25519}\n{ED25519}"), body(public_key="a" * 17000),
            body(public_key=None), body(public_key=f"{ED25519}\u0000"),
            body("../key"), body(""), body("n" * 256), body(" x"), body("a\n"), body(None),
            body(type="x509"), body(type="gpg"), body(extra=1), {}, {"keypair": []},
        )
        for wanted in bad:
            self.assertEqual(400, self.member.status("POST", "/os-keypairs", wanted), wanted)
        typed = body(type="ssh")
        self.assertEqual(
            400, self.member.status("POST", "/os-keypairs", typed, version="2.1")
        )

    def test_names_are_taken_once(self):
        self.bring()
        wanted = body(public_key=ED25519)
        self.assertEqual(409, self.member.status("POST", "/os-keypairs", wanted))
        self.bring(who=self.api.stranger)

    def test_delete(self):
        self.bring()
        self.assertEqual(404, self.api.stranger.status("DELETE", "/os-keypairs/mine"))
        self.assertEqual(204, self.member.status("DELETE", "/os-keypairs/mine"))
        self.assertEqual(404, self.member.status("DELETE", "/os-keypairs/mine"))
        self.assertEqual(404, self.member.status("GET", "/os-keypairs/mine"))

    def test_administrators_act_for_others(self):
        query = f"?user_id={OTHER_USER}"
        made = self.bring(who=self.admin, user_id=OTHER_USER)
        self.assertEqual(OTHER_USER, made["user_id"])
        self.assertEqual([], self.admin.get("/os-keypairs")["keypairs"])
        self.assertEqual(1, len(self.admin.get(f"/os-keypairs{query}")["keypairs"]))
        self.assertEqual(1, len(self.api.stranger.get("/os-keypairs")["keypairs"]))
        self.assertEqual(403, self.member.status("GET", f"/os-keypairs/mine{query}"))
        foreign = body("new", user_id=OTHER_USER)
        self.assertEqual(403, self.member.status("POST", "/os-keypairs", foreign))
        self.assertEqual(403, self.member.status("DELETE", f"/os-keypairs/mine{query}"))
        old = self.member.status("GET", f"/os-keypairs{query}", version="2.9")
        self.assertEqual(200, old)
        self.assertEqual(204, self.admin.status("DELETE", f"/os-keypairs/mine{query}"))

    def test_pages(self):
        for index in range(5):
            self.bring(f"k{index}")
        first = self.member.get("/os-keypairs?limit=2")
        self.assertEqual(2, len(first["keypairs"]))
        href = first["keypairs_links"][0]["href"]
        second = self.member.get(href.split("/v2.1", 1)[1])
        self.assertEqual(["k2", "k3"], [one["keypair"]["name"] for one in second["keypairs"]])
        self.assertEqual(400, self.member.status("GET", "/os-keypairs?marker=unknown"))
        unpaged = self.member.get("/os-keypairs?limit=2", version="2.34")
        self.assertEqual(5, len(unpaged["keypairs"]))

    def test_quota(self):
        cfg.CONF.set_override("key_pairs", 1, group="quota")
        self.bring()
        response = self.member.ask("POST", "/os-keypairs", body("two", public_key=ED25519))
        self.assertEqual(403, response.status_int)
        self.assertIn("Quota exceeded for key_pairs", response.json["forbidden"]["message"])
        self.bring("two", who=self.api.stranger)
