"""Images, their properties, tags and members."""

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

images = sa.Table(
    "images",
    metadata,
    id_column(),
    optional("owner", 64),
    optional("name"),
    text("status", 16),
    text("visibility", 16),
    flag("protected"),
    flag("hidden"),
    optional("disk_format", 32),
    optional("container_format", 32),
    number("min_disk"),
    number("min_ram"),
    sa.Column("size", sa.BigInteger),
    sa.Column("virtual_size", sa.BigInteger),
    # md5, for clients that still compare it
    optional("checksum", 32),
    optional("hash_algo", 16),
    optional("hash_value", 128),
    # the format that the bytes really have; none when they are not recognised
    optional("content_format", 32),
    # the upload that the data came or comes by; it names the file in the store
    optional("upload_id", 64),
    # when the last bytes came of an upload under way: a silent one is dead
    sa.Column("upload_seen_at", Timestamp),
    sa.Column("deleted_at", Timestamp),
    *timestamps(),
    sa.Index("ix_images_owner_created_at", "owner", "created_at", "id"),
    sa.Index("ix_images_visibility", "visibility"),
)

image_properties = sa.Table(
    "image_properties",
    metadata,
    sa.Column("image_id", sa.String(64), sa.ForeignKey("images.id"), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("value", LongText),
)

image_tags = sa.Table(
    "image_tags",
    metadata,
    sa.Column("image_id", sa.String(64), sa.ForeignKey("images.id"), primary_key=True),
    sa.Column("tag", sa.String(255), primary_key=True),
    sa.Index("ix_image_tags_tag", "tag"),
)

image_members = sa.Table(
    "image_members",
    metadata,
    sa.Column("image_id", sa.String(64), sa.ForeignKey("images.id"), primary_key=True),
    sa.Column("member", sa.String(64), primary_key=True),
    text("status", 16),
    *timestamps(),
    sa.Index("ix_image_members_member", "member"),
)

# what a compute host on another machine shows to download an image's data
image_tickets = sa.Table(
    "image_tickets",
    metadata,
    # sha256 of the secret, in hex
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("image_id", sa.String(64), sa.ForeignKey("images.id"), nullable=False),
    sa.Column("expires_at", Timestamp, nullable=False, index=True),
)
