"""What is read of what lldpcli prints."""

import json

import testtools

from mycloud.agent.lldp.driver import DRIVERS
from mycloud.common import exceptions


def listed(**parts):
    return {name: [{"value": value}] for name, value in parts.items()}


def neighbour(name, age, **more):
    return {
        "name": name, "via": "LLDP", "rid": "1", "age": age,
        "chassis": [{
            "id": [{"type": "mac", "value": "fe:62:f4:4e:93:dc"}],
            **listed(name="sw7", descr="Example"),
            "mgmt-ip": [{"value": "192.0.2.8"}, {"value": "2001:db8::8"}],
            "mgmt-iface": [{"value": "2"}],
            "capability": [
                {"type": "Bridge", "enabled": True}, {"type": "Router", "enabled": False},
            ],
        }],
        "port": [{
            "id": [{"type": "ifname", "value": "ge-0/0/7"}],
            **listed(descr="rack 5", ttl="120", mfs="9216", aggregation="600"),
        }],
        "vlan": [
            {"vlan-id": "17", "pvid": True}, {"vlan-id": "18", "pvid": False, "value": "store"},
        ],
        "unknown-tlvs": [{"unknown-tlv": [
            {"oui": "33,44,55", "subtype": "254", "len": "2", "value": "AA,01"},
        ]}],
        **more,
    }


def shown(*neighbours, status="RX and TX"):
    return {
        "interfaces": json.dumps({"lldp": [{"interface": [
            {"name": "eth0", "status": [{"value": status}]},
        ]}]}),
        "neighbors": json.dumps({"lldp": [{"interface": list(neighbours)}]}),
    }


class LldpdTest(testtools.TestCase):
    def read(self, what, devices=("eth0",)):
        return DRIVERS["lldpd"].read(what, list(devices))

    def test_what_a_switch_tells(self):
        told = self.read(shown(neighbour("eth0", "0 day, 00:00:01")))["eth0"].document()
        self.assertTrue(told["enabled"])
        self.assertEqual(
            [{
                "system_name": "sw7", "chassis_id": "fe:62:f4:4e:93:dc", "port_id": "ge-0/0/7",
                "port_description": "rack 5", "vlan": 17, "vlans": [18],
                "management_addresses": ["192.0.2.8", "2001:db8::8"], "aggregated": True,
            }],
            told["neighbours"],
        )
        self.assertEqual(
            [
                "Chassis ID", "Port ID", "Time to Live", "Port Description", "System Name",
                "System Description", "System Capabilities", "Management Address",
                "Management Address", "Port VLAN Identifier", "VLAN Name", "Link Aggregation",
                "Maximum Frame Size", "Organization Specific",
            ],
            [each["name"] for each in told["tlvs"]],
        )
        self.assertEqual(
            {"name": "Organization Specific", "type": 127, "oui": 0x334455, "subtype": 254,
             "properties": {"value": "aa01"}},
            told["tlvs"][-1],
        )
        capabilities = told["tlvs"][6]["properties"]
        self.assertEqual((["Bridge", "Router"], ["Bridge"]), tuple(capabilities.values()))

    def test_the_latest_is_first(self):
        found = self.read(shown(
            neighbour("eth0", "1 day, 02:00:00", chassis=[listed(name="old")]),
            neighbour("eth0", "0 day, 00:00:09", chassis=[listed(name="new")]),
            neighbour("eth9", "0 day, 00:00:09"),
        ), ("eth0", "eth1"))
        told = found["eth0"].document()
        self.assertEqual(["new", "old"], [each["system_name"] for each in told["neighbours"]])
        self.assertEqual({"enabled": False, "tlvs": [], "neighbours": []},
                         found["eth1"].document())

    def test_off_or_sending_only(self):
        for status in ("disabled", "TX only", "unknown"):
            self.assertFalse(self.read(shown(status=status))["eth0"].enabled)

    def test_less_than_all(self):
        bare = {"name": "eth0", "chassis": [], "port": None, "vlan": "17", "age": "now"}
        told = self.read(shown(bare))["eth0"].document()
        self.assertEqual([], told["tlvs"])
        self.assertEqual([None], [each["port_id"] for each in told["neighbours"]])
        nameless = {"interfaces": "", "neighbors": '{"lldp": [{"interface": [{"age": 7}]}]}'}
        self.assertEqual((), self.read(nameless)["eth0"].neighbours)
        nothing = {"interfaces": "", "neighbors": '{"lldp": [{}]}'}
        self.assertFalse(self.read(nothing)["eth0"].enabled)

    def test_nonsense(self):
        for text in ("{", "[]", "7", '"x"'):
            self.assertRaises(
                exceptions.LldpUnavailable, self.read, {"interfaces": "", "neighbors": text}
            )
