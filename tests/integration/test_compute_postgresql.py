"""The resources around servers, on PostgreSQL."""

import unittest
from typing import Any

import sqlalchemy

from mycloud.common import clock
from tests.fixtures import postgresql
from tests.fixtures.compute_rows import ComputeRows
from tests.functional.test_aggregates import AggregatesTest
from tests.functional.test_flavors import FlavorsTest
from tests.functional.test_hosts import HypervisorsTest, UsageTest
from tests.functional.test_images_proxy import ImagesProxyTest
from tests.functional.test_keypairs import KeypairsTest
from tests.functional.test_quotas import CheckTest, QuotaSetsTest
from tests.functional.test_server_groups import ServerGroupsTest

_WHY_NOT = postgresql.why_not()


class _OnPostgreSQL:
    """Every test has a database of its own in a server that the tests of a class share."""

    server: postgresql.PostgreSQL

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()  # type: ignore[misc]
        cls.server = postgresql.PostgreSQL()
        cls.server.setUp()
        cls.addClassCleanup(cls.server.cleanUp)  # type: ignore[attr-defined]

    def rows(self) -> ComputeRows:
        return ComputeRows(self._new_database())

    def options(self) -> dict[str, Any]:
        return {"database": self._new_database()}

    def _new_database(self) -> str:
        name = f"t{clock.new_id()[:8]}"
        engine = sqlalchemy.create_engine(self.server.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.server.url.replace("/mycloud?", f"/{name}?")


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class AggregatesPostgreSQLTest(_OnPostgreSQL, AggregatesTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class HypervisorsPostgreSQLTest(_OnPostgreSQL, HypervisorsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class UsagePostgreSQLTest(_OnPostgreSQL, UsageTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class FlavorsPostgreSQLTest(_OnPostgreSQL, FlavorsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class ImagesProxyPostgreSQLTest(_OnPostgreSQL, ImagesProxyTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class KeypairsPostgreSQLTest(_OnPostgreSQL, KeypairsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class QuotaSetsPostgreSQLTest(_OnPostgreSQL, QuotaSetsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class QuotaChecksPostgreSQLTest(_OnPostgreSQL, CheckTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class ServerGroupsPostgreSQLTest(_OnPostgreSQL, ServerGroupsTest):
    pass


del AggregatesTest, HypervisorsTest, UsageTest
del FlavorsTest, ImagesProxyTest, KeypairsTest, QuotaSetsTest, CheckTest, ServerGroupsTest
