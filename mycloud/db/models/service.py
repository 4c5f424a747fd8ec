"""Services that report in, and quotas."""

import sqlalchemy as sa

from mycloud.db.models.base import (
    LongText,
    Timestamp,
    flag,
    id_column,
    metadata,
    number,
    optional,
    text,
    timestamps,
)

services = sa.Table(
    "services",
    metadata,
    id_column(),
    text("host"),
    text("binary"),
    text("topic"),
    # a new one at every start: tells a live owner of an operation from a dead one
    text("epoch", 64),
    number("version", 1),
    number("report_count"),
    sa.Column("last_seen_at", Timestamp),
    flag("disabled"),
    optional("disabled_reason"),
    flag("forced_down"),
    optional("availability_zone"),
    # why it is up and refuses work all the same
    sa.Column("trouble", LongText),
    *timestamps(),
    sa.UniqueConstraint("host", "binary"),
)

quotas = sa.Table(
    "quotas",
    metadata,
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    number("hard_limit", None),
)

# limits of single users within their project
user_quotas = sa.Table(
    "user_quotas",
    metadata,
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(64), primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    number("hard_limit", None),
)

quota_classes = sa.Table(
    "quota_classes",
    metadata,
    sa.Column("class_name", sa.String(64), primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    number("hard_limit", None),
)

# a row that writers of one project lock while they count, so that two can't both pass
project_locks = sa.Table(
    "project_locks",
    metadata,
    sa.Column("project_id", sa.String(64), primary_key=True),
)
