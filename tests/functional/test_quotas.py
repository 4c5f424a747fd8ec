"""Quotas: who sees and sets them, and that they hold, by counting."""

import testtools
from oslo_config import cfg

from mycloud.common import clock, concurrency, context, exceptions
from mycloud.compute.requests import quotas
from mycloud.db import engine, server_groups, servers
from tests.fixtures.cloud import PROJECT, USER
from tests.fixtures.compute_rows import OTHER_PROJECT, OTHER_USER, ComputeRows

MINE = f"/os-quota-sets/{PROJECT}"
THEIRS = f"/os-quota-sets/{OTHER_PROJECT}"
NETWORK = {"floating_ips", "fixed_ips", "security_groups", "security_group_rules"}
FILES = {"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"}
REST = {
    "instances", "cores", "ram", "metadata_items", "key_pairs", "server_groups",
    "server_group_members",
}  # fmt: skip


def server(**values):
    now = clock.now()
    return {
        "id": clock.new_id(), "project_id": PROJECT, "user_id": USER, "name": "x",
        "hostname": "x", "vm_state": "active", "flavor": {}, "metadata": {}, "vcpus": 2,
        "memory_mb": 100, "created_at": now, "launched_at": now, **values,
    }  # fmt: skip


class QuotaSetsTest(testtools.TestCase):
    def rows(self):
        return ComputeRows()

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(self.rows())
        self.admin, self.member = self.api.admin, self.api.member

    def set(self, path=MINE, **limits):
        return self.admin.ask("PUT", path, {"quota_set": limits})

    def test_fields_of_each_version(self):
        for version, expected in (
            ("2.1", REST | FILES | NETWORK),
            ("2.35", REST | FILES | NETWORK),
            ("2.36", REST | FILES),
            ("2.56", REST | FILES),
            ("2.57", REST),
        ):
            shown = self.member.get(MINE, version=version)["quota_set"]
            self.assertEqual(expected | {"id"}, set(shown), version)
            defaults = self.member.get(f"{MINE}/defaults", version=version)["quota_set"]
            self.assertEqual(shown, defaults)
            detail = self.member.get(f"{MINE}/detail", version=version)["quota_set"]
            self.assertEqual(expected | {"id"}, set(detail), version)
            changed = self.admin.ask("PUT", MINE, {"quota_set": {}}, version=version)
            self.assertEqual(expected, set(changed.json["quota_set"]), version)
        self.assertEqual(10, shown["instances"])
        self.assertEqual(-1, self.member.get(MINE, version="2.1")["quota_set"]["fixed_ips"])

    def test_set_and_forget(self):
        response = self.set(instances=5, ram="7", cores=-1)
        self.assertEqual(200, response.status_int)
        self.assertEqual(5, response.json["quota_set"]["instances"])
        shown = self.member.get(MINE)["quota_set"]
        self.assertEqual((5, 7, -1), (shown["instances"], shown["ram"], shown["cores"]))
        self.assertEqual(10, self.member.get(f"{MINE}/defaults")["quota_set"]["instances"])
        self.assertEqual(10, self.api.stranger.get(THEIRS)["quota_set"]["instances"])
        self.assertEqual(202, self.admin.status("DELETE", MINE))
        self.assertEqual(10, self.member.get(MINE)["quota_set"]["instances"])

    def test_only_administrators_set(self):
        for method, body in (("PUT", {"quota_set": {"ram": 1}}), ("DELETE", None)):
            self.assertEqual(403, self.member.status(method, MINE, body))
            self.assertEqual(403, self.member.status(method, THEIRS, body))
        for path in (THEIRS, f"{THEIRS}/detail", "/os-quota-sets/unknown"):
            self.assertEqual(403, self.member.status("GET", path), path)
        self.assertEqual(200, self.admin.status("GET", THEIRS))

    def test_bad_limits(self):
        for limits in (
            {"ram": -2}, {"ram": 2**31}, {"ram": 2**70}, {"ram": "x"}, {"ram": "-2"},
            {"ram": 1.5}, {"ram": None}, {"ram": "9" * 40}, {"unknown": 1}, {"force": "maybe"},
            {"injected_files": 1}, {"fixed_ips": 1},
        ):
            self.assertEqual(400, self.set(**limits).status_int, limits)
        long = "/os-quota-sets/" + "x" * 200
        self.assertEqual(400, self.set(long, ram=1).status_int)
        self.assertEqual(400, self.set(f"{MINE}?user_id={'x' * 65}", ram=1).status_int)

    def test_users(self):
        mine, theirs = f"{MINE}?user_id={USER}", f"{MINE}?user_id={OTHER_USER}"
        self.assertEqual(400, self.set(mine, ram=51201).status_int)
        self.assertEqual(400, self.set(mine, ram=-1).status_int)
        response = self.set(mine, ram=5, instances=1)
        self.assertEqual(5, response.json["quota_set"]["ram"])
        self.assertEqual(5, self.member.get(mine)["quota_set"]["ram"])
        detail = self.member.get(f"{MINE}/detail?user_id={USER}")["quota_set"]
        self.assertEqual({"in_use": 0, "limit": 5, "reserved": 0}, detail["ram"])
        self.assertEqual(51200, self.member.get(theirs)["quota_set"]["ram"])
        self.assertEqual(51200, self.member.get(MINE)["quota_set"]["ram"])
        each = {"cores": 1, "ram": 5}
        check = (self.api.in_writer, quotas.check_servers)
        self.assertEqual(1, check[0](check[1], (PROJECT, USER), (1, 9), each))
        self.assertEqual(9, check[0](check[1], (PROJECT, OTHER_USER), (1, 9), each))
        self.api.in_writer(servers.insert, [server(user_id=OTHER_USER)])
        self.assertEqual(1, check[0](check[1], (PROJECT, USER), (1, 9), each))
        self.api.in_writer(servers.insert, [server()])
        self.assertRaises(
            exceptions.QuotaExceeded, *check, (PROJECT, USER), (1, 9), each
        )
        self.assertEqual(202, self.admin.status("DELETE", mine))
        self.assertEqual(51200, self.member.get(mine)["quota_set"]["ram"])
        self.set(mine, ram=500)
        self.assertEqual(202, self.admin.status("DELETE", MINE))
        self.assertEqual(51200, self.member.get(mine)["quota_set"]["ram"])

    def test_not_below_what_is_used(self):
        self.api.in_writer(servers.insert, [server(), server()])
        self.assertEqual(400, self.set(instances=1).status_int)
        self.assertEqual(10, self.member.get(MINE)["quota_set"]["instances"])
        self.assertEqual(200, self.set(instances=1, force=True).status_int)
        self.assertEqual(200, self.set(instances=2).status_int)
        self.assertEqual(200, self.set(instances=-1).status_int)
        detail = self.member.get(f"{MINE}/detail")["quota_set"]
        self.assertEqual({"in_use": 2, "limit": -1, "reserved": 0}, detail["instances"])
        self.assertEqual({"in_use": 4, "limit": 20, "reserved": 0}, detail["cores"])

    def test_class_default_holds_for_all(self):
        path = "/os-quota-class-sets/default"
        body = {"quota_class_set": {"instances": 3, "cores": 4}}
        self.assertEqual(403, self.member.status("PUT", path, body))
        self.assertEqual(403, self.member.status("GET", path))
        response = self.admin.ask("PUT", path, body)
        self.assertEqual(3, response.json["quota_class_set"]["instances"])
        self.set(cores=9)
        shown = self.member.get(MINE)["quota_set"]
        self.assertEqual((3, 9), (shown["instances"], shown["cores"]))
        self.assertEqual(3, self.member.get(f"{MINE}/defaults")["quota_set"]["instances"])
        other = self.admin.get("/os-quota-class-sets/other")["quota_class_set"]
        self.assertEqual(10, other["instances"])
        long = "/os-quota-class-sets/" + "x" * 200
        self.assertEqual(400, self.admin.status("PUT", long, body))

    def test_class_fields_of_each_version(self):
        groups = {"server_groups", "server_group_members"}
        for version, expected in (
            ("2.1", (REST | FILES | NETWORK) - groups),
            ("2.49", (REST | FILES | NETWORK) - groups),
            ("2.50", REST | FILES),
            ("2.57", REST),
        ):
            shown = self.admin.get("/os-quota-class-sets/default", version=version)
            self.assertEqual(expected | {"id"}, set(shown["quota_class_set"]), version)

    def test_limits(self):
        self.api.in_writer(servers.insert, [server()])
        absolute = self.member.get("/limits", version="2.1")["limits"]["absolute"]
        self.assertEqual((1, 2, 100), tuple(
            absolute[f"total{name}Used"] for name in ("Instances", "Cores", "RAM")
        ))
        gone_2_36 = {
            "maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules",
            "totalFloatingIpsUsed", "totalSecurityGroupsUsed",
        }
        gone_2_57 = {"maxPersonality", "maxPersonalitySize"}
        every = set(absolute)
        self.assertTrue(gone_2_36 | gone_2_57 | {"maxImageMeta"} <= every)
        for version, expected in (
            ("2.36", every - gone_2_36),
            ("2.39", every - gone_2_36 - {"maxImageMeta"}),
            ("2.57", every - gone_2_36 - {"maxImageMeta"} - gone_2_57),
        ):
            shown = self.member.get("/limits?reserved=False", version=version)["limits"]
            self.assertEqual(expected, set(shown["absolute"]), version)
            self.assertEqual([], shown["rate"])
        query = f"/limits?tenant_id={PROJECT}"
        self.assertEqual(200, self.member.status("GET", query))
        self.assertEqual(403, self.api.stranger.status("GET", query))
        self.assertEqual(200, self.admin.status("GET", f"/limits?tenant_id={OTHER_PROJECT}"))


