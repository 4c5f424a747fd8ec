"""Networks of a host by a document: the real root helper in a namespace with NICs of its own."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import unittest
from pathlib import Path
from typing import Any

from mycloud.agent.network.backends.netlink import Netlink
from mycloud.common import exceptions
from mycloud.privileged import client, digest, errors
from mycloud.privileged.network import model
from tests.fixtures.host_network import CHECKPOINT, HostNetworkCase
from tests.fixtures.mounts import have
from tests.fixtures.privileged import PrivilegedHelper
from tests.fixtures.program import wait_for

OFF_THE_NET = {"networks": {"away": {"nic": "eth0", "addresses": ["203.0.113.9/24"]}}}
BRIDGED = {
    "networks": {
        "management": {
            "nic": "eth0", "bridged": True, "mtu": 1400, "stp": True,
            "addresses": ["192.0.2.7/24", "2001:db8::7/64"],
            "gateway": ["192.0.2.1", "2001:db8::1"], "default_route": True,
            "name_servers": ["192.0.2.53"],
        },
        "a network with a long name": {
            "nic": "eth1", "bridged": True, "addresses": ["10.4.0.7/16", "2001:db8:4::7/64"],
            "gateway": ["10.4.0.1", "2001:db8:4::1"],
        },
    }
}


class ApplyTest(HostNetworkCase):
    def test_apply_and_commit(self) -> None:
        done = self.setup.apply(BRIDGED, 60)
        links, addresses, _, resolv, _ = self.seen()
        self.assertIn(("management", 1400, True, None), links)
        self.assertIn(("eth0", 1400, True, "management"), links)
        self.assertEqual(["a network with a long name"], [
            name for name in self.setup.status()["armed"]["document"]["networks"]
            if name != "management"
        ])
        self.assertEqual(
            [["192.0.2.7", 24, False], ["2001:db8::7", 64, False]],
            [rest for link, *rest in addresses if link == "management"],
        )
        self.answers_by_its_own_gateway()
        self.assertEqual("search example\nnameserver 192.0.2.53\n", resolv)
        self.assertEqual("committed", self.setup.commit(done["checkpoint"])["outcome"])
        again = self.setup.apply(BRIDGED)
        self.assertEqual((None, []), (again["checkpoint"], again["lines"]))
        done = self.setup.apply({"networks": {
            "management": {"remove": True}, "a network with a long name": {"remove": True},
        }}, 60)
        self.setup.commit(done["checkpoint"])
        self.assertEqual({"eth0", "eth1", "lo"}, {link[0] for link in self.seen()[0]})
        self.assertEqual({}, self.setup.status()["document"]["networks"])
        self.assertEqual([], client.call.source_route_list())

    def answers_by_its_own_gateway(self) -> None:
        for source, gateway in (("10.4.0.7", "10.4.0.1"), ("2001:db8:4::7", "2001:db8:4::1")):
            far = "2001:db8:ffff::1" if ":" in source else "203.0.113.1"
            [way] = self.inside.ip_json("route", "get", far, "from", source)
            self.assertEqual(gateway, way["gateway"])

    def test_roll_back(self) -> None:
        done = self.setup.apply(BRIDGED, 60)
        self.assertNotEqual(self.before, self.seen())
        ended = self.setup.rollback(done["checkpoint"], "no answer from the host")
        self.assertEqual([], ended["problems"])
        self.is_back()
        self.assertEqual("no answer from the host", self.setup.status()["last"]["reason"])
        error = self.assertRaises(
            exceptions.CheckpointNotOpen, self.setup.commit, done["checkpoint"]
        )
        self.assertIn("it was rolled back (no answer from the host)", error.message)

    def test_a_nic_that_is_gone_does_not_keep_back_the_rest(self) -> None:
        done = self.setup.apply(BRIDGED, 60)
        self.outside.ip("link", "delete", "port1")
        problems = self.setup.rollback(done["checkpoint"])["problems"]
        self.assertEqual(["there is no interface eth1"], problems)
        links, *rest = self.seen()
        self.assertEqual(list(self.before[1:]), rest)
        self.assertEqual({"lo", "eth0"}, {link[0] for link in links})

    def test_one_at_a_time(self) -> None:
        done = self.setup.apply(OFF_THE_NET, 60)
        error = self.assertRaises(exceptions.HostNetworkBusy, self.setup.apply, BRIDGED)
        self.assertIn(done["checkpoint"], error.message)
        self.setup.rollback(done["checkpoint"])
        self.is_back()

    def test_wrong_input_changes_nothing(self) -> None:
        for document, field in (
            ({"networks": {"a": {"nic": "eth9"}}}, "networks.a.nic"),
            ({"networks": {"a": {"nic": "lo"}}}, "networks.a.nic"),
            ({"networks": {"eth1": {"nic": "eth0", "bridged": True}}}, "networks.eth1"),
            ({"networks": {"a": {"nic": "eth1", "addresses": ["192.0.2.7/24"]}}},
             "networks.a.addresses[0]"),
            ({"networks": {"a": {"nic": "eth1", "addresses": ["192.0.2.300/24"]}}},
             "networks.a.addresses[0]"),
        ):
            error = self.assertRaises(exceptions.BadField, self.setup.apply, document)
            self.assertEqual(field, error.kwargs["field"])
        self.is_back()

    def test_failure_in_the_middle(self) -> None:
        # this kernel makes no VLANs: the step after the bridge fails
        document = {"networks": {
            **BRIDGED["networks"], "tagged": {"nic": "eth1", "vlan": 7},
        }}
        if self.makes_vlans():
            self.skipTest("this kernel makes VLANs")
        error = self.assertRaises(
            exceptions.HostNetworkNotApplied, self.setup.apply, document
        )
        self.assertIn("Unknown device type", error.message)
        self.is_back()

    def makes_vlans(self) -> bool:
        try:
            client.call.link_add("probe.9", "vlan", details={"base": "eth1", "vlan": 9})
        except errors.SystemFailed:
            return False
        client.call.link_remove("probe.9")
        return True


class VerbsTest(HostNetworkCase):
    """What the root helper lets be done outside of a checkpoint."""

    def test_what_others_have_made_is_not_touched(self) -> None:
        for verb, arguments in (
            ("link_remove", ("eth0",)), ("link_leave", ("lo",)),
            ("address_add", ("lo", "127.0.0.9/8")), ("address_remove", ("lo", "127.0.0.1/8")),
            ("route_add", ("lo", "10.9.0.0/16")), ("route_remove", ("lo", "10.9.0.0/16")),
            ("dhcp_start", ("lo", "v4")),
        ):
            error = self.assertRaises(
                errors.Refused, getattr(client.call, verb), *arguments
            )
            self.assertIn("is not mycloud's", error.message)
        self.inside.batch("link add theirs type bridge")
        self.assertRaises(errors.Refused, client.call.link_remove, "theirs")
        self.assertRaises(errors.Refused, client.call.link_set, "theirs", up=True)
        self.inside.batch("link del theirs")
        self.is_back()

    def test_what_mycloud_has_made(self) -> None:
        call = client.call
        for _ in range(2):
            call.link_add("br-a", "bridge", mtu=1400, details={"options": {"stp": True}})
            call.link_add("a0", "veth", details={"peer": "a1"})
            call.link_join("a0", "br-a")
            call.link_set("br-a", up=True, mtu=1300)
            call.address_add("br-a", "10.9.0.1/24")
            call.route_add("br-a", "10.10.0.0/16", gateway="10.9.0.2", details={"metric": 5})
        [bridge] = self.inside.ip_json("-d", "addr", "show", "br-a")
        self.assertEqual(
            (1300, "10.9.0.1", 1),
            (bridge["mtu"], bridge["addr_info"][0]["local"],
             bridge["linkinfo"]["info_data"]["stp_state"]),
        )
        self.assertEqual(["a0", "a1", "br-a"], call.link_state()["own"])
        error = self.assertRaises(errors.Refused, call.link_remove, "br-a")
        self.assertIn("is used by a0", error.message)
        for _ in range(2):
            call.route_remove("br-a", "10.10.0.0/16", gateway="10.9.0.2", details={"metric": 5})
            call.address_remove("br-a", "10.9.0.1/24")
            call.link_leave("a0")
            call.link_remove("br-a")
            call.link_remove("a0")
            if "a0" not in self.inside.ip("link"):
                break
        self.is_back()

    def test_what_the_kernel_refuses(self) -> None:
        call = client.call
        call.link_add("br-a", "bridge")
        self.addCleanup(call.link_remove, "br-a")
        for verb, arguments, more, number, words in (
            ("link_add", ("br-a", "veth"), {"details": {"peer": "b"}}, errno.EEXIST,
             "another one"),
            ("link_add", ("eth0", "bridge"), {}, errno.EEXIST, "another one"),
            ("link_join", ("br-a", "br-none"), {}, errno.ENODEV, "no link br-none"),
            ("link_set", ("br-none",), {"up": True}, errno.ENODEV, "no link br-none"),
            ("address_add", ("br-none", "10.9.0.1/24"), {}, errno.ENODEV, "no link br-none"),
            ("route_add", ("br-a", "10.9.0.0/16"), {"gateway": "10.1.1.1"}, errno.ENETUNREACH,
             "gateway"),
            ("link_join", ("br-a", "br-a"), {}, errno.ELOOP, "does not change br-a"),
        ):
            error = self.assertRaises(
                errors.SystemFailed, getattr(call, verb), *arguments, **more
            )
            self.assertEqual(number, error.details["errno"], error.message)
            self.assertIn(words, error.message)

    def test_what_is_no_argument(self) -> None:
        call = client.call
        for verb, arguments, more in (
            ("link_add", ("a", "vlan"), {}),
            ("link_add", ("a", "vlan"), {"details": {"base": "eth0", "vlan": 4096}}),
            ("link_add", ("a", "bridge"), {"details": {"name": "b"}}),
            ("link_add", ("a", "veth"), {"details": {"peer": "-b"}}),
            ("link_add", ("a" * 16, "bridge"), {}),
            ("link_add", ("a", "tun"), {}),
            ("link_set", ("a",), {"mtu": 67}),
            ("address_add", ("a", "192.0.2.7"), {}),
            ("route_add", ("a", "192.0.2.0/24"), {"gateway": "2001:db8::1"}),
            ("route_add", ("a", "192.0.2.0/24"), {"details": {"tables": 5}}),
            ("checkpoint_arm", ({}, {}, {}), {"options": {}, "deadline_seconds": 0}),
            ("checkpoint_arm", ({"links": [{"mtu": 1}]}, {}, {}),
             {"options": {}, "deadline_seconds": 5}),
            ("checkpoint_arm", ({}, {"links": ["../x"]}, {}),
             {"options": {}, "deadline_seconds": 5}),
            ("checkpoint_arm", ({}, {}, {}),
             {"options": {"backend": "magic"}, "deadline_seconds": 5}),
            ("checkpoint_commit", ("x",), {}),
            ("resolver_set", (["192.0.2.53"],), {}),
        ):
            self.assertRaises(
                errors.InvalidArguments, getattr(call, verb), *arguments, **more
            )
        self.is_back()


class Deadly:
    """Calls the helper, and kills it before or after one of the calls that change the host."""

    def __init__(self, helper: PrivilegedHelper, number: int, *, after: bool) -> None:
        self.helper, self.left, self.after = helper, number, after

    def __getattr__(self, verb: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if "checkpoint" not in kwargs:
                return getattr(client.call, verb)(*args, **kwargs)
            self.left -= 1
            if self.left == 0 and not self.after:
                self.helper.kill()
                raise errors.CallLost("The root helper went away")
            found = getattr(client.call, verb)(*args, **kwargs)
            if self.left == 0:
                self.helper.kill()
                raise errors.CallLost("The root helper went away")
            return found

        return call


class KilledTest(HostNetworkCase):
    def test_at_each_step(self) -> None:
        document = {"networks": {"management": BRIDGED["networks"]["management"]}}
        steps = len(self.setup.plan(document)[0].steps)
        self.assertGreater(steps, 10)
        for number in range(1, steps + 1):
            with self.subTest(number):
                self.killed_at(document, number)

    def killed_at(self, document: object, number: int) -> None:
        plan, change = self.setup.plan(document)
        armed = client.call.checkpoint_arm(
            model.state_to_json(plan.target), model.scope_to_json(plan.scope),
            model.scope_to_json(plan.kept), options={}, deadline_seconds=60,
        )
        deadly = Deadly(self.helper, number, after=number % 2 == 0)
        self.assertRaises(errors.CallLost, Netlink(deadly).apply, plan, armed["id"])
        self.expire()
        self.helper.start()
        self.is_back()


class LeaseTest(HostNetworkCase):
    """By busybox: its udhcpc here, its udhcpd at the other end of eth1."""

    without = Path("/usr/sbin/dhclient")
    program = "udhcpc"
    DOCUMENT = {"networks": {"leased": {"nic": "eth1", "bridged": True, "dhcp": True}}}

    def setUp(self) -> None:
        super().setUp()
        try:
            self.inside.run("busybox", "udhcpd", "--help")
        except AssertionError as error:
            self.skipTest(str(error))
        self.outside.run("ip", "addr", "add", "10.5.0.1/24", "dev", "port1")
        conf = self.helper.state / "udhcpd.conf"
        conf.write_text(
            "start 10.5.0.100\nend 10.5.0.100\ninterface port1\nopt router 10.5.0.1\n"
            "opt subnet 255.255.255.0\nopt dns 10.5.0.53\nopt lease 600\n"
            f"lease_file {self.helper.state}/leases\npidfile {self.helper.state}/udhcpd.pid\n"
        )
        (self.helper.state / "leases").touch()
        server = subprocess.Popen(
            ["ip", "netns", "exec", self.outside.name, "busybox", "udhcpd", "-f", str(conf)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.addCleanup(server.wait, 10)
        self.addCleanup(server.terminate)
        self.addCleanup(self.stop_clients)

    def stop_clients(self) -> None:
        for each in client.call.dhcp_clients():
            client.call.dhcp_stop(**each)

    def leased(self) -> list[tuple[str, object]]:
        return [
            (link["ifname"], each["local"]) for link in self.inside.ip_json("addr")
            for each in link["addr_info"] if each["local"] == "10.5.0.100" and each["dynamic"]
        ]

    def programs(self) -> str:
        """Command lines of the DHCP clients that the helper has started."""
        own = os.path.realpath(self.helper.state / "privileged")
        place = f"dhcp-{digest.of(own)}/"
        return subprocess.run(
            ["pgrep", "-af", place], capture_output=True, text=True, check=True
        ).stdout

    def answered_by_its_router(self) -> bool:
        try:
            [way] = self.inside.ip_json("route", "get", "203.0.113.1", "from", "10.5.0.100")
        except AssertionError:
            # the lease has not come yet
            return False
        return (way.get("gateway"), way["dev"]) == ("10.5.0.1", "leased")

    def test_a_lease(self) -> None:
        done = self.setup.apply(self.DOCUMENT, 60)
        wait_for(self.leased, "the lease has come")
        self.assertEqual([("leased", "10.5.0.100")], self.leased())
        self.assertIn(self.program, self.programs())
        self.setup.commit(done["checkpoint"])
        self.assertEqual([], self.setup.apply(self.DOCUMENT)["lines"])
        # the client outlives the helper; where it does not, the next helper starts it
        self.helper.kill()
        self.helper.start()
        self.assertEqual("leased", client.call.dhcp_clients()[0]["link"])
        self.stop_clients()
        self.helper.kill()
        self.helper.start()
        self.assertEqual("leased", client.call.dhcp_clients()[0]["link"])
        self.assertNotIn("'gateway': '10.5.0.1'", str(self.inside.ip_json("route")))
        wait_for(self.answered_by_its_router, "answers leave by the network's own router")
        done = self.setup.apply({"networks": {"leased": {"remove": True}}}, 60)
        self.assertEqual([], client.call.dhcp_clients())
        self.assertEqual([], self.leased())
        self.assertEqual([], client.call.source_route_list())
        self.setup.rollback(done["checkpoint"])
        self.assertEqual(1, len(client.call.dhcp_clients()))
        wait_for(self.leased, "the lease is back")

    def test_a_lease_of_the_default_route_and_back(self) -> None:
        self.inside.batch("route del default metric 100", "route del default via 2001:db8::1")
        before = self.seen()
        document = {"networks": {"leased": {**self.DOCUMENT["networks"]["leased"],
                                            "default_route": True}}}
        done = self.setup.apply(document, 60)
        wait_for(lambda: "10.5.0.53" in self.resolv.read_text(), "the lease has come")
        [route] = self.inside.ip_json("route", "show", "default")
        self.assertEqual(("leased", "10.5.0.1", "dhcp"), tuple(
            route[key] for key in ("dev", "gateway", "protocol")
        ))
        self.setup.rollback(done["checkpoint"])
        self.assertEqual(before, self.seen())
        self.assertEqual([], client.call.dhcp_clients())


@unittest.skipUnless(have("dhclient"), "dhclient is not installed")
class DhclientLeaseTest(LeaseTest):
    """By dhclient, which is taken where it is."""

    without = None
    program = "dhclient"


class BackByItselfTest(HostNetworkCase):
    def test_by_the_timer(self) -> None:
        self.setup.apply(OFF_THE_NET, 3)
        wait_for(lambda: self.setup.status()["armed"] is None, "the helper goes back")
        self.is_back()
        self.assertIn("without a commit", self.setup.status()["last"]["reason"])

    def test_by_the_restart_of_the_helper(self) -> None:
        self.setup.apply(OFF_THE_NET, 60)
        self.helper.kill()
        self.expire()
        self.helper.start()
        self.is_back()
        self.assertIn("was down", self.setup.status()["last"]["reason"])

    def test_a_restart_in_time_goes_on(self) -> None:
        done = self.setup.apply(OFF_THE_NET, 60)
        self.helper.kill()
        self.helper.start()
        self.assertEqual(done["checkpoint"], self.setup.status()["armed"]["id"])
        self.setup.commit(done["checkpoint"])
        self.assertNotEqual(self.before, self.seen())

    def test_by_the_restart_of_the_host(self) -> None:
        kept = self.setup.apply(BRIDGED, 60)
        self.setup.commit(kept["checkpoint"])
        self.before = self.seen()
        self.setup.apply({"networks": {"management": {
            "nic": "eth0", "bridged": True, "addresses": ["203.0.113.9/24"],
        }}}, 60)
        self.helper.end()
        self.restart_the_host()
        self.helper.start()
        status = self.setup.status()
        self.assertEqual((True, []), (status["boot"]["restored"], status["boot"]["problems"]))
        self.assertIn("host was restarted", status["last"]["reason"])
        self.assertEqual(
            "192.0.2.7/24", status["document"]["networks"]["management"]["addresses"][0]
        )
        self.is_back()

    def restart_the_host(self) -> None:
        """All that was set up is gone, and the kernel has another boot id."""
        for link in ("management", *(
            each["ifname"] for each in self.inside.ip_json("link")
            if each["ifname"].startswith("my")
        )):
            self.inside.run("ip", "link", "delete", link)
        self.inside.run("ip", "link", "set", "eth0", "down", "mtu", "1500")
        self.inside.run("ip", "link", "set", "eth1", "down")
        self.inside.run("ip", "addr", "flush", "dev", "eth0")
        for name in ("checkpoint", "boot"):
            path = (self.helper.state / CHECKPOINT).with_name(f"{name}.json")
            key = "boot_id" if name == "checkpoint" else "id"
            path.write_text(json.dumps({**json.loads(path.read_text()), key: "another"}))
