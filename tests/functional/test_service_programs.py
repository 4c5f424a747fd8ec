"""The programs: the order of their steps, wrong options, reports, listeners."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import unittest
from pathlib import Path

import fixtures
import psutil
import requests
import testtools

from mycloud.api import service as api_service
from mycloud.common import exceptions
from mycloud.db import engine
from mycloud.db.migrations import upgrade
from tests.fixtures.program import Program, wait_for

#: Before anything that has a database: the same for all programs.
COMMON = [
    "choose_concurrency",
    "parse_config",
    "set_up_logging",
    "set_lock_path",
    "register_objects",
    "enable_reports",
    "open_bus",
]

_BACKENDS = (
    "[volume]\nenabled_backends = fast, , slow\n[fast]\nvolume_driver = fake\n"
)


def machine_addresses() -> list[str]:
    """Of this machine, without loopback."""
    return [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]


class ProgramsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.state = Path(self.useFixture(fixtures.TempDir()).path)
        self.config = self.state / "mycloud.conf"
        self.configure()
        self.addCleanup(engine.unconfigure)
        engine.configure(f"sqlite:///{self.state}/mycloud.db")
        upgrade.sync()
        engine.unconfigure()

    @property
    def options(self) -> list[str]:
        return ["--config-file", str(self.config)]

    def configure(self, text: str = "", **options: str) -> None:
        more = "".join(f"{name} = {value}\n" for name, value in options.items())
        self.config.write_text(
            f"[DEFAULT]\nstate_path = {self.state}\nhost = here\n"
            f"transport_url = kombu+memory:////\n{more}"
            f"[database]\nconnection = sqlite:///{self.state}/mycloud.db\n"
            f"[compute]\ndriver = fake\n{text}"
        )

    def start(self, name: str, **env: str) -> Program:
        return self.useFixture(Program(f"mycloud.cmd.{name}", *self.options, env=env))

    def steps(self, name: str, *more: str) -> dict:
        program = self.useFixture(
            Program("tests.fixtures.steps", f"mycloud.cmd.{name}", *self.options, *more)
        )
        return json.loads(program.line(containing='"steps"'))

    def refusal(self, name: str, *more: str) -> str:
        """What the program says that does not start."""
        program = self.useFixture(Program(f"mycloud.cmd.{name}", *self.options, *more))
        self.assertEqual(1, program.ended())
        wait_for(lambda: program.said, "it says why")
        return "\n".join(program.said)

    # -- the order of the steps ----------------------------------------------------------------

    def test_programs_with_a_database_take_their_steps_in_order(self) -> None:
        for name in ("all", "api", "conductor", "scheduler"):
            seen = self.steps(name)
            self.assertEqual([*COMMON, "open_database", "reach_conductor"], seen["steps"])
            self.assertTrue(seen["database"])

    def test_compute_forgets_where_the_database_is(self) -> None:
        seen = self.steps("compute")
        self.assertEqual([*COMMON, "deny_database", "reach_conductor"], seen["steps"])
        self.assertFalse(seen["database"])
        self.assertIsNone(seen["connection"])
        self.assertEqual("ConductorAPI", seen["indirection"])

    def test_a_volume_host_has_no_database_and_a_worker_per_backend(self) -> None:
        self.configure(_BACKENDS)
        seen = self.steps("volume")
        # each worker opens a bus of its own
        common = [step for step in COMMON if step != "open_bus"]
        self.assertEqual([*common, "deny_database", "chosen_backends"], seen["steps"])
        self.assertFalse(seen["database"])
        self.assertIsNone(seen["connection"])
        self.assertEqual(2, seen["workers"])
        self.assertEqual(1, self.steps("volume", "--backend_name", "slow")["workers"])

    def test_api_has_a_worker_per_cpu_unless_told(self) -> None:
        self.assertEqual(os.cpu_count(), self.steps("api")["workers"])
        self.configure("[api]\nworkers = 3\n")
        self.assertEqual(3, self.steps("api")["workers"])

    # -- wrong options -------------------------------------------------------------------------

    def test_a_wrong_value_stops_the_start_and_names_the_option(self) -> None:
        for text, word in (
            ("[api]\nport = many\n", "port"),
            ("[api]\nworkers = 0\n", "workers"),
            ("[identity]\nbcrypt_rounds = 99\n", "bcrypt_rounds"),
            ("[api]\nenabled_apis = compute,ec2\n", "[api]/enabled_apis"),
            ("[api]\ntls_cert_file = /nonexistent\n", "tls_cert_file"),
            ("[api]\nmanagers = compute:nowhere.Manager\n", "managers"),
        ):
            self.configure(text)
            said = self.refusal("all")
            self.assertIn(word, said)
            self.assertNotIn("Traceback", said)

    def test_a_volume_host_without_the_backend_does_not_start(self) -> None:
        for text in ("", "[volume]\nenabled_backends = , \n"):
            self.configure(text)
            self.assertIn("[volume]/enabled_backends", self.refusal("volume"))
        self.configure(_BACKENDS)
        said = self.refusal("volume", "--backend_name", "other")
        self.assertIn("there is no backend 'other'; enabled are fast, slow.", said)

    def test_an_unknown_driver_lists_those_there_are(self) -> None:
        self.configure()
        self.config.write_text(self.config.read_text().replace("fake", "xen"))
        said = self.refusal("all")
        self.assertIn("compute.driver", said)
        self.assertIn("fake, libvirt", said)

    def test_a_database_of_another_version_is_refused(self) -> None:
        database = sqlite3.connect(self.state / "mycloud.db")
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
        database.close()
        said = self.refusal("conductor")
        self.assertIn("9999", said)
        self.assertIn("mycloud-manage db sync", said)

    # -- running -------------------------------------------------------------------------------

    def served(self, program: Program) -> dict[str, str]:
        """The URL of each API, from the log; several may be at one."""
        found = {}
        for line in program.said:
            match = re.search(r"Serving (.*) at (http\S+)", line)
            if match:
                found.update(dict.fromkeys(match.group(1).split(", "), match.group(2)))
        return found

    def test_it_serves_reports_and_ends(self) -> None:
        self.configure("[api]\nport = 0\n[embedded]\ncompute_hosts = one, two\n")
        program = self.start("all")
        program.line(containing="Serving")
        url = self.served(program)["compute"]
        self.assertEqual(200, requests.get(f"{url}/compute/", timeout=10).status_code)
        for name in ("conductor on here", "scheduler on here", "compute on one", "compute on two"):
            self.assertTrue(any(f"{name} is ready" in line for line in program.said), name)
        program.send(signal.SIGUSR2)
        wait_for(lambda: any("Configuration" in line for line in program.said), "the report")
        report = "\n".join(program.said)
        for part in ("Package", "Threads", "Configuration", "state_path", "product = mycloud"):
            self.assertIn(part, report)
        self.assertEqual(200, requests.get(f"{url}/compute/", timeout=10).status_code)
        program.send(signal.SIGTERM)
        self.assertEqual(0, program.ended())

    def in_database(self, query: str) -> list[tuple]:
        database = sqlite3.connect(self.state / "mycloud.db")
        with contextlib.closing(database):
            return database.execute(query).fetchall()

    def test_a_backend_that_cannot_start_leaves_the_others_at_work(self) -> None:
        """Rows A5.22 and A5.29: what is there is told within a second of the start."""
        self.configure(f"[api]\nport = 0\n{_BACKENDS}[slow]\nvolume_driver = file\n"
                       f"volume_dir = {self.config}\n")
        program = self.start("all")
        program.line(containing="mycloud-volume on here@fast is ready")
        wait_for(
            lambda: self.in_database("SELECT pool FROM volume_pools") == [("fast",)],
            "the pool is told of", 1,
        )
        program.line(containing="mycloud-volume on here@slow is ready")
        [(trouble,)] = self.in_database("SELECT trouble FROM services WHERE host = 'here@slow'")
        self.assertIn("slow", trouble)
        self.assertNotIn(str(self.state), trouble)

    def test_the_backdoor_is_on_loopback_and_only_there_when_asked_for(self) -> None:
        self.configure("[api]\nport = 0\n", backdoor_port="0")
        program = self.start("all")
        line = program.line(containing="Backdoor listens on 127.0.0.1 port")
        port = int(line.split()[-1])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as door:
            said = b""
            while block := door.recv(65536):
                said += block
        self.assertIn(b"Threads", said)
        self.assertIn(b"product = mycloud", said)
        for address in machine_addresses():
            with socket.socket() as sock:
                self.assertNotEqual(0, sock.connect_ex((address, port)), address)
        self.configure("[api]\nport = 0\n")
        quiet = self.start("all")
        quiet.line(containing="Serving")
        self.assertFalse([line for line in quiet.said if "Backdoor" in line])

    def test_systemd_is_told_once_when_all_works(self) -> None:
        self.configure("[api]\nport = 0\n")
        path = self.state / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
            bell.bind(str(path))
            bell.settimeout(30)
            program = self.start("all", NOTIFY_SOCKET=str(path))
            self.assertEqual(b"READY=1", bell.recv(100))
            program.line(containing="Serving")
            url = self.served(program)["identity"]
            self.assertEqual(200, requests.get(f"{url}/identity/v3", timeout=10).status_code)
            bell.settimeout(0.5)
            self.assertRaises(TimeoutError, bell.recv, 100)

    def test_enabled_apis_may_have_ports_of_their_own(self) -> None:
        self.configure("[api]\nport = 0\nenabled_apis = identity, compute=0, image=0\n")
        program = self.start("all")
        wait_for(lambda: len(self.served(program)) == 3, "three listeners")
        urls = self.served(program)
        self.assertEqual(3, len(set(urls.values())))
        self.assertNotIn("cloud", urls)
        for name in urls:
            for other, url in urls.items():
                status = requests.get(f"{url}/{name}", timeout=10).status_code
                (self.assertNotEqual if name == other else self.assertEqual)(404, status)


class EnabledApisTest(testtools.TestCase):
    def test_those_without_a_port_share_one(self) -> None:
        self.assertEqual(
            {("identity", "image"): 8774, ("compute",): 1234},
            api_service.enabled(["identity", " compute=1234", "image"], 8774),
        )

    def test_nonsense_is_refused(self) -> None:
        for names in (["ec2"], [], ["compute=high"], ["compute=70000"], ["image", "image=1"]):
            error = self.assertRaises(exceptions.ConfigError, api_service.enabled, names, 1)
            self.assertIn("[api]/enabled_apis", error.message)


if __name__ == "__main__":
    unittest.main()
