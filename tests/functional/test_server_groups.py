"""Server groups: life, members, who sees them."""

import testtools
from oslo_config import cfg

from mycloud.db import servers
from tests.fixtures.cloud import PROJECT, USER
from tests.fixtures.compute_rows import ComputeRows
from tests.functional.test_quotas import server

PATH = "/os-server-groups"


def body(name="g", policy="affinity", **values):
    return {"server_group": {"name": name, "policies": [policy], **values}}


class ServerGroupsTest(testtools.TestCase):
    def rows(self):
        return ComputeRows()

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(self.rows())
        self.member = self.api.member

    def make(self, who=None, version="2.60", **values):
        response = (who or self.member).ask("POST", PATH, body(**values), version=version)
        self.assertEqual(200, response.status_int, response.text)
        return response.json["server_group"]

    def test_life(self):
        made = self.make()
        self.assertEqual(
            {
                "id": made["id"], "name": "g", "policies": ["affinity"], "members": [],
                "metadata": {}, "project_id": PROJECT, "user_id": USER,
            },
            made,
        )
        path = f"{PATH}/{made['id']}"
        self.assertEqual(made, self.member.get(path)["server_group"])
        self.assertEqual([made], self.member.get(PATH)["server_groups"])
        old = self.member.get(path, version="2.12")["server_group"]
        self.assertEqual(set(made) - {"project_id", "user_id"}, set(old))
        self.assertEqual(204, self.member.status("DELETE", path))
        self.assertEqual(404, self.member.status("GET", path))
        self.assertEqual(404, self.member.status("DELETE", path))

    def test_members_are_live_servers(self):
        group = self.make()
        row = server(server_group_id=group["id"])
        gone = server(server_group_id=group["id"], deleted_at=row["created_at"])
        self.api.in_writer(servers.insert, [row])
        self.api.in_writer(servers.insert, [gone])
        path = f"{PATH}/{group['id']}"
        self.assertEqual([row["id"]], self.member.get(path)["server_group"]["members"])
        self.assertEqual([row["id"]], self.member.get(PATH)["server_groups"][0]["members"])
        self.assertEqual(204, self.member.status("DELETE", path))
        kept = self.api.in_writer(servers.get, row["id"])
        self.assertIsNone(kept["server_group_id"])

    def test_policies(self):
        self.assertEqual(400, self.member.status("POST", PATH, body(policy="chaos")))
        soft = body(policy="soft-affinity")
        self.assertEqual(400, self.member.status("POST", PATH, soft, version="2.14"))
        self.assertEqual(200, self.member.status("POST", PATH, soft, version="2.15"))
        for bad in (
            body(""), body(" x"), body("x" * 256), body("\u0000"), body(policies=[]),
            body(policies=["affinity", "anti-affinity"]), body(policy=None), body(rules={}), {},
        ):
            self.assertEqual(400, self.member.status("POST", PATH, bad), bad)

    def test_who_sees_them(self):
        group = self.make()
        path = f"{PATH}/{group['id']}"
        self.assertEqual(404, self.api.stranger.status("GET", path))
        self.assertEqual(404, self.api.stranger.status("DELETE", path))
        self.assertEqual([], self.api.stranger.get(f"{PATH}?all_projects=1")["server_groups"])
        self.assertEqual(200, self.api.admin.status("GET", path))
        other = self.make(who=self.api.stranger)
        every = self.api.admin.get(f"{PATH}?all_projects=1")["server_groups"]
        self.assertEqual([group["id"], other["id"]], [one["id"] for one in every])
        self.assertEqual(200, self.api.reader.status("GET", path))
        self.assertEqual(403, self.api.reader.status("POST", PATH, body()))
        self.assertEqual(403, self.api.reader.status("DELETE", path))

    def test_pages(self):
        made = [self.make(name=f"g{index}")["id"] for index in range(3)]
        page = self.member.get(f"{PATH}?limit=1&offset=1")["server_groups"]
        self.assertEqual([made[1]], [one["id"] for one in page])
        for query in ("limit=x", "offset=-1", "offset=99999999999"):
            self.assertEqual(400, self.member.status("GET", f"{PATH}?{query}"), query)

    def test_quota(self):
        cfg.CONF.set_override("server_groups", 1, group="quota")
        self.make()
        response = self.member.ask("POST", PATH, body())
        self.assertEqual(403, response.status_int)
        self.assertIn("Quota exceeded for server_groups", response.text)
