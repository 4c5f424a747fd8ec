"""Access rules: what a path's wildcards stand for."""

import testtools

from mycloud.identity import access_rules


class AllowTest(testtools.TestCase):
    def allowed(self, rule_path, method, path, service="compute"):
        rules = [{"service": service, "method": "GET", "path": rule_path}]
        return access_rules.allow(rules, method, path)

    def test_exactly(self):
        self.assertTrue(self.allowed("/v2.1/servers", "GET", "/compute/v2.1/servers"))
        self.assertTrue(self.allowed("/compute/v2.1/servers", "GET", "/compute/v2.1/servers"))
        self.assertFalse(self.allowed("/v2.1/servers", "POST", "/compute/v2.1/servers"))
        self.assertFalse(self.allowed("/v2.1/servers", "GET", "/compute/v2.1/servers/1"))
        self.assertFalse(self.allowed("/v2.1/servers", "GET", "/image/v2.1/servers"))

    def test_a_star_is_one_part(self):
        rule = "/v2.1/servers/*/ips"
        self.assertTrue(self.allowed(rule, "GET", "/compute/v2.1/servers/1/ips"))
        self.assertFalse(self.allowed(rule, "GET", "/compute/v2.1/servers/1/2/ips"))
        rule = "/v2.1/servers/{server_id}"
        self.assertTrue(self.allowed(rule, "GET", "/compute/v2.1/servers/1"))
        self.assertFalse(self.allowed(rule, "GET", "/compute/v2.1/servers/"))

    def test_two_stars_are_any_number(self):
        self.assertTrue(self.allowed("/v2.1/**", "GET", "/compute/v2.1/servers/1/ips"))

    def test_a_dot_is_a_dot(self):
        self.assertFalse(self.allowed("/v2.1/servers", "GET", "/compute/v2x1/servers"))

    def test_no_rules_allow_nothing(self):
        self.assertFalse(access_rules.allow([], "GET", "/compute/v2.1/servers"))
