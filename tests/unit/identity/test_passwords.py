"""Passwords and secrets: the whole of them counts."""

import fixtures
import testtools
from oslo_config import cfg

from mycloud import conf
from mycloud.identity import passwords


class PasswordTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        conf.register_all()
        cfg.CONF([], project="mycloud", default_config_files=[])
        self.addCleanup(cfg.CONF.reset)
        cfg.CONF.set_override("bcrypt_rounds", 4, group="identity")
        self.addCleanup(cfg.CONF.clear_override, "bcrypt_rounds", group="identity")

    def test_right_and_wrong(self):
        hashed = passwords.hash_password("secret")
        self.assertTrue(passwords.verify("secret", hashed))
        self.assertFalse(passwords.verify("Secret", hashed))
        self.assertNotEqual(hashed, passwords.hash_password("secret"))

    def test_the_cost_is_an_option(self):
        self.assertIn("$04$", passwords.hash_password("x"))
        cfg.CONF.set_override("bcrypt_rounds", 5, group="identity")
        self.assertIn("$05$", passwords.hash_password("x"))

    def test_characters_beyond_72_bytes_count(self):
        hashed = passwords.hash_password("x" * 100)
        self.assertTrue(passwords.verify("x" * 100, hashed))
        self.assertFalse(passwords.verify("x" * 99 + "y", hashed))

    def test_nobody_costs_a_comparison_too(self):
        compared = []
        check = passwords.bcrypt.checkpw

        def recorded(*args):
            compared.append(args)
            return check(*args)

        self.useFixture(
            fixtures.MonkeyPatch("mycloud.identity.passwords.bcrypt.checkpw", recorded)
        )
        self.assertFalse(passwords.verify("nobody has this password", None))
        self.assertEqual(1, len(compared))

    def test_a_made_secret_is_checked_fast(self):
        verifier = passwords.SecretVerifier()
        secret = passwords.new_secret()
        hashed = passwords.hash_new_secret(secret)
        self.assertTrue(verifier.verify(secret, hashed))
        self.assertFalse(verifier.verify(secret + "x", hashed))

    def test_a_brought_secret_is_hashed_slowly_once(self):
        verifier = passwords.SecretVerifier()
        hashed = passwords.hash_password("weak")
        self.assertTrue(verifier.verify("weak", hashed))
        self.useFixture(
            fixtures.MonkeyPatch("mycloud.identity.passwords.verify", lambda *args: False)
        )
        self.assertTrue(verifier.verify("weak", hashed))
        self.assertFalse(verifier.verify("wrong", hashed))
        # another hash of the same secret is not known
        self.assertFalse(verifier.verify("weak", hashed + "x"))
