"""Figures of a host: read from the kernel, sampled, shown with rates, told to Prometheus."""

import datetime
from pathlib import Path

import fixtures
import testtools
from prometheus_client.parser import text_string_to_metric_families

from mycloud.agent.host import Host
from mycloud.agent.hypervisor import DiskFigures, GuestFigures, Hypervisor, NicFigures
from mycloud.agent.statistics import metrics, proc, view
from mycloud.agent.statistics.exposition import escaped
from mycloud.agent.statistics.sampler import Sampler
from mycloud.agent.verbs import host_stats
from mycloud.common import concurrency, exceptions

ODD = 'a "b" \\ c\nd'


def guest(seconds=0.0, **changes):
    wanted = {
        "server_id": "one", "name": "web", "project_id": "p", "power_state": "running",
        "vcpus": 2, "cpu_seconds": 10 + seconds, "vcpu_seconds": (5 + seconds, 5.0),
        "memory_bytes": 1 << 30,
        "disks": (
            DiskFigures("vda", read_bytes=int(1000 * seconds)),
            DiskFigures("vdb", volume_id="v1"),
        ),
        "nics": (NicFigures("tap0", "52:54:00:00:00:01", rx_bytes=int(2000 * seconds)),),
    }
    return GuestFigures(**{**wanted, **changes})


class Still(Hypervisor):
    """A hypervisor whose guests are what the test says."""

    def __init__(self):
        self.found = []
        self.asked = 0
        self.error = None

    def statistics(self):
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.found

    def versions(self):
        return {}

    def log_files(self):
        return []


class SamplerCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.now = 100.0
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.monotonic", self._time))
        self.hypervisor = Still()
        self.state = Path(self.useFixture(fixtures.TempDir()).path)
        self.sampler = Sampler(self.hypervisor, self.state, max_age=15)
        self.host = Host("host1", self.state, {Sampler: self.sampler})

    def _time(self):
        return self.now


class SamplerTest(SamplerCase):
    def test_a_sample_is_told_until_it_is_too_old(self):
        first, before = self.sampler.current()
        self.assertIsNone(before)
        self.now += 15
        self.assertEqual((first, None), self.sampler.current())
        self.now += 1
        second, before = self.sampler.current()
        self.assertEqual((first, 116.0), (before, second.at))
        self.assertEqual(2, self.hypervisor.asked)

    def test_hypervisor_that_hangs_holds_up_nobody(self):
        first = self.sampler.take()
        begun, goes_on = concurrency.Event(), concurrency.Event()
        self.addCleanup(goes_on.set)

        def hang():
            begun.set()
            goes_on.wait()
            return []

        self.hypervisor.statistics = hang
        task = concurrency.spawn(self.sampler.take)
        self.assertTrue(begun.wait(10))
        self.now += 100
        self.assertEqual((first, None), self.sampler.current())
        _type, text = metrics.render(self.host)
        self.assertIn(b"mycloud_statistics_age_seconds 100.0", text)
        goes_on.set()
        second = task.wait(10)
        self.assertEqual((second, first), self.sampler.current())

    def test_hypervisor_that_does_not_answer(self):
        self.hypervisor.error = exceptions.HypervisorUnavailable(reason="gone", remedy="Wait.")
        shown = host_stats.stats(self.host)
        self.assertFalse(shown["hypervisor"]["answers"])
        self.assertIn("gone", shown["hypervisor"]["reason"])
        self.assertGreater(shown["memory"]["total_bytes"], 0)
        _type, text = metrics.render(self.host)
        self.assertIn(b"mycloud_hypervisor_up 0\n", text)

    def test_rates(self):
        self.hypervisor.found = [guest()]
        self.sampler.take()
        self.now += 10
        # a guest that has come since has no rates yet
        self.hypervisor.found = [guest(5.0), guest(server_id="two")]
        self.sampler.take()
        shown = host_stats.stats(self.host)
        self.assertEqual(10.0, shown["seconds_between"])
        one, two = shown["servers"]
        self.assertEqual((50.0, [50.0, 0.0]), (one["cpu_percent"], one["vcpu_percent"]))
        self.assertEqual(500.0, one["disks"][0]["read_bytes_per_s"])
        self.assertEqual(1000.0, one["nics"][0]["rx_bytes_per_s"])
        self.assertIsNone(two["cpu_percent"])
        self.assertEqual([None, None], two["vcpu_percent"])
        self.assertIsNone(two["disks"][0]["read_bytes_per_s"])
        self.now += 10
        # it was started anew: its counters have gone back
        self.hypervisor.found = [guest(1.0)]
        self.sampler.take()
        [one] = host_stats.stats(self.host)["servers"]
        self.assertIsNone(one["cpu_percent"])
        self.assertIsNone(one["disks"][0]["read_bytes_per_s"])
        self.assertEqual("one", view.guest("one", *self.sampler.current())["server_id"])
        self.assertIsNone(view.guest("two", *self.sampler.current()))

    def test_busy_processors(self):
        base = proc.figures()
        spent = iter((
            {"user": 10.0, "idle": 90.0, "iowait": 0.0},
            {"user": 15.0, "idle": 100.0, "iowait": 5.0},
        ))

        def figures(_path):
            return proc.HostFigures(**{**vars(base), "cpu_seconds": next(spent)})

        sampler = Sampler(self.hypervisor, self.state, max_age=15, figures=figures)
        sampler.take()
        self.now += 10
        sampler.take()
        self.assertEqual(25.0, view.document("h", *sampler.current())["cpu"]["used_percent"])


