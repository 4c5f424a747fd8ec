"""Volumes, snapshots, attachments and transfers on PostgreSQL."""

import unittest

from tests.fixtures import postgresql
from tests.functional.test_snapshots import SnapshotsTest
from tests.functional.test_volume_attachments_api import AttachmentsTest
from tests.functional.test_volume_transfers import NewerTransfersTest
from tests.functional.test_volumes import VolumesTest
from tests.functional.test_volumes_data import RevertTest
from tests.functional.test_volumes_list import ListTest
from tests.integration.test_servers_postgresql import _OnPostgreSQL

_WHY_NOT = postgresql.why_not()


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class ListPostgreSQLTest(_OnPostgreSQL, ListTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class VolumesPostgreSQLTest(_OnPostgreSQL, VolumesTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class SnapshotsPostgreSQLTest(_OnPostgreSQL, SnapshotsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class AttachmentsPostgreSQLTest(_OnPostgreSQL, AttachmentsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class TransfersPostgreSQLTest(_OnPostgreSQL, NewerTransfersTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class RevertPostgreSQLTest(_OnPostgreSQL, RevertTest):
    pass


# what is imported is run where it comes from
del (
    AttachmentsTest, ListTest, NewerTransfersTest, RevertTest, SnapshotsTest, VolumesTest,
)
