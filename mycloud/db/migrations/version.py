"""Which version the database has, and which one this code wants."""

import re
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.db import engine

HERE = Path(__file__).parent
_REVISION = re.compile(r"^revision = ['\"](\w+)['\"]", re.M)


def wanted() -> str:
    """The version of this code: the highest of the numbered files."""
    newest = max((HERE / "versions").glob("[0-9]*.py"))
    found = _REVISION.search(newest.read_text())
    assert found is not None, newest
    return found.group(1)


def current() -> str | None:
    """The database's version; None for an empty one."""
    with engine.get().connect(write=False) as conn:
        return of(conn)


def of(conn: Connection) -> str | None:
    """The version of the database that is connected to."""
    if not sa.inspect(conn).has_table("alembic_version"):
        return None
    version: str | None = conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return version


def check() -> None:
    """:raises DatabaseVersion: unless the database has the version of this code"""
    have, want = current(), wanted()
    if have != want:
        raise exceptions.DatabaseVersion(have=have or "none", want=want)


def known() -> set[str]:
    """All versions of this code."""
    files = (HERE / "versions").glob("[0-9]*.py")
    return {match for path in files for match in _REVISION.findall(path.read_text())}
