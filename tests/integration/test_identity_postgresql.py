"""The identity service on PostgreSQL: all that is promised on SQLite, and writers that meet."""

import unittest

import testtools

from mycloud.common import concurrency
from tests.fixtures import postgresql
from tests.fixtures.identity import IdentityApi
from tests.functional.test_identity_application_credentials import ApplicationCredentialTest
from tests.functional.test_identity_bad_input import BadInputTest
from tests.functional.test_identity_resources import ResourceTest
from tests.functional.test_identity_tokens import TokenTest

_WHY_NOT = postgresql.why_not()


class _OnPostgreSQL:
    """One server for the tests of a class; each makes and drops the tables."""

    server: postgresql.PostgreSQL
    database: str

    @classmethod
    def setUpClass(cls):
        if _WHY_NOT:
            raise unittest.SkipTest(_WHY_NOT)
        super().setUpClass()
        cls.server = postgresql.PostgreSQL()
        cls.server.setUp()
        cls.database = cls.server.url

    @classmethod
    def tearDownClass(cls):
        cls.server.cleanUp()
        super().tearDownClass()


class TokenPostgreSQLTest(_OnPostgreSQL, TokenTest):
    pass


class ResourcePostgreSQLTest(_OnPostgreSQL, ResourceTest):
    def test_credentials_are_their_users_and_encrypted(self):
        self.skipTest("looks into SQLite's file")


class ApplicationCredentialPostgreSQLTest(_OnPostgreSQL, ApplicationCredentialTest):
    pass


class BadInputPostgreSQLTest(_OnPostgreSQL, BadInputTest):
    pass


class WritersTest(_OnPostgreSQL, testtools.TestCase):
    def test_of_many_who_take_a_name_one_gets_it(self):
        api = self.useFixture(IdentityApi(database=self.database))
        body = {"project": {"name": "same"}}
        tasks = [
            concurrency.spawn(api.call, "POST", "/projects", body, token=api.admin)
            for _ in range(8)
        ]
        answers = sorted(task.wait(30).status_int for task in tasks)
        self.assertEqual([201] + [409] * 7, answers)


# the suites that are run here on PostgreSQL run elsewhere on SQLite
del ApplicationCredentialTest, BadInputTest, ResourceTest, TokenTest