class CheckTest(testtools.TestCase):
    """The checks that requests make in their own transaction."""

    EACH = {"cores": 2, "ram": 100}

    def rows(self):
        return ComputeRows()

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(self.rows())
        cfg.CONF.set_override("instances", 3, group="quota")
        cfg.CONF.set_override("cores", 5, group="quota")

    def check(self, least, most):
        return self.api.in_writer(quotas.check_servers, (PROJECT, USER), (least, most), self.EACH)

    def test_as_many_as_fit(self):
        self.assertEqual(1, self.check(1, 1))
        self.assertEqual(2, self.check(1, 10))
        self.assertEqual(2, self.check(2, 10))
        error = self.assertRaises(exceptions.QuotaExceeded, self.check, 4, 10)
        self.assertIn(
            "Quota exceeded for cores, instances: Requested 8, 4, but already used 0, 0 of 5, 3",
            error.message,
        )

    def test_what_is_deleted_or_foreign_does_not_count(self):
        for values in ({}, {"deleted_at": clock.now()}, {"project_id": OTHER_PROJECT}):
            self.api.in_writer(servers.insert, [server(**values)])
        self.assertEqual(1, self.check(1, 10))
        self.assertRaises(exceptions.QuotaExceeded, self.check, 2, 10)

    def test_no_limit(self):
        for name in ("instances", "cores"):
            cfg.CONF.set_override(name, -1, group="quota")
        self.assertEqual(500, self.check(1, 500))

    def test_at_most_three_statements(self):
        # the first time, the project's lock is made
        self.check(1, 1)
        before = self.api.db.statements
        self.check(1, 1)
        self.assertLessEqual(self.api.db.statements - before, 3)

    def test_group_members(self):
        cfg.CONF.set_override("server_group_members", 2, group="quota")
        group = self.api.in_writer(
            server_groups.insert,
            {"project_id": PROJECT, "user_id": USER, "name": "g", "policy": "affinity",
             "rules": {}},
        )
        self.api.in_writer(servers.insert, [server(server_group_id=group["id"])])
        check = (quotas.check_group_members, PROJECT, group["id"])
        self.api.in_writer(*check, 1)
        self.assertRaises(exceptions.QuotaExceeded, self.api.in_writer, *check, 2)

    def test_many_at_once_never_pass_the_limit(self):
        cfg.CONF.set_override("cores", -1, group="quota")

        def take():
            with context.role(context.API), engine.writer() as conn:
                try:
                    quotas.check_servers(conn, (PROJECT, USER), (1, 1), self.EACH)
                except exceptions.QuotaExceeded:
                    return 0
                servers.insert(conn, [server()])
                return 1

        tasks = [concurrency.spawn(take) for _ in range(8)]
        self.assertEqual(3, sum(task.wait(30) for task in tasks))
