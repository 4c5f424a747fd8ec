"""Brings a database to the version of this code, and writes new versions.

Versions only go up: going back is a restore of the backup.
"""

from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import engine
from mycloud.db.migrations import version


def sync() -> str:
    """Bring the database to the version of this code; returns it. Does nothing if it is there.

    :raises DatabaseVersion: when the database is of newer code
    """
    want = version.wanted()
    with engine.get().connect(write=True) as conn:
        have = version.of(conn)
        if have == want:
            return want
        if have is not None and have not in version.known():
            raise exceptions.DatabaseVersion(have=have, want=want)
        command.upgrade(_config(conn), "head")
    return want


def new(message: str) -> None:
    """Write a new version: what the models have and a synced database has not (developers)."""
    with engine.get().connect(write=True) as conn:
        number = int(version.wanted()) + 1 if version.known() else 1
        command.revision(_config(conn), message, autogenerate=True, rev_id=f"{number:04}")


def _config(conn: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(version.HERE))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = conn
    return config
