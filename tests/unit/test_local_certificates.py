"""The certificates that ``mycloud up`` makes for the hosts on this machine."""

import stat
import unittest
from pathlib import Path

import fixtures
import testtools
from oslo_config import cfg

from mycloud import conf
from mycloud.cmd import hosts
from mycloud.common import pki
from mycloud.local import certificates
from mycloud.local.layout import Layout
from mycloud.local.settings import Settings


class CertificatesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.layout = Layout(Path(self.useFixture(fixtures.TempDir()).path))
        conf.register_all()
        cfg.CONF([], project="mycloud", default_config_files=[])
        self.addCleanup(cfg.CONF.reset)
        self.addCleanup(cfg.CONF.clear_override, "pki_dir", group="volume")
        self.addCleanup(cfg.CONF.clear_override, "state_path")
        cfg.CONF.set_override("state_path", str(self.layout.state))
        self.told: list[str] = []

    def ensure(self, *names: str, hypervisor: str = "libvirt") -> None:
        settings = Settings(hosts=names, hypervisor=hypervisor)
        certificates.ensure(self.layout, settings, self.told.append)

    def content(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.layout.state.rglob("*.pem")}

    def test_each_host_shows_its_own(self) -> None:
        self.ensure("one", "two")
        for name in ("one", "two"):
            directory = hosts.pki_dir(name)
            subject = pki.certificate_subject(directory / pki.CLIENT_CERTIFICATE)
            self.assertEqual(f"CN={name}", subject)
            self.assertEqual(0o700, stat.S_IMODE(directory.stat().st_mode))
            for path in directory.iterdir():
                self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode), path)
        subject = pki.certificate_subject(self.layout.certificates / pki.SERVER_CERTIFICATE)
        self.assertEqual("CN=one", subject)
        self.assertEqual([], [*self.layout.state.glob("pki/ca-key.pem")])
        before = self.content()
        self.ensure("one", "two")
        self.assertEqual(before, self.content())
        self.assertEqual([], self.told)

    def test_operators_have_their_own(self) -> None:
        cfg.CONF.set_override("pki_dir", "/elsewhere", group="volume")
        self.ensure("one")
        self.assertEqual({}, self.content())
        self.assertEqual(Path("/elsewhere"), hosts.pki_dir("one"))
        cfg.CONF.clear_override("pki_dir", group="volume")
        self.layout.certificates.mkdir()
        self.ensure("one")
        self.assertEqual({}, self.content())
        self.assertEqual(self.layout.certificates, hosts.pki_dir("one"))

    def test_none_for_what_is_no_guest(self) -> None:
        self.ensure("one", hypervisor="fake")
        self.assertEqual({}, self.content())

    def test_a_damaged_authority_is_told(self) -> None:
        self.ensure("one")
        (self.layout.authority / "ca-key.pem").unlink()
        self.ensure("one")
        [told] = self.told
        self.assertIn("the authority's key is missing", told)


if __name__ == "__main__":
    unittest.main()
