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

role_assignments = sa.Table(
    "role_assignments",
    metadata,
    # "project", "domain" or "system"
    sa.Column("target_type", sa.String(16), primary_key=True),
    sa.Column("target_id", sa.String(64), primary_key=True),
    sa.Column("actor_id", sa.String(64), primary_key=True),
    sa.Column("role_id", sa.String(64), sa.ForeignKey("roles.id"), primary_key=True),
    sa.Column("inherited", sa.Boolean, primary_key=True, default=False),
    sa.Index("ix_role_assignments_actor_id", "actor_id"),
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
    document("roles", nullable=False),
    document("access_rules"),
    flag("unrestricted"),
    sa.Column("expires_at", Timestamp),
    *timestamps(),
    sa.UniqueConstraint("user_id", "name"),
)

# tokens that were issued before ``before`` and match all that is set here are void
revocations = sa.Table(
    "revocations",
    metadata,
    id_column(),
    optional("audit_id", 64),
    optional("user_id", 64),
    optional("project_id", 64),
    optional("domain_id", 64),
    optional("role_id", 64),
    optional("application_credential_id", 64),
    sa.Column("issued_before", Timestamp, nullable=False),
    sa.Column("revoked_at", Timestamp, nullable=False, index=True),
)

login_failures = sa.Table(
    "login_failures",
    metadata,
    sa.Column("user_id", sa.String(64), primary_key=True),
    number("count"),
    sa.Column("last_at", Timestamp),
)
