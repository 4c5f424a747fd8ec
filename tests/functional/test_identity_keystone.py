"""An outside keystone by paste configuration: our own identity API plays it, over HTTP."""

import testtools
from keystoneauth1 import loading
from oslo_config import cfg

from mycloud.api import app as api_app
from mycloud.common import wsgi_server
from tests.fixtures.identity import PASSWORD, IdentityApi

_SETTINGS = """
www_authenticate_uri = {url}/identity
auth_type = password
auth_url = {url}/identity/v3
username = admin
password = {password}
project_name = admin
user_domain_id = default
project_domain_id = default
service_token_roles_required = true
"""


class OutsideKeystoneTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.api = self.useFixture(IdentityApi())
        sock = wsgi_server.listen("127.0.0.1", 0)
        server = wsgi_server.Server(self.api.app, sock, wsgi_server.ServerSettings())
        self.addCleanup(server.close)
        server.start()
        self.addCleanup(server.stop, 0)
        self.addCleanup(self.forget_options)
        self.api.app = self.with_keystone(server.url)

    def forget_options(self):
        """authtoken makes some required, for the tests that come after this one too."""
        cfg.CONF.clear()
        cfg.CONF.unregister_opts(
            loading.get_auth_plugin_conf_options("password"), group="keystone_authtoken"
        )

    def with_keystone(self, url):
        """The application of the shipped paste file, changed as it says."""
        settings = _SETTINGS.format(url=url, password=PASSWORD)
        text = api_app.paste_config().read_text()
        text = text.replace(" auth ", " authtoken keystone_context ")
        text = text.replace("[filter:authtoken]", f"[filter:authtoken]{settings}")
        path = self.api.state / "api-paste.ini"
        path.write_text(text)
        cfg.CONF.set_override("paste_config", str(path), group="api")
        self.addCleanup(cfg.CONF.clear_override, "paste_config", group="api")
        return api_app.load()

    def compute(self, token, **headers):
        return self.api.call("GET", "//compute/v2.1/os-keypairs", token=token, **headers)

    def test_its_tokens_are_taken(self):
        _, _, token = self.api.member()
        self.assertEqual(200, self.compute(token).status_int)

    def test_no_token_and_a_bad_one_are_refused_in_our_form(self):
        for token in ("", "bad"):
            response = self.compute(token)
            self.assertEqual(401, response.status_int)
            self.assertEqual(401, response.json["unauthorized"]["code"])

    def test_a_client_cant_write_the_headers_itself(self):
        forged = {
            "X_Identity_Status": "Confirmed",
            "X_User_Id": self.api.admin_id,
            "X_Project_Id": "p",
            "X_Roles": "admin",
            "OpenStack_System_Scope": "all",
        }
        self.assertEqual(401, self.compute("", **forged).status_int)
        _, _, token = self.api.member("reader")
        response = self.api.call("GET", "/users", token=token, **forged)
        self.assertEqual(403, response.status_int)

    def test_roles_decide(self):
        _, _, token = self.api.member()
        self.assertEqual(403, self.api.call("GET", "/users", token=token).status_int)
        self.assertEqual(200, self.api.call("GET", "/users", token=self.api.admin).status_int)
