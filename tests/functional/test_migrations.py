"""A database that was brought up to date is exactly what the models say."""

import sqlite3
import unittest
from pathlib import Path
from typing import Any

import fixtures
import sqlalchemy as sa
import testtools
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from mycloud.common import exceptions
from mycloud.db import engine, models
from mycloud.db.migrations import upgrade, version
from tests.fixtures.program import Program


class SchemaMixin:
    """For one kind of database; ``self.url`` names an empty one."""

    url: str

    def differences(self) -> list[Any]:
        """What the models have otherwise than the database, in alembic's words."""
        with engine.get().connect(write=False) as conn:
            context = MigrationContext.configure(conn, opts={"compare_type": True})
            return compare_metadata(context, models.metadata)

    def shape(self) -> dict[str, Any]:
        """Tables, columns, keys and indexes, as the database tells them."""
        with engine.get().connect(write=False) as conn:
            inspector = sa.inspect(conn)
            return {
                table: {
                    "columns": {
                        column["name"]: (str(column["type"]), column["nullable"])
                        for column in inspector.get_columns(table)
                    },
                    "key": inspector.get_pk_constraint(table)["constrained_columns"],
                    "unique": {
                        (each["name"], tuple(each["column_names"]))
                        for each in inspector.get_unique_constraints(table)
                    },
                    "indexes": {
                        (each["name"], tuple(each["column_names"]), bool(each["unique"]))
                        for each in inspector.get_indexes(table)
                    },
                    "foreign": {
                        (tuple(each["constrained_columns"]), each["referred_table"])
                        for each in inspector.get_foreign_keys(table)
                    },
                }
                for table in inspector.get_table_names()
                if table != "alembic_version"
            }

    def test_the_migrated_schema_is_that_of_the_models(self: Any) -> None:
        upgrade.sync()
        self.assertEqual([], self.differences())
        migrated = self.shape()
        with engine.get().connect(write=True) as conn:
            models.metadata.drop_all(conn)
            models.metadata.create_all(conn)
        self.maxDiff = None
        self.assertEqual(self.shape(), migrated)

    def test_a_second_sync_does_nothing(self: Any) -> None:
        self.assertIsNone(version.current())
        self.assertRaises(exceptions.DatabaseVersion, version.check)
        self.assertEqual(version.wanted(), upgrade.sync())
        version.check()
        before = engine.get().statements
        self.assertEqual(version.wanted(), upgrade.sync())
        self.assertLess(engine.get().statements - before, 12)

    def test_a_newer_database_is_left_alone(self: Any) -> None:
        upgrade.sync()
        with engine.get().connect(write=True) as conn:
            conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        error = self.assertRaises(exceptions.DatabaseVersion, upgrade.sync)
        self.assertIn("9999", error.message)


class SqliteMigrationTest(SchemaMixin, testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.url = f"sqlite:///{self.folder}/mycloud.db"
        engine.configure(self.url)
        self.addCleanup(engine.unconfigure)

    def test_the_program(self) -> None:
        config = self.folder / "mycloud.conf"
        config.write_text(f"[database]\nconnection = {self.url}\n")

        def run(*words: str) -> str:
            return Program.run("mycloud.cmd.manage", "--config-file", str(config), *words)

        self.assertEqual("none\n", run("db", "version"))
        self.assertEqual(f"{version.wanted()}\n", run("db", "sync"))
        self.assertEqual(f"{version.wanted()}\n", run("db", "version"))
        self.assertEqual(f"{version.wanted()}\n", run("db", "check"))
        database = sqlite3.connect(self.folder / "mycloud.db")
        self.addCleanup(database.close)
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        self.assertLessEqual(set(models.metadata.tables), tables)


if __name__ == "__main__":
    unittest.main()
