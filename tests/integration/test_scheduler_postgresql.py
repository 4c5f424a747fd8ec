"""Placements that run at the same time, on PostgreSQL, whose writers do not take turns."""

import unittest

import testtools

from mycloud.common import concurrency
from mycloud.scheduler import placement
from tests.fixtures import postgresql
from tests.fixtures.placement import Placements
from tests.functional.test_scheduler import ConcurrentPlacements


@unittest.skipIf(postgresql.why_not(), postgresql.why_not() or "")
class PostgreSQLPlacementTest(ConcurrentPlacements, testtools.TestCase):
    """Without the turns that placements of one process take: as many schedulers would do it."""

    def setUp(self) -> None:
        super().setUp()
        database = self.useFixture(postgresql.PostgreSQL())
        self.cloud = self.useFixture(Placements(database.url))
        self.patch(placement, "_turn", concurrency.Semaphore(1000))
