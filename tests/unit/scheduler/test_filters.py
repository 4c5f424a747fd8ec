"""Each filter and weigher alone: tables of what it refuses and what it says."""

from typing import Any

import testtools
from oslo_config import cfg

from mycloud import conf
from mycloud.db.group_claims import AFFINITY, ANTI_AFFINITY, SOFT_AFFINITY, Group
from mycloud.scheduler.filters import operators
from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.filters.capabilities import CapabilitiesFilter
from mycloud.scheduler.filters.destination import DestinationFilter, ZoneFilter
from mycloud.scheduler.filters.group import GroupFilter
from mycloud.scheduler.filters.hints import (
    DifferentHostFilter,
    NearHostFilter,
    SameHostFilter,
)
from mycloud.scheduler.filters.image import ImageFilter, dotted, version_fits
from mycloud.scheduler.filters.resources import MemoryFilter, VcpuFilter
from mycloud.scheduler.host_state import HostState, Request
from mycloud.scheduler.weighers.group import SoftAffinityWeigher, SoftAntiAffinityWeigher
from mycloud.scheduler.weighers.resources import MemoryWeigher

CAPABILITIES = {
    "hypervisor_type": "QEMU",
    "hypervisor_version": 7002003,
    "virt_type": "kvm",
    "arch": "x86_64",
    "numa": "2",
    "cpu_info": {"vendor": "Intel", "features": ["avx", "sse4.2"]},
}


def host(name: str = "host1", **values: Any) -> HostState:
    amounts = {"vcpus": 4, "memory_mb": 4096, "disk_gb": 100}
    return HostState(
        **{
            "id": name,
            "host": name,
            "node": f"{name}.test",
            "limits": {"vcpus": 16, "memory_mb": 4096, "disk_gb": 100},
            "used": dict.fromkeys(amounts, 0),
            "capacity": amounts,
            "availability_zone": "east",
            "hypervisor_version": 7002003,
            "capabilities": CAPABILITIES,
            **values,
        }
    )


def request(**values: Any) -> Request:
    return Request(amounts={"vcpus": 1, "memory_mb": 512, "disk_gb": 1}, **values)


class OperatorsTest(testtools.TestCase):
    def test_table(self) -> None:
        for have, wanted, expected in (
            ("x86_64", "x86_64", True),
            ("x86_64", "aarch64", False),
            (4, "4", True),
            ("5", "= 4", True),
            ("3", "= 4", False),
            ("4", "== 4.0", True),
            ("5", "!= 4", True),
            (10, ">= 9", True),
            (10, "<= 9", False),
            ("abc", ">= 9", False),
            (10, ">= x", False),
            ([1], ">= 0", False),
            ("1a", "s== 1a", True),
            ("1a", "s!= 1a", False),
            ("b", "s> a", True),
            ("b", "s>= b", True),
            ("b", "s< a", False),
            ("b", "s<= b", True),
            ("abcd", "<in> bc", True),
            ("abcd", "<in> xy", False),
            (["avx", "sse"], "<in> avx", True),
            (["avx", "sse"], "<in> av", False),
            (["avx", "sse"], "<all-in> sse avx", True),
            (["avx", "sse"], "<all-in> sse avx2", False),
            ("b", "<or> a <or> b", True),
            ("c", "<or> a <or> b", False),
            ("true", "", False),
            (None, "s== x", False),
        ):
            self.assertEqual(expected, operators.matches(have, wanted), (have, wanted))


