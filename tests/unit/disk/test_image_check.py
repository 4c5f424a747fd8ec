"""Images that lie, reach out of themselves or do not fit are refused, with the reason."""

import hashlib
import struct
from pathlib import Path

import fixtures
import testtools

from mycloud.common import exceptions
from mycloud.compute.drivers.base import GuestSpec
from mycloud.disk import image_check
from mycloud.disk.image_spec import ImageSpec

_GIB = 1 << 30


def qcow2(virtual_size=_GIB, backing=b"", incompatible=0):
    """The head of a qcow2 image, enough for whoever only reads heads."""
    offset = 512 if backing else 0
    head = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb", 3, offset, len(backing), 16, virtual_size, 0, 1, 0x30000, 0x10000, 1, 0, 0,
        incompatible, 0, 0, 4, 104,
    )
    return (head.ljust(512, b"\0") + backing).ljust(65536, b"\0")


class ImageCheckTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.path = Path(self.useFixture(fixtures.TempDir()).path, "image")

    def check(self, content, disk_format, **changes):
        self.path.write_bytes(content)
        return image_check.check(
            ImageSpec(**{"id": "i", "checksum": None, "disk_format": disk_format, **changes}),
            self.path,
        )

    def refusal(self, *args, **changes):
        return str(
            self.assertRaises(exceptions.ImageRejected, self.check, *args, **changes)
        )

    def test_good_ones(self):
        content = qcow2(3 * _GIB)
        verdict = self.check(
            content, "qcow2",
            checksum=hashlib.sha512(content).hexdigest(), size=len(content),
        )
        self.assertEqual(image_check.Verdict("qcow2", 3 * _GIB), verdict)
        self.assertEqual(
            image_check.Verdict("raw", 100_000), self.check(b"x" * 100_000, "raw")
        )

    def test_backing_file(self):
        self.assertIn("backing", self.refusal(qcow2(backing=b"/etc/shadow"), "qcow2"))

    def test_data_file(self):
        self.assertIn("data", self.refusal(qcow2(incompatible=4), "qcow2"))

    def test_unknown_feature(self):
        self.assertIn("not safe", self.refusal(qcow2(incompatible=1 << 40), "qcow2"))

    def test_qcow2_that_claims_to_be_raw(self):
        self.assertIn("declared as raw but its content is qcow2", self.refusal(qcow2(), "raw"))

    def test_raw_that_claims_to_be_qcow2(self):
        self.assertIn("its content is raw", self.refusal(b"x" * 4096, "qcow2"))

    def test_format_that_is_not_known(self):
        self.assertIn("use one of raw", self.refusal(b"x" * 4096, "ploop"))

    def test_wrong_size(self):
        self.assertIn("should have 5 bytes but 4 came", self.refusal(b"abcd", "raw", size=5))

    def test_wrong_checksum(self):
        self.assertIn("checksum", self.refusal(b"abcd", "raw", checksum="0" * 128))

    def test_empty(self):
        self.assertIn("empty", self.refusal(b"", "raw"))

    def test_disk_of_no_size(self):
        self.assertIn("no size", self.refusal(qcow2(0), "qcow2"))

    def test_reason_tells_no_path(self):
        said = self.refusal(qcow2(backing=b"/etc/shadow"), "qcow2")
        self.assertNotIn(str(self.path), said)

    def test_root_disk_size(self):
        image = ImageSpec("i", None, "raw")

        def size(root_gb, virtual_size):
            spec = GuestSpec("s", "n", 1, 1, root_gb, image=image)
            return image_check.root_disk_gb(spec.image, spec.root_gb, virtual_size)

        self.assertEqual(5, size(5, _GIB))
        self.assertEqual(2, size(2, 2 * _GIB))
        self.assertEqual(3, size(0, 2 * _GIB + 1))
        self.assertRaises(exceptions.ImageRejected, size, 2, 2 * _GIB + 1)
