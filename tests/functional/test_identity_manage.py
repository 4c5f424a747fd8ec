"""mycloud-manage bootstrap and fernet, as an operator calls them."""

import os
import subprocess
import sys
from pathlib import Path

import fixtures
import testtools
from oslo_config import cfg

from mycloud import conf
from mycloud.common import context
from mycloud.db import engine
from mycloud.identity import login


class ManageTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.state = Path(self.useFixture(fixtures.TempDir()).path)
        self.config = self.state / "mycloud.conf"
        self.url = f"sqlite:///{self.state}/mycloud.db"
        self.config.write_text(
            f"[DEFAULT]\nstate_path = {self.state}\n[database]\nconnection = {self.url}\n"
            "[identity]\nbcrypt_rounds = 4\n"
        )

    def run_command(self, *words, password=""):
        """(exit status, standard output, standard error)"""
        done = subprocess.run(
            [sys.executable, "-m", "mycloud.cmd.manage", "--config-file", self.config, *words],
            env={**os.environ, "MYCLOUD_BOOTSTRAP_PASSWORD": password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def log_in(self, password):
        user = {"name": "root", "domain": {"name": "Default"}, "password": password}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "top", "domain": {"id": "default"}}}
        with context.role(context.API):
            return login.log_in({"identity": identity, "scope": scope}).subject

    def test_bootstrap(self):
        self.assertEqual(0, self.run_command("db", "sync")[0])
        words = ("bootstrap", "--username", "root", "--project", "top")
        status, _, error = self.run_command(*words)
        self.assertEqual(2, status)
        self.assertIn("MYCLOUD_BOOTSTRAP_PASSWORD", error)
        status, user_id, _ = self.run_command(*words, "--password", "pw")
        self.assertEqual(0, status)
        conf.register_all()
        cfg.CONF([], project="mycloud", default_config_files=[str(self.config)])
        self.addCleanup(cfg.CONF.reset)
        engine.configure(self.url)
        self.addCleanup(engine.unconfigure)
        self.assertEqual(user_id, self.log_in("pw").user.id)
        status, again, _ = self.run_command(*words, password="new")
        self.assertEqual((0, user_id), (status, again))
        self.assertIn("admin", self.log_in("new").role_names)

    def test_keys(self):
        status, _, error = self.run_command("fernet", "rotate")
        self.assertEqual(1, status)
        self.assertIn("fernet setup", error)
        self.assertIn("made", self.run_command("fernet", "setup")[1])
        self.assertIn("kept", self.run_command("fernet", "setup")[1])
        self.assertEqual((0, "2"), self.run_command("fernet", "rotate")[:2])
        keys = {entry.name for entry in (self.state / "fernet-keys").iterdir()}
        self.assertEqual({"0", "1", "2"}, keys)
