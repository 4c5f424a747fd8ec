"""The table of mounts is read as the kernel writes it."""

import testtools

from mycloud.privileged.mounts import Mount, find

TABLE = r"""22 26 0:20 / /proc rw,nosuid - proc proc rw
30 26 0:26 / /srv/volumes rw,relatime shared:15 - nfs4 filer:/export/old rw,vers=4.2
31 26 0:27 / /srv/my\040volumes ro - nfs filer:/export/a\134b rw,vers=3,nolock,local_lock=all
32 30 0:28 / /srv/volumes rw,noexec shared:1 master:2 - nfs4 [fd00::1]:/export/new rw,vers=4.2
33 26 8:1 / /srv rw - ext4 /dev/sda1 rw
torn line
"""


class MountsTest(testtools.TestCase):
    def test_the_last_one_counts(self):
        self.assertEqual(
            Mount(
                "/srv/volumes", "nfs4", "[fd00::1]:/export/new",
                frozenset({"rw", "noexec", "vers=4.2"}),
            ),
            find("/srv/volumes", TABLE),
        )

    def test_words_with_spaces(self):
        found = find("/srv/my volumes", TABLE)
        self.assertEqual("filer:/export/a\\b", found.source)
        self.assertLessEqual({"ro", "nolock", "local_lock=all"}, found.options)

    def test_only_the_very_directory(self):
        for point in ("/srv/volumes/below", "/srv/vol", "/", ""):
            self.assertIsNone(find(point, TABLE))
