"""Tokens say what was put into them, and nothing else passes for one."""

import datetime

import fixtures
import testtools
from oslo_config import cfg

from mycloud import conf
from mycloud.common import clock, exceptions
from mycloud.identity import keys, tokens
from mycloud.identity.tokens import DOMAIN, PROJECT, SYSTEM, UNSCOPED, Scope

USER = "0123456789abcdef0123456789abcdef"


class TokenTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        conf.register_all()
        cfg.CONF([], project="mycloud", default_config_files=[])
        self.addCleanup(cfg.CONF.reset)
        path = self.useFixture(fixtures.TempDir()).path
        cfg.CONF.set_override("state_path", path)
        self.addCleanup(cfg.CONF.clear_override, "state_path")
        keys.token_keys().setup()

    def test_what_is_written_is_read(self):
        for scope in (
            UNSCOPED,
            Scope(PROJECT, clock.new_hex_id()),
            Scope(DOMAIN, "default"),
            Scope(SYSTEM),
        ):
            token = tokens.new(USER, ("password", "token"), scope)
            self.assertEqual(token, tokens.read(tokens.write(token)))

    def test_ids_of_any_form_survive(self):
        # upper case hex and 32 characters that are no hex must not be packed
        for user_id in ("x" * 32, "A" * 32, "u", "é" * 20):
            token = tokens.new(user_id, ("password",), UNSCOPED)
            self.assertEqual(user_id, tokens.read(tokens.write(token)).user_id)

    def test_the_application_credential_is_kept(self):
        token = tokens.new(
            USER,
            ("application_credential",),
            Scope(PROJECT, USER),
            application_credential_id=clock.new_hex_id(),
        )
        self.assertEqual(token, tokens.read(tokens.write(token)))

    def test_a_token_is_short(self):
        token = tokens.new(USER, ("password",), Scope(PROJECT, clock.new_hex_id()))
        self.assertLess(len(tokens.write(token)), 255)

    def test_nonsense_is_no_token(self):
        good = tokens.write(tokens.new(USER, ("password",), UNSCOPED))
        changed = good[:40] + ("A" if good[40] != "A" else "B") + good[41:]
        for text in ("", "x", "gAAAA", "é", "=" * 20, "A" * 5000, changed, good[:-1], "\x00"):
            self.assertRaises(exceptions.TokenInvalid, tokens.read, text)

    def test_a_rescoped_token_lives_no_longer_and_keeps_the_chain(self):
        first = tokens.new(USER, ("password",), UNSCOPED)
        second = tokens.new(USER, ("token",), UNSCOPED, parent=first)
        third = tokens.new(USER, ("token",), UNSCOPED, parent=second)
        self.assertEqual(first.expires_at, third.expires_at)
        self.assertEqual(first.audit_ids[0], third.audit_ids[1])
        self.assertNotEqual(second.audit_ids[0], third.audit_ids[0])

    def test_it_expires(self):
        token = tokens.new(USER, ("password",), UNSCOPED)
        self.assertFalse(token.expired)
        later = token.expires_at + datetime.timedelta(seconds=1)
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.now", lambda: later))
        self.assertTrue(token.expired)
