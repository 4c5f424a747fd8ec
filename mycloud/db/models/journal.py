"""The operation journal."""

import sqlalchemy as sa

from mycloud.db.models.base import (
    LongText,
    Timestamp,
    document,
    flag,
    id_column,
    metadata,
    number,
    optional,
    text,
    timestamps,
)

operations = sa.Table(
    "operations",
    metadata,
    id_column(),
    text("kind", 64),
    text("resource_type", 32),
    text("resource_id", 64),
    # what else it is about, of which it is part of the story: the volume that a server attaches
    optional("second_id", 64),
    optional("project_id", 64),
    optional("user_id", 64),
    text("request_id", 64),
    text("state", 16),
    # whose bell to ring: a topic, and a host if only that host can do it
    text("topic", 32),
    optional("host"),
    # who runs it: services.id and the epoch of that service's process
    optional("owner", 64),
    optional("owner_epoch", 64),
    number("attempt"),
    flag("cancel_requested"),
    # the operation that must end before this one starts
    optional("waits_for", 64),
    document("payload", nullable=False),
    document("alternates"),
    optional("code", 64),
    sa.Column("reason", LongText),
    sa.Column("traceback", LongText),
    sa.Column("deadline_at", Timestamp),
    sa.Column("rung_at", Timestamp),
    sa.Column("started_at", Timestamp),
    sa.Column("finished_at", Timestamp),
    # project and key, so that the same key of two projects does not meet
    optional("idempotency_key", 320, unique=True),
    optional("idempotency_digest", 64),
    *timestamps(),
    sa.Index("ix_operations_resource_id", "resource_id"),
    sa.Index("ix_operations_second_id", "second_id"),
    sa.Index("ix_operations_request_id", "request_id"),
    sa.Index("ix_operations_state_topic", "state", "topic"),
    sa.Index("ix_operations_project_id_created_at", "project_id", "created_at", "id"),
)

operation_steps = sa.Table(
    "operation_steps",
    metadata,
    sa.Column(
        "operation_id", sa.String(64), sa.ForeignKey("operations.id"), primary_key=True
    ),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    text("name", 64),
    optional("host"),
    number("attempt"),
    text("state", 16),
    sa.Column("detail", LongText),
    sa.Column("traceback", LongText),
    sa.Column("started_at", Timestamp, nullable=False),
    sa.Column("finished_at", Timestamp),
)