class ProcTest(testtools.TestCase):
    def test_this_machine(self):
        found = proc.figures(Path("/"))
        self.assertGreater(found.cpus, 0)
        self.assertGreater(found.cpu_seconds["idle"], 0)
        self.assertGreater(found.uptime_seconds, 0)
        self.assertGreater(found.memory["available_bytes"], 0)
        self.assertGreater(found.file_systems[0].size_bytes, found.file_systems[0].free_bytes)
        self.assertNotIn("lo", [nic.device for nic in found.nics])

    def test_files_of_a_kernel(self):
        root = Path(self.useFixture(fixtures.TempDir()).path)
        (root / "net").mkdir()
        for name, text in {
            "stat": "cpu  100 0 50 1000\ncpu0 50 0 25 500\ncpu1 50 0 25 500\nintr 1 2\n",
            "loadavg": "0.50 1.25 2.00 3/120 999\n",
            "uptime": "3600.25 7000.00\n",
            "meminfo": "MemTotal: 2048 kB\nMemFree: 1024 kB\nHugePages_Total: 0\n",
            "diskstats": "8 0 nosuchdisk 1 2 3 4 5 6 7 8 9 10 11\n",
            "net/dev": "a\nb\n  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n lo: 1 2 3 4 5 6 7 8"
                       " 9 10 11 12 13 14 15 16\n",
        }.items():
            (root / name).write_text(text)
        found = proc.figures(proc=root)
        self.assertEqual(2, found.cpus)
        self.assertEqual({"user", "nice", "system", "idle"}, set(found.cpu_seconds))
        self.assertEqual((0.5, 1.25, 2.0), found.load)
        self.assertEqual(120, found.processes)
        self.assertEqual(2 << 20, found.memory["total_bytes"])
        self.assertEqual(0, found.memory["swap_free_bytes"])
        self.assertEqual((), found.disks)
        [nic] = found.nics
        self.assertEqual(("eth0", 1, 4, 9, 12),
                         (nic.device, nic.rx_bytes, nic.rx_drop, nic.tx_bytes, nic.tx_drop))


class MetricsTest(SamplerCase):
    def parsed(self):
        kind, text = metrics.render(self.host)
        self.assertTrue(kind.startswith("text/plain; version=0.0.4"))
        return {family.name: family for family in text_string_to_metric_families(text.decode())}

    def test_labels_and_values(self):
        self.hypervisor.found = [guest(1.5, name=ODD), guest(server_id="two", project_id=None)]
        found = self.parsed()
        spent = {
            sample.labels["server_id"]: (sample.labels, sample.value)
            for sample in found["mycloud_server_cpu_seconds"].samples
        }
        self.assertEqual(
            ({"server_id": "one", "name": ODD, "project_id": "p"}, 11.5), spent["one"]
        )
        self.assertEqual("", spent["two"][0]["project_id"])
        disks = {
            (sample.labels["server_id"], sample.labels["device"]): sample.labels["volume_id"]
            for sample in found["mycloud_server_disk_read_bytes"].samples
        }
        self.assertEqual("v1", disks["one", "vdb"])
        self.assertEqual("", disks["one", "vda"])
        nic = found["mycloud_server_network_rx_bytes"].samples[0]
        self.assertEqual(("tap0", 3000.0), (nic.labels["device"], nic.value))
        # what is not known has no series
        self.assertNotIn("mycloud_server_disk_errors", found)
        self.assertEqual(2, found["mycloud_host_servers"].samples[0].value)
        self.assertEqual(1, found["mycloud_hypervisor_up"].samples[0].value)

    def test_conventions(self):
        self.hypervisor.found = [guest()]
        for name, family in self.parsed().items():
            self.assertRegex(name, r"^(mycloud|process)_[a-z0-9_]+$")
            self.assertTrue(family.documentation, name)
            self.assertIn(family.type, ("counter", "gauge"), name)
            names = {sample.name for sample in family.samples}
            self.assertEqual({f"{name}_total" if family.type == "counter" else name}, names)
            self.assertNotRegex(name, r"_(mb|kb|kib|ms|ns|percent|milliseconds)\b", name)
            seen = [tuple(sorted(sample.labels.items())) for sample in family.samples]
            self.assertEqual(len(seen), len(set(seen)), name)

    def test_escaping(self):
        self.assertEqual(r'a \"b\" \\ c\nd', escaped(ODD))

    def test_200_servers_are_cheap(self):
        self.hypervisor.found = [guest(server_id=str(number)) for number in range(200)]
        self.sampler.take()
        began = datetime.datetime.now()
        metrics.render(self.host)
        took = (datetime.datetime.now() - began).total_seconds()
        # ten times what it takes on a quiet machine
        self.assertLess(took, 0.5)
