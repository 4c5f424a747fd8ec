"""Volumes, snapshots, attachments, types, pools and what belongs to them."""

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

volumes = sa.Table(
    "volumes",
    metadata,
    id_column(),
    text("project_id", 64),
    text("user_id", 64),
    optional("name"),
    sa.Column("description", LongText),
    number("size_gb"),
    # what it is about to have, while it is extended: quotas count it already
    sa.Column("grows_to_gb", sa.Integer),
    text("status", 32),
    # what the status was before the operation that owns the volume now
    optional("previous_status", 32),
    optional("operation_id", 64),
    # HOST@BACKEND#POOL once it is placed
    optional("host"),
    # where it is on its way to: that place has promised the space already
    optional("moves_to"),
    # how its backend calls it, if not by its id
    optional("name_id", 64),
    optional("availability_zone"),
    optional("volume_type_id", 64),
    optional("snapshot_id", 64),
    optional("source_volid", 64),
    optional("backup_id", 64),
    flag("bootable"),
    flag("multiattach"),
    flag("read_only"),
    flag("encrypted"),
    optional("encryption_key_id", 64),
    optional("migration_status", 32),
    document("metadata", nullable=False),
    # of the image that it was made from, for servers that boot from it
    document("image_metadata"),
    document("scheduler_hints"),
    # why it is in error: code, message, created
    document("fault"),
    sa.Column("scheduled_at", Timestamp),
    sa.Column("launched_at", Timestamp),
    sa.Column("terminated_at", Timestamp),
    sa.Column("deleted_at", Timestamp),
    *timestamps(),
    sa.Index("ix_volumes_project_id_created_at", "project_id", "deleted_at", "created_at", "id"),
    sa.Index("ix_volumes_host", "host"),
    sa.Index("ix_volumes_snapshot_id", "snapshot_id"),
    sa.Index("ix_volumes_source_volid", "source_volid"),
)

volume_snapshots = sa.Table(
    "volume_snapshots",
    metadata,
    id_column(),
    text("project_id", 64),
    text("user_id", 64),
    text("volume_id", 64),
    optional("name"),
    sa.Column("description", LongText),
    # of the volume when it was taken
    number("size_gb"),
    text("status", 32),
    optional("previous_status", 32),
    optional("operation_id", 64),
    optional("volume_type_id", 64),
    optional("encryption_key_id", 64),
    number("progress"),
    document("metadata", nullable=False),
    document("image_metadata"),
    # whether the guest's file systems were at rest; None: it was not in use
    sa.Column("quiesced", sa.Boolean),
    document("fault"),
    sa.Column("deleted_at", Timestamp),
    *timestamps(),
    sa.Index("ix_volume_snapshots_volume_id", "volume_id"),
    sa.Index(
        "ix_volume_snapshots_project_id_created_at",
        "project_id", "deleted_at", "created_at", "id",
    ),
)

volume_attachments = sa.Table(
    "volume_attachments",
    metadata,
    id_column(),
    text("project_id", 64),
    text("volume_id", 64),
    optional("server_id", 64),
    # reserved, attaching, attached, detaching ...
    text("status", 32),
    text("mode", 2, default="rw"),
    # the host that it is given to
    optional("host"),
    optional("mountpoint"),
    # what the host told of itself, and how it reaches the volume, secrets left out
    document("connector"),
    document("connection_info"),
    sa.Column("attached_at", Timestamp),
    sa.Column("detached_at", Timestamp),
    sa.Column("deleted_at", Timestamp),
    *timestamps(),
    sa.Index("ix_volume_attachments_volume_id", "volume_id", "deleted_at"),
    sa.Index("ix_volume_attachments_server_id", "server_id", "deleted_at"),
)

# the disks of a server that are not the image's copy on its host
block_devices = sa.Table(
    "block_devices",
    metadata,
    id_column(),
    text("server_id", 64),
    # image, volume, snapshot, blank -> volume, local
    text("source_type", 16),
    text("destination_type", 16),
    optional("source_id", 64),
    optional("volume_id", 64),
    optional("attachment_id", 64),
    sa.Column("boot_index", sa.Integer),
    optional("device_name"),
    optional("disk_bus", 16),
    text("device_type", 16, default="disk"),
    optional("guest_format", 16),
    optional("tag", 60),
    sa.Column("volume_size", sa.Integer),
    optional("volume_type_id", 64),
    flag("delete_on_termination"),
    sa.Column("deleted_at", Timestamp),
    *timestamps(),
    sa.Index("ix_block_devices_server_id", "server_id", "deleted_at"),
    sa.Index("ix_block_devices_volume_id", "volume_id", "deleted_at"),
)

