"""Access lists of files."""

import struct

import testtools

from mycloud.privileged import acl


def entries(packed: bytes) -> list[tuple[int, int, int]]:
    assert packed[:4] == b"\2\0\0\0"
    return list(struct.iter_unpack("<HHI", packed[4:]))


class GrantedTest(testtools.TestCase):
    nobody = 0xFFFFFFFF

    def test_of_roots_alone(self) -> None:
        self.assertEqual(
            [
                (1, 6, self.nobody), (2, 6, 999), (4, 0, self.nobody), (16, 6, self.nobody),
                (32, 0, self.nobody),
            ],
            entries(acl.granted(None, 0o20600, 999, 6)),
        )

    def test_others_keep_what_they_have(self) -> None:
        first = acl.granted(None, 0o20660, 999, 6)
        second = acl.granted(first, 0o20660, 998, 6)
        self.assertEqual(
            [
                (1, 6, self.nobody), (2, 6, 998), (2, 6, 999), (4, 6, self.nobody),
                (16, 6, self.nobody), (32, 0, self.nobody),
            ],
            entries(second),
        )
        self.assertEqual(second, acl.granted(second, 0o20660, 998, 6))
