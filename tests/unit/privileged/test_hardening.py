"""The unit of the root helper allows what the program itself keeps."""

from pathlib import Path

import testtools

from mycloud.privileged import capabilities

UNIT = Path(__file__).parents[3] / "etc/mycloud/systemd/mycloud-privileged.service"


class UnitTest(testtools.TestCase):
    def test_capabilities(self) -> None:
        [line] = [
            line for line in UNIT.read_text().splitlines()
            if line.startswith("CapabilityBoundingSet=")
        ]
        self.assertEqual(list(capabilities.KEPT), line.partition("=")[2].split())

    def test_it_sees_the_file_system_as_the_services_do(self) -> None:
        for setting in ("ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateMounts"):
            self.assertNotRegex(UNIT.read_text(), f"(?m)^{setting}=")
