"""The schema on PostgreSQL: the tests of tests.functional.test_migrations."""

import unittest

import testtools

from mycloud.db import engine
from tests.fixtures import postgresql
from tests.functional.test_migrations import SchemaMixin


@unittest.skipIf(postgresql.why_not(), postgresql.why_not())
class PostgresqlMigrationTest(SchemaMixin, testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = self.useFixture(postgresql.PostgreSQL()).url
        engine.configure(self.url)
        self.addCleanup(engine.unconfigure)


if __name__ == "__main__":
    unittest.main()
