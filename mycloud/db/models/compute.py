"""Servers, flavors, hosts and what belongs to them."""

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

hosts = sa.Table(
    "hosts",
    metadata,
    id_column(),
    text("host", unique=True),
    text("hypervisor_hostname"),
    text("hypervisor_type", 64),
    number("hypervisor_version"),
    number("vcpus"),
    number("memory_mb"),
    number("disk_gb"),
    number("free_disk_gb"),
    number("vcpus_used"),
    number("memory_mb_used"),
    number("disk_gb_used"),
    number("running_vms"),
    # moves with every change of the *_used columns: claims compare and swap on it
    number("generation"),
    document("cpu_info"),
    document("capabilities"),
    optional("host_ip", 64),
    text("uptime", 512, default=""),
    *timestamps(),
)

allocations = sa.Table(
    "allocations",
    metadata,
    sa.Column("server_id", sa.String(64), primary_key=True),
    sa.Column("host_id", sa.String(64), sa.ForeignKey("hosts.id"), primary_key=True),
    number("vcpus"),
    number("memory_mb"),
    number("disk_gb"),
    sa.Index("ix_allocations_host_id", "host_id"),
)

flavors = sa.Table(
    "flavors",
    metadata,
    id_column(),
    # what the API calls id: chosen by the administrator
    text("flavorid", unique=True),
    text("name", unique=True),
    sa.Column("description", LongText),
    number("vcpus"),
    number("memory_mb"),
    number("root_gb"),
    number("ephemeral_gb"),
    number("swap_mb"),
    sa.Column("rxtx_factor", sa.Float, nullable=False, default=1.0),
    flag("is_public", True),
    flag("disabled"),
    document("extra_specs", nullable=False),
    *timestamps(),
)

flavor_access = sa.Table(
    "flavor_access",
    metadata,
    sa.Column("flavor_id", sa.String(64), sa.ForeignKey("flavors.id"), primary_key=True),
    sa.Column("project_id", sa.String(64), primary_key=True),
)

keypairs = sa.Table(
    "keypairs",
    metadata,
    id_column(),
    text("user_id", 64),
    text("name"),
    text("type", 16, default="ssh"),
    text("fingerprint", 64),
    sa.Column("public_key", LongText, nullable=False),
    *timestamps(),
    sa.UniqueConstraint("user_id", "name"),
)

server_groups = sa.Table(
    "server_groups",
    metadata,
    id_column(),
    text("project_id", 64),
    text("user_id", 64),
    text("name"),
    text("policy", 32),
    document("rules", nullable=False),
    # moves whenever a member is placed: placements compare and swap on it
    number("generation"),
    *timestamps(),
    sa.Index("ix_server_groups_project_id", "project_id"),
)

aggregates = sa.Table(
    "aggregates",
    metadata,
    # what the API calls id; never given twice
    sa.Column("id", sa.Integer, primary_key=True),
    text("uuid", 64, unique=True),
    text("name", unique=True),
    optional("availability_zone"),
    document("metadata", nullable=False),
    *timestamps(),
    sqlite_autoincrement=True,
)

aggregate_hosts = sa.Table(
    "aggregate_hosts",
    metadata,
    sa.Column(
        "aggregate_id", sa.Integer, sa.ForeignKey("aggregates.id"), primary_key=True
    ),
    sa.Column("host", sa.String(255), primary_key=True),
)

servers = sa.Table(
    "servers",
    metadata,
    id_column(),
    text("project_id", 64),
    text("user_id", 64),
    text("name"),
    text("hostname", 255),
    sa.Column("description", LongText),
    text("vm_state", 16),
    optional("task_state", 32),
    number("power_state"),
    # the operation that owns the server now; none when it is idle
    optional("operation_id", 64),
    optional("host"),
    optional("node"),
    optional("availability_zone"),
    optional("requested_az"),
    optional("image_id", 64),
    document("image_properties"),
    optional("flavor_id", 64),
    document("flavor", nullable=False),
    number("vcpus"),
    number("memory_mb"),
    number("root_gb"),
    number("ephemeral_gb"),
    number("swap_mb"),
    optional("key_name"),
    sa.Column("key_data", LongText),
    sa.Column("user_data", LongText),
    flag("config_drive"),
    document("personality"),
    text("disk_config", 16, default="MANUAL"),
    document("metadata", nullable=False),
    # ",a,b," so that a filter is a LIKE; a tag holds no comma
    sa.Column("tags", LongText, nullable=False, default=""),
    flag("locked"),
    optional("locked_by", 16),
    optional("locked_reason"),
    optional("access_ip_v4", 64),
    optional("access_ip_v6", 64),
    number("progress"),
    document("fault"),
    document("scheduler_hints"),
    optional("server_group_id", 64),
    optional("reservation_id", 64),
    number("launch_index"),
    sa.Column("launched_at", Timestamp),
    sa.Column("terminated_at", Timestamp),
    sa.Column("deleted_at", Timestamp),
    *timestamps(),
    sa.Index("ix_servers_project_id_created_at", "project_id", "deleted_at", "created_at", "id"),
    sa.Index("ix_servers_host", "host"),
    sa.Index("ix_servers_server_group_id", "server_group_id"),
)
