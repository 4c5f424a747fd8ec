"""Hosts tell what they are, how busy they are, and give their logs away without secrets."""

import io
import json
import tarfile

from oslo_config import cfg

from mycloud.agent.registry import Registry, verb
from mycloud.agent.statistics.sampler import Sampler
from mycloud.common import clock
from mycloud.db import engine, services
from mycloud.local.doctor import agents
from mycloud.local.doctor.patient import Patient
from mycloud.local.layout import Layout
from tests.fixtures import seeds
from tests.fixtures.compute_api import ComputeApiCase

SECRET = "Hunter2zQ9"


class CloudHostsTest(ComputeApiCase):
    hosts = 2

    def options(self):
        return {"agent": {"port": 0, "statistics_interval": 3600}}

    def ask(self, path, status=200, by=None):
        answer = self.call("GET", path, by=by or self.operator, api="/cloud/v1", version=None)
        self.assertEqual(status, answer.status, answer)
        return answer.body

    def silence(self, name):
        """The host's service is gone, and has not reported for a while."""
        self.cloud.services.pop(name).stop()

        def forget():
            with engine.writer() as conn:
                [row] = services.every(conn, host=name)
                services.update(conn, row["id"], {"last_seen_at": clock.now().replace(year=2020)})

        self.cloud.in_role(forget)

    def host_of(self, server_id):
        """The host of a server, and the other one."""
        name = self.cloud.in_role(seeds.row, server_id)["host"]
        return name, {"host1": "host2", "host2": "host1"}[name]

    # -- what they are ---------------------------------------------------------------------

    def test_list(self):
        found = self.ask("/hosts")["hosts"]
        self.assertEqual(["host1", "host2"], sorted(each["name"] for each in found))
        self.assertEqual({("up", "enabled")}, {(each["state"], each["status"]) for each in found})
        self.assertEqual(
            {
                "id", "name", "hypervisor_hostname", "hypervisor_type", "hypervisor_version",
                "address", "disabled_reason", "vcpus", "vcpus_used", "memory_mb",
                "memory_mb_used", "disk_gb", "disk_gb_used", "servers", "state", "status",
                "last_seen_at", "agent_url",
            },
            set(found[0]),
        )

    def test_pages(self):
        first = self.ask("/hosts?limit=1")
        [one] = first["hosts"]
        [link] = first["links"]
        second = self.ask(link["href"].split("/cloud/v1", 1)[1])
        self.assertNotIn("links", second)
        self.assertNotEqual(one["id"], second["hosts"][0]["id"])
        self.assertEqual([], self.ask("/hosts?limit=0")["hosts"])
        self.ask("/hosts?marker=unknown", 400)
        self.ask("/hosts?limit=x", 400)
        self.ask("/hosts?colour=red", 400)

    def test_show(self):
        by_name = self.ask("/hosts/host1")["host"]
        by_id = self.ask(f"/hosts/{by_name['id']}")["host"]
        self.assertEqual(by_name["facts"]["cpu"], by_id["facts"]["cpu"])
        self.assertIs(True, by_name["answers"])
        self.assertEqual("host1", by_name["facts"]["host"])
        self.assertEqual("1.0.0", by_name["facts"]["versions"]["fake"])
        self.assertIn("routes", by_name["network"])

    def test_part_that_is_not_known(self):
        @verb("host.facts")
        def facts(host):
            return {"cpu": {}}

        self.cloud.computes["host1"].agent.registry = Registry([facts.verb])
        found = self.ask("/hosts/host1")["host"]
        self.assertIs(True, found["answers"])
        self.assertEqual({"cpu": {}}, found["facts"])
        self.assertIsNone(found["network"])
        self.assertIn("network.caps", found["errors"]["network"])

    def test_host_that_does_not_report(self):
        self.silence("host1")
        found = self.ask("/hosts/host1")["host"]
        self.assertEqual(("down", False, None),
                         (found["state"], found["answers"], found["facts"]))
        self.assertIn("has not reported since 2020-", found["reason"])
        self.assertGreater(found["vcpus"], 0)
        for path in ("/hosts/host1/stats", "/hosts/host1/logs"):
            self.assertIn("has not reported", json.dumps(self.ask(path, 409)))

    def test_host_that_is_gone_but_was_here_a_moment_ago(self):
        self.cloud.services.pop("host1").stop()
        found = self.ask("/hosts/host1")["host"]
        self.assertIs(False, found["answers"])
        self.assertIn("does not answer", found["reason"])

    def test_doctor_finds_agents_that_do_not_answer(self):
        patient = Patient(Layout(self.cloud.state), None, True, True)

        def findings():
            return [finding.problem for finding in agents.agents(patient)]

        urls = [each["agent_url"] for each in self.ask("/hosts")["hosts"]]
        self.assertEqual([True, True], [url.startswith("http://127.0.0.1:") for url in urls])
        self.assertEqual([], self.cloud.in_role(findings))
        self.cloud.computes["host1"].agent.stop()
        [problem] = self.cloud.in_role(findings)
        self.assertIn("The agent of host host1 does not answer at http://127.0.0.1:", problem)
        self.silence("host1")
        self.assertEqual([], self.cloud.in_role(findings))

    def test_who_may_ask(self):
        for path in ("/hosts", "/hosts/host1", "/hosts/host1/stats", "/hosts/host1/logs"):
            self.ask(path, 403, by=self.member)
        for path in ("/hosts/no", "/hosts/no/stats", "/hosts/no/logs"):
            self.ask(path, 404)

    # -- how busy they are -----------------------------------------------------------------

    def test_stats(self):
        server_id = self.boot()
        name, other = self.host_of(server_id)
        sampler = self.cloud.computes[name].agent.host.part(Sampler)
        sampler.take()
        found = self.ask(f"/hosts/{name}/stats")["stats"]
        self.assertEqual(name, found["host"])
        self.assertGreater(found["seconds_between"], 0)
        self.assertEqual([server_id], [each["server_id"] for each in found["servers"]])
        self.assertGreater(found["memory"]["total_bytes"], 0)
        self.assertEqual([], self.ask(f"/hosts/{other}/stats")["stats"]["servers"])

    # -- their logs ------------------------------------------------------------------------

    def bundle(self, name="host1"):
        answer = self.call(
            "GET", f"/hosts/{name}/logs", by=self.operator, api="/cloud/v1", version=None
        )
        self.assertEqual((200, "application/gzip"),
                         (answer.status, answer.headers["Content-Type"]))
        top = answer.headers["Content-Disposition"].split('"')[1].removesuffix(".tar.gz")
        with tarfile.open(fileobj=io.BytesIO(answer.raw)) as archive:
            return {
                member.name.removeprefix(f"{top}/"): archive.extractfile(member).read().decode()
                for member in archive.getmembers()
            }

    def test_logs(self):
        server_id = self.boot()
        name, _ = self.host_of(server_id)
        driver = self.cloud.computes[name].driver
        log = self.cloud.state / "libvirtd.log"
        log.write_text(f"starts\n'auth_password': '{SECRET}'\nrabbit://guest:{SECRET}@h/\n")
        driver.log_files = lambda: [log]
        members = self.bundle(name)
        self.assertLessEqual(
            {"README.txt", "facts.json", "statistics.json", "network.json", "services.json",
             "operations.json", "options.txt", "logs/hypervisor/libvirtd.log"},
            set(members),
        )
        self.assertIn("starts", members["logs/hypervisor/libvirtd.log"])
        for member, text in members.items():
            self.assertNotIn(SECRET, text, member)
        [operation] = [
            each for each in json.loads(members["operations.json"])
            if each["resource_id"] == server_id
        ]
        self.assertTrue(operation["steps"])
        self.assertRegex(members["options.txt"], r"compute.driver +\*?= fake")

    def test_secrets_of_the_options(self):
        cfg.CONF.set_override("transport_url", f"rabbit://guest:{SECRET}@h/")
        self.addCleanup(cfg.CONF.clear_override, "transport_url")
        self.assertNotIn(SECRET, self.bundle()["options.txt"])

    def test_host_that_falls_silent_meanwhile(self):
        original = self.cloud.computes["host1"].agent.registry

        @verb("host.logs")
        def every(host):
            found = original.get("host.logs").function(host)
            self.cloud.computes["host1"].agent.registry = Registry([])
            return found

        self.cloud.computes["host1"].agent.registry = Registry([every.verb])
        members = self.bundle()
        self.assertIn("facts.json: ", members["errors.txt"])
        self.assertIn("operations.json", members)
