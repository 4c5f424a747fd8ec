"""lldpad's tool: how it is called, and what is read of what it prints, by a tool that records."""

from pathlib import Path

import fixtures
import testtools

from mycloud.agent.lldp.driver import DRIVERS
from mycloud.privileged import errors, lldp

TLVS = """\
Chassis ID TLV
\tMAC: 01:23:45:67:89:ab
Port ID TLV
\tLocal: 588
Time to Live TLV
\t120
Port Description TLV
\tsome important server, port 4
System Name TLV
\tsite42-row2-rack5
System Description TLV
\tNetwork Operating System, Version 12.3
TAC support: http://example.org/tac
Copyright (c) 2002-2014, Example Inc. All rights reserved.
System Capabilities TLV
\tSystem capabilities:  Bridge, Router
\tEnabled capabilities: Bridge
Management Address TLV
\tIPv4: 192.0.2.40
\tIfindex: 36
\tOID: $
Management Address TLV
\tIPv6: 2001:db8::40
\tIfindex: 37
MAC/PHY Configuration Status TLV
\tAuto-negotiation supported and enabled
\tPMD auto-negotiation capabilities: 0x0001
\tMAU type: Unknown [0x0000]
Link Aggregation TLV
\tAggregation capable
\tCurrently aggregated
\tAggregated Port ID: 600
Maximum Frame Size TLV
\t9216
Port VLAN ID TLV
\tPVID: 2000
VLAN Name TLV
\tVID 2000: Name foo
VLAN Name TLV
\tVID 2001: Name bar
Unidentified Org Specific TLV
\tOUI: 0x009069, Subtype: 1, Info: 504533
LLDP-MED Capabilities TLV
\tDevice Type:  netcon
\tCapabilities: LLDP-MED, Network Policy
End of LLDPDU TLV
"""
READ = [
    {"type": 1, "name": "Chassis ID",
     "properties": {"chassis_id": "01:23:45:67:89:ab", "chassis_id_subtype": "mac"}},
    {"type": 2, "name": "Port ID",
     "properties": {"port_id": "588", "port_id_subtype": "local"}},
    {"type": 3, "name": "Time to Live", "properties": {"time_to_live": 120}},
    {"type": 4, "name": "Port Description",
     "properties": {"port_description": "some important server, port 4"}},
    {"type": 5, "name": "System Name", "properties": {"system_name": "site42-row2-rack5"}},
    {"type": 6, "name": "System Description", "properties": {"system_description": (
        "Network Operating System, Version 12.3\nTAC support: http://example.org/tac\n"
        "Copyright (c) 2002-2014, Example Inc. All rights reserved."
    )}},
    {"type": 7, "name": "System Capabilities", "properties": {
        "system_capabilities": ["Bridge", "Router"], "enabled_capabilities": ["Bridge"],
    }},
    {"type": 8, "name": "Management Address", "properties": {
        "management_address": "192.0.2.40", "management_address_subtype": "ipv4",
        "interface_number": "36",
    }},
    {"type": 8, "name": "Management Address", "properties": {
        "management_address": "2001:db8::40", "management_address_subtype": "ipv6",
        "interface_number": "37",
    }},
    {"type": 127, "oui": 0x00120F, "subtype": 3, "name": "Link Aggregation", "properties": {
        "aggregation_capable": True, "aggregated": True, "aggregated_port_id": 600,
    }},
    {"type": 127, "oui": 0x00120F, "subtype": 4, "name": "Maximum Frame Size",
     "properties": {"maximum_frame_size": 9216}},
    {"type": 127, "oui": 0x0080C2, "subtype": 1, "name": "Port VLAN Identifier",
     "properties": {"vlan_id": 2000}},
    {"type": 127, "oui": 0x0080C2, "subtype": 3, "name": "VLAN Name",
     "properties": {"vlan_id": 2000, "vlan_name": "foo"}},
    {"type": 127, "oui": 0x0080C2, "subtype": 3, "name": "VLAN Name",
     "properties": {"vlan_id": 2001, "vlan_name": "bar"}},
    {"type": 127, "oui": 0x009069, "subtype": 1, "name": "Organization Specific",
     "properties": {"value": "504533"}},
]
TOOL = """#!/bin/sh
echo "${0##*/} $*" >> '%(root)s/calls'
case "$*" in
  -ping) [ -e '%(root)s/silent' ] && exit 1; echo 4242 ;;
  "get-lldp -i eth0 adminStatus") echo adminStatus=rxtx ;;
  "get-lldp -i eth1 adminStatus") echo adminStatus=disabled ;;
  "get-tlv -n -i eth0") cat '%(root)s/tlvs' ;;
  "set-lldp -i nope "*) echo "Device not found, link down or LLDP disabled" >&2; exit 1 ;;
  "is-active --quiet lldpad.service") [ -e '%(root)s/stopped' ] && exit 3; exit 0 ;;
esac
"""


class LldpadTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        for name in ("lldptool", "systemctl"):
            (self.root / name).write_text(TOOL % {"root": self.root})
            (self.root / name).chmod(0o755)
        (self.root / "tlvs").write_text(TLVS)
        self.daemon = lldp.Lldpad(str(self.root / "lldptool"), str(self.root / "systemctl"))

    def calls(self):
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def test_running(self):
        self.assertTrue(self.daemon.running())
        self.assertEqual(
            ["systemctl is-active --quiet lldpad.service", "lldptool -ping"], self.calls()
        )

    def test_stopped_service_is_not_asked(self):
        (self.root / "stopped").touch()
        self.assertFalse(self.daemon.running())
        self.assertEqual(["systemctl is-active --quiet lldpad.service"], self.calls())

    def test_silent_service(self):
        (self.root / "silent").touch()
        self.assertFalse(self.daemon.running())

    def test_host_without_systemd(self):
        (self.root / "systemctl").unlink()
        self.assertTrue(self.daemon.running())

    def test_host_without_lldpad(self):
        (self.root / "lldptool").unlink()
        self.assertFalse(self.daemon.running())

    def test_on_and_off(self):
        self.daemon.switch("eth1", on=True)
        self.daemon.switch("eth1", on=False)
        self.assertEqual(
            [
                "lldptool set-lldp -i eth1 adminStatus=rxtx",
                "lldptool set-lldp -i eth1 adminStatus=disabled",
            ],
            self.calls(),
        )
        refused = self.assertRaises(
            errors.ProgramFailed, self.daemon.switch, "nope", on=True
        )
        self.assertIn("Device not found", refused.message)

    def test_what_a_switch_tells(self):
        shown = self.daemon.show(["eth0", "eth1"])
        # what is off is not asked for what it has heard
        self.assertNotIn("lldptool get-tlv -n -i eth1", self.calls())
        heard = DRIVERS["lldpad"].read(shown, ["eth0", "eth1"])
        self.maxDiff = None
        told = heard["eth0"].document()
        self.assertEqual(READ, told["tlvs"])
        self.assertTrue(told["enabled"])
        self.assertEqual(
            [{
                "system_name": "site42-row2-rack5",
                "chassis_id": "01:23:45:67:89:ab",
                "port_id": "588",
                "port_description": "some important server, port 4",
                "vlan": 2000,
                "vlans": [2000, 2001],
                "management_addresses": ["192.0.2.40", "2001:db8::40"],
                "aggregated": True,
            }],
            told["neighbours"],
        )
        self.assertEqual(
            {"enabled": False, "tlvs": [], "neighbours": []}, heard["eth1"].document()
        )

    def test_nonsense_is_no_tlv(self):
        for text in (
            "", "\n\n", "agent failed", "Port VLAN ID TLV\n\tPVID: none\n",
            "VLAN Name TLV\n\tVID x: Name y\n", "Time to Live TLV\n", "Management Address TLV\n",
            "Unidentified Org Specific TLV\n\tOUI: 1\n", " TLV\n",
        ):
            shown = {"eth0": {"status": "adminStatus=rx", "tlvs": text}}
            heard = DRIVERS["lldpad"].read(shown, ["eth0"])["eth0"]
            self.assertEqual((True, ()), (heard.enabled, heard.neighbours), text)
        bare = {"eth0": {"status": "", "tlvs": "Chassis ID TLV\nPort ID TLV\n"}}
        [tlvs] = DRIVERS["lldpad"].read(bare, ["eth0"])["eth0"].neighbours
        self.assertEqual(2, len(tlvs))