class FilterTest(testtools.TestCase):
    """``refuses`` and ``remedy`` of the filters."""

    def check(self, each: Filter, asked: Request, *, by: HostState | None = None) -> str:
        """The remedy, or "" where the host passes."""
        found = by or host()
        if not each.refuses(found, asked):
            return ""
        remedy = each.remedy(found, asked)
        self.assertTrue(remedy)
        self.assertTrue(0 < each.shortfall(found, asked) <= 1)
        return remedy

    def test_a_server_is_not_oversubscribed_against_itself(self) -> None:
        asked = Request(amounts={"vcpus": 5, "memory_mb": 1, "disk_gb": 0})
        self.assertEqual(
            "has 4 of its vCPUs free where 5 are asked for: choose a flavor with at most 4",
            self.check(VcpuFilter(), asked),
        )
        four = Request(amounts={"vcpus": 4, "memory_mb": 1, "disk_gb": 0})
        self.assertEqual("", self.check(VcpuFilter(), four))

    def test_ratio_that_was_lowered(self) -> None:
        full = host(used={"vcpus": 0, "memory_mb": 5000, "disk_gb": 0})
        self.assertIn("has 0 MiB", self.check(MemoryFilter(), request(), by=full))
        self.assertIn("free 1416 MiB", self.check(MemoryFilter(), request(), by=full))

    def test_full_host_that_is_too_small_anyway(self) -> None:
        full = host(used={"vcpus": 0, "memory_mb": 4096, "disk_gb": 0})
        asked = Request(amounts={"vcpus": 1, "memory_mb": 8192, "disk_gb": 0})
        self.assertEqual(
            "has 0 MiB of memory free where 8192 MiB are asked for: choose a flavor with at "
            "most 4096 MiB, and free as much there",
            self.check(MemoryFilter(), asked, by=full),
        )

    def test_capabilities(self) -> None:
        for specs, passes in (
            ({}, True),
            ({"capabilities:arch": "x86_64"}, True),
            ({"capabilities:arch": "<or> aarch64 <or> x86_64"}, True),
            ({"capabilities:cpu_info:features": "<in> avx"}, True),
            ({"capabilities:cpu_info:features": "<in> avx512"}, False),
            ({"capabilities:cpu_info:vendor:name": "Intel"}, False),
            ({"capabilities:hypervisor_version": ">= 7000000"}, True),
            ({"capabilities:hypervisor_type": "QEMU"}, True),
            ({"capabilities:nothing": "x"}, False),
            ({"capabilities:": "x"}, False),
            ({"numa": ">= 2"}, True),
            ({"numa": ">= 3"}, False),
            ({"unknown": "x"}, False),
            # meant for others
            ({"hw:cpu_policy": "dedicated"}, True),
            ({"hw:cpu_policy": "dedicated", "arch": "aarch64"}, False),
            ({"trait:HW_CPU_X86_AVX512": "required"}, True),
            ({"quota:cpu_shares": "100", "os:secure_boot": "required"}, True),
            ({"resources:VGPU": "1", "hw_rng:allowed": "True"}, True),
            # what the aggregates say
            ({"aggregate_instance_extra_specs:ssd": "true"}, True),
            ({"aggregate_instance_extra_specs:ssd": "false"}, False),
            ({"aggregate_instance_extra_specs:arch": "x86_64"}, False),
            ({"aggregate_instance_extra_specs:rack": "<or> 3 <or> 2"}, True),
            ({"ssd": "true"}, True),
            ({"capabilities:ssd": "true"}, False),
        ):
            member = host(aggregates={"ssd": ["true"], "rack": ["1", "2"]})
            remedy = self.check(CapabilitiesFilter(), request(extra_specs=specs), by=member)
            self.assertEqual(passes, not remedy, specs)
        self.assertEqual(
            "does not offer capabilities:arch s390x: choose a flavor that does not ask for it",
            self.check(
                CapabilitiesFilter(), request(extra_specs={"capabilities:arch": "s390x"})
            ),
        )

    def test_image_properties(self) -> None:
        for properties, passes in (
            ({}, True),
            ({"os_distro": "debian"}, True),
            ({"hw_architecture": "x86_64"}, True),
            ({"architecture": "AMD64"}, True),
            ({"architecture": "i386"}, True),
            ({"hw_architecture": "aarch64"}, False),
            ({"img_hv_type": "kvm"}, True),
            ({"hypervisor_type": "qemu"}, True),
            ({"hypervisor_type": "vmware"}, False),
            ({"hw_vm_mode": "hvm"}, True),
            ({"vm_mode": "xen"}, False),
            ({"hypervisor_version_requires": ">=7.2, <8"}, True),
            ({"img_hv_requested_version": ">7.2.3"}, False),
            ({"hypervisor_version_requires": "whatever"}, False),
        ):
            remedy = self.check(ImageFilter(), request(image_properties=properties))
            self.assertEqual(passes, not remedy, properties)

    def test_versions(self) -> None:
        self.assertEqual("7.2.3", dotted(7002003))
        for wanted, fits in (("==7.2.3", True), ("!=7.2.3", False), ("<=7.2.3", True),
                             ("<7.2", False), (">=7, <7.3", True), ("", False)):
            self.assertEqual(fits, version_fits(7002003, wanted), wanted)

    def test_destination_and_zone(self) -> None:
        self.assertEqual("", self.check(DestinationFilter(), request(host="host1")))
        self.assertEqual(
            "is not host2:n: name another host, or none",
            self.check(DestinationFilter(), request(host="host2", node="n")),
        )
        self.assertEqual("", self.check(ZoneFilter(), request(availability_zone="east")))
        self.assertIn(
            "zone east", self.check(ZoneFilter(), request(availability_zone="west"))
        )

    def test_group(self) -> None:
        for group, passes in (
            (None, True),
            (Group(AFFINITY), True),
            (Group(AFFINITY, members={"host1": 1}), True),
            (Group(AFFINITY, members={"host2": 1}), False),
            (Group(ANTI_AFFINITY, members={"host2": 1}), True),
            (Group(ANTI_AFFINITY, members={"host1": 1}), False),
            (Group(ANTI_AFFINITY, 2, {"host1": 1}), True),
            (Group(ANTI_AFFINITY, 2, {"host1": 2}), False),
            (Group(SOFT_AFFINITY, members={"host2": 1}), True),
        ):
            self.assertEqual(passes, not self.check(GroupFilter(), request(group=group)), group)

    def test_hints(self) -> None:
        places = {"a": "host1", "b": "host2"}
        for each, hints, passes in (
            (SameHostFilter(), {}, True),
            (SameHostFilter(), {"same_host": "a"}, True),
            (SameHostFilter(), {"same_host": ["b"]}, False),
            (SameHostFilter(), {"same_host": ["b", "a"]}, True),
            (SameHostFilter(), {"same_host": "unknown"}, False),
            (SameHostFilter(), {"same_host": {"no": "id"}}, True),
            (DifferentHostFilter(), {"different_host": "a"}, False),
            (DifferentHostFilter(), {"different_host": ["b", "unknown"]}, True),
        ):
            asked = request(hints=hints, hinted_hosts=places)
            self.assertEqual(passes, not self.check(each, asked), hints)

    def test_near_host(self) -> None:
        near = host(host_ip="192.0.2.77")
        for hints, passes in (
            ({}, True),
            ({"build_near_host_ip": "192.0.2.1"}, True),
            ({"build_near_host_ip": "192.0.2.1", "cidr": "/26"}, False),
            ({"build_near_host_ip": "192.0.2.65", "cidr": "26"}, True),
            ({"build_near_host_ip": "nonsense"}, False),
            ({"build_near_host_ip": "192.0.2.1", "cidr": "/99"}, False),
            ({"build_near_host_ip": "2001:db8::1", "cidr": "/64"}, False),
        ):
            remedy = self.check(NearHostFilter(), request(hints=hints), by=near)
            self.assertEqual(passes, not remedy, hints)
        self.assertTrue(
            self.check(NearHostFilter(), request(hints={"build_near_host_ip": "192.0.2.1"}))
        )


class WeigherTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        conf.register_all()

    def weights(self, weigher: Any, asked: Request, *hosts: HostState) -> list[float]:
        return weigher.weights(hosts, asked)

    def test_stretched_to_one(self) -> None:
        hosts = [
            host(str(used), used={"vcpus": 0, "memory_mb": used, "disk_gb": 0})
            for used in (0, 1024, 4096)
        ]
        self.assertEqual([1.0, 0.75, 0.0], self.weights(MemoryWeigher(), request(), *hosts))
        cfg.CONF.set_override("ram_weight_multiplier", -2.0, "scheduler")
        self.addCleanup(cfg.CONF.clear_override, "ram_weight_multiplier", "scheduler")
        self.assertEqual([-2.0, -1.5, 0.0], self.weights(MemoryWeigher(), request(), *hosts))

    def test_equal_hosts_and_none(self) -> None:
        self.assertEqual(
            [0.0, 0.0], self.weights(MemoryWeigher(), request(), host("a"), host("b"))
        )
        self.assertEqual([], self.weights(MemoryWeigher(), request()))

    def test_soft_groups(self) -> None:
        hosts = [host("a"), host("b")]
        soft = request(group=Group(SOFT_AFFINITY, members={"a": 1}))
        self.assertEqual([10.0, 0.0], self.weights(SoftAffinityWeigher(), soft, *hosts))
        self.assertEqual([0.0, 0.0], self.weights(SoftAntiAffinityWeigher(), soft, *hosts))
        apart = request(group=Group("soft-anti-affinity", members={"a": 1}))
        self.assertEqual([0.0, 10.0], self.weights(SoftAntiAffinityWeigher(), apart, *hosts))
