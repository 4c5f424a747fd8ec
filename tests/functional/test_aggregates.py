"""Host aggregates and the availability zones that they make."""

from tests.fixtures import seeds
from tests.fixtures.compute_api import ComputeApiCase

PATH = "/os-aggregates"


class AggregatesTest(ComputeApiCase):
    hosts = 2

    def do(self, method, path, body=None, *, version="2.60", status=200):
        answer = self.call(method, path, body, by=self.operator, version=version)
        self.assertEqual(status, answer.status, answer)
        return answer.body

    def make(self, name="rack", zone=None):
        wanted = {"name": name, "availability_zone": zone}
        return self.do("POST", PATH, {"aggregate": wanted})["aggregate"]

    def act(self, aggregate, name, status=200, **arguments):
        path = f"{PATH}/{aggregate['id']}/action"
        answer = self.do("POST", path, {name: arguments}, status=status)
        return answer.get("aggregate")

    def zones(self):
        listed = self.do("GET", "/os-availability-zone/detail")["availabilityZoneInfo"]
        return {
            zone["zoneName"]: sorted(zone["hosts"])
            for zone in listed
            if zone["zoneName"] != "internal"
        }

    def test_life(self):
        made = self.make()
        self.assertIsInstance(made["id"], int)
        path = f"{PATH}/{made['id']}"
        shown = self.do("GET", path)["aggregate"]
        self.assertEqual({**made, "hosts": [], "metadata": {}}, shown)
        self.assertEqual([shown], self.do("GET", PATH)["aggregates"])
        self.assertNotIn("uuid", self.do("GET", path, version="2.40")["aggregate"])
        renamed = self.do("PUT", path, {"aggregate": {"name": "row"}})["aggregate"]
        self.assertEqual("row", renamed["name"])
        self.do("DELETE", path)
        self.do("GET", path, status=404)
        self.do("DELETE", path, status=404)

    def test_names(self):
        self.make()
        other = self.make("other")
        taken = {"aggregate": {"name": "rack"}}
        self.do("POST", PATH, taken, status=409)
        self.do("PUT", f"{PATH}/{other['id']}", taken, status=409)
        for bad in ({"name": ""}, {"name": "x" * 256}, {"name": " x"}, {"name": "\u0000"}, {},
                    {"name": "x", "availability_zone": "a:b"}, {"name": "x", "extra": 1}):
            self.do("POST", PATH, {"aggregate": bad}, status=400)
        for bad in ("x", "99999999999999999999", "-1", "%D9%A3"):
            self.do("GET", f"{PATH}/{bad}", status=404)

    def test_hosts(self):
        made = self.make()
        self.assertEqual(["host1"], self.act(made, "add_host", host="host1")["hosts"])
        self.act(made, "add_host", host="host1", status=409)
        self.act(made, "add_host", host="unknown", status=404)
        self.act(made, "remove_host", host="host2", status=404)
        self.do("DELETE", f"{PATH}/{made['id']}", status=400)
        self.assertEqual([], self.act(made, "remove_host", host="host1")["hosts"])
        self.do("DELETE", f"{PATH}/{made['id']}")

    def test_metadata(self):
        made = self.make()
        self.act(made, "set_metadata", metadata={"ssd": "yes", "old": "1"})
        shown = self.act(made, "set_metadata", metadata={"old": None, "availability_zone": "a"})
        self.assertEqual({"ssd": "yes", "availability_zone": "a"}, shown["metadata"])
        self.assertEqual("a", shown["availability_zone"])
        for bad in ({"": "x"}, {"a": 1}, {"a": "x" * 256}, {"availability_zone": "a:b"}):
            self.act(made, "set_metadata", metadata=bad, status=400)

    def test_zones(self):
        self.assertEqual({"nova": ["host1", "host2"]}, self.zones())
        made = self.make(zone="east")
        self.act(made, "add_host", host="host1")
        self.assertEqual({"east": ["host1"], "nova": ["host2"]}, self.zones())
        other = self.make("other", "west")
        self.act(other, "add_host", host="host1", status=409)
        same = self.make("same", "east")
        self.act(same, "add_host", host="host1")
        self.act(same, "remove_host", host="host1")
        self.assertEqual({"east": ["host1"], "nova": ["host2"]}, self.zones())
        self.do("PUT", f"{PATH}/{made['id']}", {"aggregate": {"availability_zone": "north"}})
        self.assertEqual({"north": ["host1"], "nova": ["host2"]}, self.zones())
        self.act(made, "add_host", host="host2")
        self.act(made, "remove_host", host="host2")
        back = self.cloud.in_role(seeds.row, seeds.boot(self.cloud, availability_zone="nova"))
        self.assertEqual("host2", back["host"])
        server_id = seeds.boot(self.cloud, availability_zone="north")
        row = self.cloud.in_role(seeds.row, server_id)
        self.assertEqual(("host1", "north"), (row["host"], row["availability_zone"]))
        self.act(made, "remove_host", host="host1", status=409)
        south = {"aggregate": {"availability_zone": "south"}}
        self.do("PUT", f"{PATH}/{made['id']}", south, status=409)
        self.assertEqual({"north": ["host1"], "nova": ["host2"]}, self.zones())

    def test_only_for_administrators(self):
        made = self.make()
        path = f"{PATH}/{made['id']}"
        for method, where, body in (
            ("GET", PATH, None), ("POST", PATH, {"aggregate": {"name": "x"}}),
            ("GET", path, None), ("PUT", path, {"aggregate": {"name": "x"}}),
            ("DELETE", path, None),
            ("POST", f"{path}/action", {"add_host": {"host": "host1"}}),
        ):
            self.assertEqual(403, self.call(method, where, body).status, where)
