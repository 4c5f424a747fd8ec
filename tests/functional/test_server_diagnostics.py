"""The figures of a server, in both of compute's forms, and when there are none."""

import jsonschema

from mycloud.agent.statistics.sampler import Sampler
from mycloud.common import context, states
from mycloud.compute.drivers.base import PowerState
from tests.fixtures.compute_api import OTHER_PROJECT, ComputeApiCase


def _nullable(kind):
    return {"type": [kind, "null"]}


def _exactly(**properties):
    return {
        "type": "object", "properties": properties, "required": list(properties),
        "additionalProperties": False,
    }


def _numbers(*names):
    return {name: _nullable("integer") for name in names}


#: As compute's API reference has it.
SAME_FOR_ALL = _exactly(
    state={"enum": ["pending", "running", "paused", "shutdown", "crashed", "suspended"]},
    driver={"type": "string"},
    hypervisor=_nullable("string"),
    hypervisor_os=_nullable("string"),
    uptime=_nullable("integer"),
    config_drive={"type": "boolean"},
    num_cpus={"type": "integer"},
    num_nics={"type": "integer"},
    num_disks={"type": "integer"},
    memory_details=_exactly(**_numbers("maximum", "used")),
    cpu_details={"type": "array", "items": _exactly(**_numbers("id", "time", "utilisation"))},
    nic_details={
        "type": "array",
        "items": _exactly(
            mac_address=_nullable("string"),
            **_numbers(
                *(
                    f"{way}_{what}" for way in ("rx", "tx")
                    for what in ("octets", "errors", "drop", "packets", "rate")
                )
            ),
        ),
    },
    disk_details={
        "type": "array",
        "items": _exactly(
            **_numbers(
                "read_bytes", "read_requests", "write_bytes", "write_requests", "errors_count"
            )
        ),
    },
)


class ServerDiagnosticsTest(ComputeApiCase):
    def options(self):
        # samples are taken when the test says so
        return {"agent": {"port": 0, "statistics_interval": 3600}}

    def ask(self, server_id, version="2.60", status=200, by=None):
        answer = self.call(
            "GET", f"/servers/{server_id}/diagnostics", by=by or self.operator, version=version
        )
        self.assertEqual(status, answer.status, answer)
        return answer

    def test_same_keys_for_all(self):
        server_id = self.boot()
        for version in ("2.48", "2.60"):
            found = self.ask(server_id, version).body
            jsonschema.validate(found, SAME_FOR_ALL)
        self.assertEqual(
            ("running", 1, 1, 512),
            (found["state"], found["num_cpus"], found["num_disks"],
             found["memory_details"]["maximum"]),
        )

    def test_free_keys(self):
        server_id = self.boot()
        for version in ("2.1", "2.47"):
            found = self.ask(server_id, version).body
            self.assertEqual(
                {"cpu0_time", "memory", "memory-actual", "memory-rss", "vda_errors", "vda_read",
                 "vda_read_req", "vda_write", "vda_write_req"},
                set(found),
            )
            self.assertEqual(512 * 1024, found["memory"])
            self.assertEqual({int}, {type(value) for value in found.values()})

    def test_use_of_processors(self):
        server_id = self.boot()
        self.assertIsNone(self.ask(server_id).body["cpu_details"][0]["utilisation"])
        [manager] = self.cloud.computes.values()
        self.cloud.wait(
            lambda: self.sampled(manager)["cpu_details"][0]["utilisation"], what="two samples"
        )
        used = self.ask(server_id).body["cpu_details"][0]["utilisation"]
        self.assertTrue(0 < used <= 100, used)

    def sampled(self, manager):
        manager.agent.host.part(Sampler).take()
        [guest] = manager.driver.guests()
        return manager.get_diagnostics(context.admin_context(), guest.server_id)

    def test_who_may_ask(self):
        server_id = self.boot()
        self.ask(server_id, status=403, by=self.member)
        self.ask("0" * 36, status=404)
        stranger = self.cloud.context(
            project_id=OTHER_PROJECT, roles=["admin", "member", "reader"], is_admin=True
        )
        self.ask(server_id, by=stranger)

    def test_server_that_does_not_run(self):
        server_id = self.boot()
        [manager] = self.cloud.computes.values()
        manager.driver.power_off(server_id, 0)
        answer = self.ask(server_id, status=409)
        self.assertIn("power state shutdown", answer.message)
        manager.driver.kill_guest(server_id, PowerState.PAUSED)
        self.assertEqual("paused", self.ask(server_id).body["state"])
        self.assertIn(states.Power.PAUSED, states.POWERED_ON)

    def test_host_that_does_not_answer(self):
        server_id = self.boot()
        [manager] = self.cloud.computes.values()
        self.cloud.services.pop(manager.host).stop()
        self.assertIn(self.ask(server_id, status=503).status, (503,))
