"""Servers with volumes, lists of servers, and nonsense over every route, on PostgreSQL."""

import unittest
from typing import Any

import sqlalchemy

from mycloud.common import clock
from tests.fixtures import postgresql
from tests.functional.test_bad_input import BadInputTest, WalkTest
from tests.functional.test_servers_list import CostTest, FilterTest, OrderTest
from tests.functional.test_servers_parts import MetadataTest, TagsTest
from tests.functional.test_servers_volumes import (
    BootFromVolumeTest,
    FailuresTest,
    ImageOfVolumesTest,
)

_WHY_NOT = postgresql.why_not()


class _OnPostgreSQL:
    """A cloud with a new database in a PostgreSQL that the tests of a class share."""

    server: postgresql.PostgreSQL

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()  # type: ignore[misc]
        cls.server = postgresql.PostgreSQL()
        cls.server.setUp()
        cls.addClassCleanup(cls.server.cleanUp)  # type: ignore[attr-defined]

    def options(self) -> dict[str, Any]:
        name = f"t{clock.new_id()[:8]}"
        engine = sqlalchemy.create_engine(self.server.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return {"database": self.server.url.replace("/mycloud?", f"/{name}?")}


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class FilterPostgreSQLTest(_OnPostgreSQL, FilterTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class OrderPostgreSQLTest(_OnPostgreSQL, OrderTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class CostPostgreSQLTest(_OnPostgreSQL, CostTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class BootFromVolumePostgreSQLTest(_OnPostgreSQL, BootFromVolumeTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class FailuresPostgreSQLTest(_OnPostgreSQL, FailuresTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class ImageOfVolumesPostgreSQLTest(_OnPostgreSQL, ImageOfVolumesTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class MetadataPostgreSQLTest(_OnPostgreSQL, MetadataTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class TagsPostgreSQLTest(_OnPostgreSQL, TagsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class BadInputPostgreSQLTest(_OnPostgreSQL, BadInputTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class WalkPostgreSQLTest(_OnPostgreSQL, WalkTest):
    pass


# what is imported for its tests' sake is not run a second time on SQLite
del BadInputTest, BootFromVolumeTest, CostTest, FailuresTest, FilterTest, ImageOfVolumesTest
del MetadataTest, OrderTest, TagsTest, WalkTest
