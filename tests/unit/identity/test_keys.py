"""Keys: rotation keeps old tokens readable, and only as long as it should."""

import stat
from pathlib import Path

import fixtures
import testtools
from cryptography import fernet

from mycloud.common import exceptions
from mycloud.identity.keys import KeyRepository


class KeyRepositoryTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.path = Path(self.useFixture(fixtures.TempDir()).path) / "keys"
        self.keys = KeyRepository(self.path)

    def names(self):
        return sorted(int(entry.name) for entry in self.path.iterdir())

    def test_setup_makes_a_staged_and_a_primary_key_for_the_owner_alone(self):
        self.assertTrue(self.keys.setup())
        self.assertEqual([0, 1], self.names())
        self.assertEqual(0o700, stat.S_IMODE(self.path.stat().st_mode))
        for key in self.path.iterdir():
            self.assertEqual(0o600, stat.S_IMODE(key.stat().st_mode))

    def test_setup_again_changes_nothing(self):
        self.keys.setup()
        before = {key.name: key.read_bytes() for key in self.path.iterdir()}
        self.assertFalse(self.keys.setup())
        self.assertEqual(before, {key.name: key.read_bytes() for key in self.path.iterdir()})

    def test_without_keys_the_remedy_is_named(self):
        error = self.assertRaises(exceptions.ConfigError, self.keys.crypto)
        self.assertIn("mycloud-manage fernet setup", error.message)
        self.assertRaises(exceptions.ConfigError, self.keys.rotate, 3)

    def test_a_damaged_key_is_a_config_error(self):
        self.keys.setup()
        (self.path / "1").write_bytes(b"nonsense")
        self.assertRaises(exceptions.ConfigError, KeyRepository(self.path).crypto)

    def test_the_staged_key_becomes_primary(self):
        self.keys.setup()
        staged = (self.path / "0").read_bytes()
        self.assertEqual(2, self.keys.rotate(3))
        self.assertEqual(staged, (self.path / "2").read_bytes())
        self.assertNotEqual(staged, (self.path / "0").read_bytes())
        sealed = self.keys.crypto().encrypt(b"x")
        self.assertEqual(b"x", fernet.Fernet(staged).decrypt(sealed))

    def test_another_process_reads_what_the_next_key_writes_before_it_has_it(self):
        self.keys.setup()
        staged = (self.path / "0").read_bytes()
        self.assertEqual(
            b"x", self.keys.crypto().decrypt(fernet.Fernet(staged).encrypt(b"x"))
        )

    def test_old_keys_read_until_they_are_dropped(self):
        self.keys.setup()
        sealed = self.keys.crypto().encrypt(b"x")
        self.keys.rotate(3)
        self.assertEqual(b"x", self.keys.crypto().decrypt(sealed))
        self.keys.rotate(3)
        self.assertEqual([0, 2, 3], self.names())
        self.assertRaises(fernet.InvalidToken, self.keys.crypto().decrypt, sealed)
