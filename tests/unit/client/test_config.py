"""Which cloud, as whom: the precedence of arguments, clouds.yaml and variables."""

import os
from pathlib import Path

import fixtures
import testtools

from mycloud.client import auth, config, errors

CLOUDS = """
clouds:
  one:
    region_name: here
    verify: false
    auth:
      auth_url: http://one.test/identity
      username: anna
      password: secret
      project_name: demo
  two:
    cacert: /ca.pem
    interface: internalURL
    auth:
      auth_url: http://two.test/identity/v3
      username: bert
      project_id: p2
"""


class ConfigTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        # a place with no clouds.yaml of its own
        self.useFixture(_WorkingFolder(self.folder))
        self.environ = {"HOME": str(self.folder)}
        self.file = self.folder / ".config" / "openstack" / "clouds.yaml"
        self.file.parent.mkdir(parents=True)

    def load(self, cloud: str | None = None, **overrides: object) -> config.CloudConfig:
        return config.load(cloud, overrides, self.environ)

    def fails(self, cloud: str | None = None, **overrides: object) -> str:
        return str(self.assertRaises(errors.ConfigError, self.load, cloud, **overrides))

    def test_named_cloud(self) -> None:
        self.file.write_text(CLOUDS)
        one = self.load("one")
        self.assertEqual(("anna", "secret"), (one.auth["username"], one.auth["password"]))
        self.assertEqual(("here", False, "public"), (one.region, one.verify, one.interface))
        # other clients fill in the default domain, too
        self.assertEqual("default", one.auth["user_domain_id"])
        self.assertEqual("default", one.auth["project_domain_id"])

    def test_os_cloud_and_argument(self) -> None:
        self.file.write_text(CLOUDS)
        self.environ |= {"OS_CLOUD": "one"}
        self.assertEqual("anna", self.load().auth["username"])
        self.assertEqual("bert", self.load("two", password="x").auth["username"])

    def test_named_cloud_beats_variables(self) -> None:
        self.file.write_text(CLOUDS)
        self.environ |= {
            "OS_CLOUD": "one",
            "OS_AUTH_URL": "http://other.test",
            "OS_USERNAME": "eve",
            "OS_PASSWORD": "other",
            "OS_PROJECT_ID": "p9",
        }
        auth_part = self.load().auth
        self.assertEqual("http://one.test/identity", auth_part["auth_url"])
        self.assertEqual(("anna", "secret"), (auth_part["username"], auth_part["password"]))
        self.assertNotIn("project_id", auth_part)

    def test_variables_fill_in_a_missing_password(self) -> None:
        self.file.write_text(CLOUDS)
        self.environ |= {"OS_PASSWORD": "filled"}
        two = self.load("two")
        self.assertEqual("filled", two.auth["password"])
        self.assertEqual(("/ca.pem", "internal"), (two.verify, two.interface))

    def test_arguments_beat_all(self) -> None:
        self.file.write_text(CLOUDS)
        one = self.load("one", username="carl", project_id="p3", region_name="there")
        self.assertEqual(("carl", "p3"), (one.auth["username"], one.auth["project_id"]))
        self.assertEqual("there", one.region)
        # a project by id replaces the one by name: both at once would contradict
        self.assertNotIn("project_name", one.auth)

    def test_another_scope_replaces_the_project(self) -> None:
        self.file.write_text(CLOUDS)
        auth_part = self.load("one", system_scope="all").auth
        self.assertEqual("all", auth_part["system_scope"])
        self.assertNotIn("project_name", auth_part)
        self.assertEqual("d", self.load("two", password="x", domain_id="d").auth["domain_id"])

    def test_variables_alone(self) -> None:
        self.environ |= {
            "OS_AUTH_URL": "http://env.test",
            "OS_USERNAME": "eve",
            "OS_PASSWORD": "p",
            "OS_TENANT_NAME": "old",
            "OS_PROJECT_NAME": "new",
            "OS_INSECURE": "true",
        }
        env = self.load()
        self.assertEqual(("envvars", "new"), (env.name, env.auth["project_name"]))
        self.assertIs(False, env.verify)

    def test_variables_beat_an_unnamed_cloud_of_the_file(self) -> None:
        self.file.write_text(CLOUDS)
        self.environ |= {"OS_AUTH_URL": "http://env.test", "OS_TOKEN": "t"}
        self.assertEqual(("envvars", "token"), (self.load().name, self.load().auth_type))

    def test_the_only_cloud_needs_no_name(self) -> None:
        self.file.write_text(CLOUDS.partition("  two:")[0])
        self.assertEqual("one", self.load().name)

    def test_the_cloud_called_mycloud_needs_no_name(self) -> None:
        self.file.write_text(CLOUDS.replace("two:", "mycloud:"))
        self.assertEqual("mycloud", self.load(password="x").name)

    def test_what_up_wrote_is_found(self) -> None:
        written = self.folder / ".local" / "state" / "mycloud" / "clouds.yaml"
        written.parent.mkdir(parents=True)
        written.write_text(CLOUDS)
        self.assertEqual("anna", self.load("one").auth["username"])

    def test_file_in_the_variable_comes_first(self) -> None:
        self.file.write_text("clouds: {}")
        other = self.folder / "other.yaml"
        other.write_text(CLOUDS)
        self.environ |= {"OS_CLIENT_CONFIG_FILE": str(other)}
        self.assertEqual("anna", self.load("one").auth["username"])

    def test_secrets_in_a_file_of_their_own(self) -> None:
        self.file.write_text(CLOUDS)
        (self.file.parent / "secure.yaml").write_text("clouds: {two: {auth: {password: hidden}}}")
        self.assertEqual("hidden", self.load("two").auth["password"])

    def test_application_credential(self) -> None:
        self.file.write_text(
            "clouds: {a: {auth: {auth_url: u, application_credential_id: i, "
            "application_credential_secret: s}}}"
        )
        chosen = self.load("a")
        self.assertEqual("v3applicationcredential", chosen.auth_type)
        self.assertIsNotNone(auth.make_plugin(chosen))

    def test_what_is_missing_is_named(self) -> None:
        self.assertIn("No clouds.yaml was found", self.fails())
        self.file.write_text(CLOUDS)
        self.assertIn("several clouds (one, two)", self.fails())
        self.assertIn("no cloud 'three'; it has: one, two", self.fails("three"))
        self.assertIn("password (--os-password or OS_PASSWORD)", self.fails("two"))
        self.assertIn("'colour' is not an option", self.fails("one", colour="red"))
        self.assertIn("username", self.fails(auth_url="http://x"))

    def test_files_that_are_wrong(self) -> None:
        for text, told in (
            ("a: [", "not valid YAML"),
            ("[1]", "must hold a mapping"),
            ("x: 1", "no 'clouds'"),
            ("clouds: {one: 5}", "must be a mapping"),
            ("clouds: {one: {profile: big}}", "vendor profile"),
            ("clouds: {one: {timeout: soon, auth: {auth_url: u, token: t}}}", "timeout is 'soon'"),
        ):
            self.file.write_text(text)
            self.assertIn(told, self.fails("one"))

    def test_unknown_auth_type(self) -> None:
        self.file.write_text("clouds: {a: {auth_type: magic, auth: {auth_url: u}}}")
        error = self.assertRaises(errors.ConfigError, auth.make_plugin, self.load("a"))
        self.assertIn("auth_type 'magic' is not known", str(error))

    def test_secrets_are_not_shown(self) -> None:
        self.file.write_text(CLOUDS)
        self.assertNotIn("secret", repr(self.load("one")))


class _WorkingFolder(fixtures.Fixture):
    """Run in another folder."""

    def __init__(self, folder: Path):
        super().__init__()
        self._folder = folder

    def _setUp(self) -> None:
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(self._folder)
