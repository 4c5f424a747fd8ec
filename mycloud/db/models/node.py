"""Machines that have joined the cloud, and the tokens that let them."""

import sqlalchemy as sa

from mycloud.db.models.base import (
    LongText,
    Timestamp,
    document,
    id_column,
    metadata,
    optional,
    text,
    timestamps,
)

node_tokens = sa.Table(
    "node_tokens",
    metadata,
    id_column(),
    # the only name that it lets join; none: any
    optional("name"),
    # sha256 of the secret, in hex
    text("digest", 64),
    sa.Column("expires_at", Timestamp, nullable=False, index=True),
    sa.Column("used_at", Timestamp),
    # who has used it, by which request, and what was signed for it
    optional("node"),
    optional("request_digest", 64),
    document("certificates"),
    *timestamps(),
)

nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    # of the certificate that it shows as a client; signs what it asks of the API
    sa.Column("public_key", LongText, nullable=False),
    text("token_id", 64),
    document("addresses"),
    sa.Column("left_at", Timestamp),
    *timestamps(),
)