volume_types = sa.Table(
    "volume_types",
    metadata,
    id_column(),
    text("name", unique=True),
    sa.Column("description", LongText),
    flag("is_public", True),
    document("extra_specs", nullable=False),
    optional("qos_specs_id", 64),
    # encryption_id, provider, cipher, key_size, control_location; None: not encrypted
    document("encryption"),
    *timestamps(),
)

volume_type_access = sa.Table(
    "volume_type_access",
    metadata,
    sa.Column(
        "volume_type_id", sa.String(64), sa.ForeignKey("volume_types.id"), primary_key=True
    ),
    sa.Column("project_id", sa.String(64), primary_key=True),
)

default_volume_types = sa.Table(
    "default_volume_types",
    metadata,
    sa.Column("project_id", sa.String(64), primary_key=True),
    text("volume_type_id", 64),
)

qos_specs = sa.Table(
    "qos_specs",
    metadata,
    id_column(),
    text("name", unique=True),
    text("consumer", 16, default="back-end"),
    document("specs", nullable=False),
    *timestamps(),
)

volume_pools = sa.Table(
    "volume_pools",
    metadata,
    id_column(),
    # the service: HOST@BACKEND
    text("host"),
    text("pool"),
    text("backend_name"),
    sa.Column("total_gb", sa.Float, nullable=False, default=0),
    sa.Column("free_gb", sa.Float, nullable=False, default=0),
    sa.Column("provisioned_gb", sa.Float, nullable=False, default=0),
    # the sum of what is claimed, and when it was last counted
    number("allocated_gb"),
    # moves with every claim: claims compare and swap on it
    number("generation"),
    document("capabilities", nullable=False),
    *timestamps(),
    sa.UniqueConstraint("host", "pool"),
)

backups = sa.Table(
    "backups",
    metadata,
    id_column(),
    text("project_id", 64),
    text("user_id", 64),
    text("volume_id", 64),
    optional("snapshot_id", 64),
    optional("parent_id", 64),
    optional("name"),
    sa.Column("description", LongText),
    text("status", 32),
    optional("previous_status", 32),
    optional("operation_id", 64),
    optional("host"),
    optional("availability_zone"),
    optional("container"),
    number("size_gb"),
    number("object_count"),
    flag("is_incremental"),
    # how the repository calls it, if not by its id
    optional("data_id", 64),
    optional("encryption_key_id", 64),
    optional("volume_type_id", 64),
    document("metadata", nullable=False),
    # what is restored of the volume besides its bytes
    document("volume_record", nullable=False),
    sa.Column("fail_reason", LongText),
    sa.Column("data_timestamp", Timestamp),
    sa.Column("deleted_at", Timestamp),
    *timestamps(),
    sa.Index("ix_backups_volume_id", "volume_id"),
    sa.Index("ix_backups_parent_id", "parent_id"),
    sa.Index("ix_backups_project_id_created_at", "project_id", "deleted_at", "created_at", "id"),
)

volume_transfers = sa.Table(
    "volume_transfers",
    metadata,
    id_column(),
    text("volume_id", 64),
    optional("name"),
    text("salt", 64),
    # of the key that the other side has to show
    text("digest", 128),
    text("source_project_id", 64),
    optional("destination_project_id", 64),
    flag("accepted"),
    flag("no_snapshots"),
    sa.Column("deleted_at", Timestamp),
    *timestamps(),
    sa.Index("ix_volume_transfers_volume_id", "volume_id"),
)

volume_messages = sa.Table(
    "volume_messages",
    metadata,
    id_column(),
    text("project_id", 64),
    text("request_id", 64),
    text("event_id", 64),
    text("resource_type", 32),
    optional("resource_id", 64),
    text("level", 16, default="ERROR"),
    sa.Column("message", LongText, nullable=False),
    sa.Column("expires_at", Timestamp, nullable=False),
    *timestamps(),
    sa.Index("ix_volume_messages_project_id_created_at", "project_id", "created_at", "id"),
)

# the local key manager: what disks are encrypted with, itself encrypted
volume_keys = sa.Table(
    "volume_keys",
    metadata,
    id_column(),
    text("project_id", 64),
    sa.Column("ciphertext", LongText, nullable=False),
    *timestamps(),
)
