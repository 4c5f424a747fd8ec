"""Domains, projects, users, roles and what tokens are checked against."""

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

domains = sa.Table(
    "domains",
    metadata,
    id_column(),
    text("name", unique=True),
    sa.Column("description", LongText),
    flag("enabled", True),
    document("extra"),
    *timestamps(),
)

projects = sa.Table(
    "projects",
    metadata,
    id_column(),
    sa.Column("domain_id", sa.String(64), sa.ForeignKey("domains.id"), nullable=False),
    optional("parent_id", 64),
    text("name"),
    sa.Column("description", LongText),
    flag("enabled", True),
    document("tags"),
    document("extra"),
    *timestamps(),
    sa.UniqueConstraint("domain_id", "name"),
)

users = sa.Table(
    "users",
    metadata,
    id_column(),
    sa.Column("domain_id", sa.String(64), sa.ForeignKey("domains.id"), nullable=False),
    text("name"),
    optional("password_hash"),
    sa.Column("password_created_at", Timestamp),
    sa.Column("password_expires_at", Timestamp),
    optional("default_project_id", 64),
    optional("email"),
    sa.Column("description", LongText),
    flag("enabled", True),
    document("options"),
    document("extra"),
    *timestamps(),
    sa.UniqueConstraint("domain_id", "name"),
)

roles = sa.Table(
    "roles",
    metadata,
    id_column(),
    text("name"),
    # "" for a role of the whole cloud, so that the names stay unique
    text("domain_id", 64, default=""),
    sa.Column("description", LongText),
    document("options"),
    document("extra"),
    *timestamps(),
    sa.UniqueConstraint("domain_id", "name"),
)

# the holder of the first role has the second one too
implied_roles = sa.Table(
    "implied_roles",
    metadata,
    sa.Column("prior_role_id", sa.String(64), sa.ForeignKey("roles.id"), primary_key=True),
    sa.Column("implied_role_id", sa.String(64), sa.ForeignKey("roles.id"), primary_key=True),
)

role_assignments = sa.Table(
    "role_assignments",
    metadata,
    # "project", "domain" or "system"
    sa.Column("target_type", sa.String(16), primary_key=True),
    sa.Column("target_id", sa.String(64), primary_key=True),
    # a user or a group
    sa.Column("actor_id", sa.String(64), primary_key=True),
    sa.Column("role_id", sa.String(64), sa.ForeignKey("roles.id"), primary_key=True),
    # holds on what lies below the target instead of on the target itself
    sa.Column("inherited", sa.Boolean, primary_key=True, default=False),
    text("actor_type", 16, default="user"),
    sa.Index("ix_role_assignments_actor_id", "actor_id"),
)

groups = sa.Table(
    "groups",
    metadata,
    id_column(),
    sa.Column("domain_id", sa.String(64), sa.ForeignKey("domains.id"), nullable=False),
    text("name"),
    sa.Column("description", LongText),
    document("extra"),
    *timestamps(),
    sa.UniqueConstraint("domain_id", "name"),
)

group_members = sa.Table(
    "group_members",
    metadata,
    sa.Column("group_id", sa.String(64), sa.ForeignKey("groups.id"), primary_key=True),
    sa.Column(
        "user_id", sa.String(64), sa.ForeignKey("users.id"), primary_key=True, index=True
    ),
)

application_credentials = sa.Table(
    "application_credentials",
    metadata,
    id_column(),
    sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False),
    sa.Column("project_id", sa.String(64), sa.ForeignKey("projects.id"), nullable=False),
    text("name"),
    sa.Column("description", LongText),
    text("secret_hash"),
    # ids of roles
    document("roles", nullable=False),
    # [{id, service, method, path}], or null for no limit
    document("access_rules"),
    flag("unrestricted"),
    sa.Column("expires_at", Timestamp),
    *timestamps(),
    sa.UniqueConstraint("user_id", "name"),
)

access_rules = sa.Table(
    "access_rules",
    metadata,
    id_column(),
    sa.Column(
        "user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False, index=True
    ),
    text("service"),
    text("method", 16),
    text("path"),
)

# secrets that users keep here for other programs; the blob is encrypted
credentials = sa.Table(
    "credentials",
    metadata,
    id_column(),
    sa.Column("user_id", sa.String(64), nullable=False, index=True),
    optional("project_id", 64),
    text("type"),
    sa.Column("blob", LongText, nullable=False),
    *timestamps(),
)

# tokens that were issued before ``issued_before`` and match all that is set here are void
revocations = sa.Table(
    "revocations",
    metadata,
    id_column(),
    optional("audit_id", 64),
    optional("user_id", 64),
    optional("project_id", 64),
    optional("domain_id", 64),
    sa.Column("issued_before", Timestamp, nullable=False),
    sa.Column("revoked_at", Timestamp, nullable=False, index=True),
    # the generation that brought it, so that readers find what is new to them
    number("generation", index=True),
)

# one row, counted up by every change of identities: caches hold as long as it stands still
identity_generation = sa.Table(
    "identity_generation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    number("generation"),
)

login_failures = sa.Table(
    "login_failures",
    metadata,
    sa.Column("user_id", sa.String(64), primary_key=True),
    number("count"),
    sa.Column("last_at", Timestamp),
)

regions = sa.Table(
    "regions",
    metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("parent_region_id", sa.String(255), sa.ForeignKey("regions.id")),
    sa.Column("description", LongText),
    document("extra"),
    *timestamps(),
)

catalog_services = sa.Table(
    "catalog_services",
    metadata,
    id_column(),
    text("type"),
    optional("name"),
    sa.Column("description", LongText),
    flag("enabled", True),
    document("extra"),
    *timestamps(),
)

catalog_endpoints = sa.Table(
    "catalog_endpoints",
    metadata,
    id_column(),
    sa.Column(
        "service_id",
        sa.String(64),
        sa.ForeignKey("catalog_services.id"),
        nullable=False,
        index=True,
    ),
    sa.Column("region_id", sa.String(255), sa.ForeignKey("regions.id")),
    text("interface", 16),
    # may hold $(base_url)s, $(project_id)s and $(user_id)s
    sa.Column("url", LongText, nullable=False),
    flag("enabled", True),
    document("extra"),
    *timestamps(),
)
