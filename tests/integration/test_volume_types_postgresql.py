"""Volume types, quotas and what operators see of block storage, on PostgreSQL."""

import unittest

import sqlalchemy

from mycloud.common import clock
from tests.fixtures import postgresql
from tests.fixtures.volume_rows import VolumeRows
from tests.functional.test_volume_messages import MessagesTest
from tests.functional.test_volume_qos_specs import QosSpecsTest
from tests.functional.test_volume_quotas import CheckTest, QuotaSetsTest
from tests.functional.test_volume_services import HostsTest, PoolsTest
from tests.functional.test_volume_types import AccessTest, EncryptionTest, ListTest, TypesTest

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

    def rows(self) -> VolumeRows:
        name = f"t{clock.new_id()[:8]}"
        engine = sqlalchemy.create_engine(self.server.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return VolumeRows(self.server.url.replace("/mycloud?", f"/{name}?"))


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class TypesPostgreSQLTest(_OnPostgreSQL, TypesTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class TypeListsPostgreSQLTest(_OnPostgreSQL, ListTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class TypeAccessPostgreSQLTest(_OnPostgreSQL, AccessTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class TypeEncryptionPostgreSQLTest(_OnPostgreSQL, EncryptionTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class QosSpecsPostgreSQLTest(_OnPostgreSQL, QosSpecsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class VolumeQuotasPostgreSQLTest(_OnPostgreSQL, QuotaSetsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class VolumeQuotaChecksPostgreSQLTest(_OnPostgreSQL, CheckTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class MessagesPostgreSQLTest(_OnPostgreSQL, MessagesTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class VolumeHostsPostgreSQLTest(_OnPostgreSQL, HostsTest):
    pass


@unittest.skipIf(_WHY_NOT, _WHY_NOT or "")
class PoolsPostgreSQLTest(_OnPostgreSQL, PoolsTest):
    pass


del TypesTest, ListTest, AccessTest, EncryptionTest, QosSpecsTest
del QuotaSetsTest, CheckTest, MessagesTest, HostsTest, PoolsTest
