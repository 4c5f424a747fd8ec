"""What all tables share: the metadata with its naming rules, and column makers."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Microseconds on every database.
Timestamp = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
#: Texts without a bound of their own.
LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def id_column(**kwargs: Any) -> sa.Column[Any]:
    """A primary key that holds a UUID."""
    return sa.Column("id", sa.String(64), primary_key=True, **kwargs)


def timestamps() -> list[sa.Column[Any]]:
    """created_at and updated_at, in UTC."""
    return [
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp),
    ]


def text(name: str, length: int = 255, **kwargs: Any) -> sa.Column[Any]:
    """A short text, not null unless told."""
    kwargs.setdefault("nullable", False)
    return sa.Column(name, sa.String(length), **kwargs)


def optional(name: str, length: int = 255, **kwargs: Any) -> sa.Column[Any]:
    """A short text that may be missing."""
    return sa.Column(name, sa.String(length), nullable=True, **kwargs)


def number(name: str, default: int | None = 0, **kwargs: Any) -> sa.Column[Any]:
    """A whole number, not null."""
    return sa.Column(name, sa.Integer, nullable=False, default=default, **kwargs)


def flag(name: str, default: bool = False) -> sa.Column[Any]:
    """A yes or no, not null."""
    return sa.Column(name, sa.Boolean, nullable=False, default=default)


def document(name: str, **kwargs: Any) -> sa.Column[Any]:
    """A JSON document that no query looks into."""
    return sa.Column(name, sa.JSON(none_as_null=True), **kwargs)
