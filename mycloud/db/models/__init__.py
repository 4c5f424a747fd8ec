"""The schema, one module per part of the cloud; ``metadata`` holds every table."""

from mycloud.db.models.base import metadata
from mycloud.db.models.compute import (
    allocations,
    flavor_access,
    flavors,
    hosts,
    keypairs,
    server_groups,
    servers,
)
from mycloud.db.models.identity import (
    application_credentials,
    domains,
    login_failures,
    projects,
    revocations,
    role_assignments,
    roles,
    users,
)
from mycloud.db.models.image import image_members, image_properties, image_tags, images
from mycloud.db.models.journal import operation_steps, operations
from mycloud.db.models.service import project_locks, quota_classes, quotas, services

__all__ = [
    "allocations",
    "application_credentials",
    "domains",
    "flavor_access",
    "flavors",
    "hosts",
    "image_members",
    "image_properties",
    "image_tags",
    "images",
    "keypairs",
    "login_failures",
    "metadata",
    "operation_steps",
    "operations",
    "project_locks",
    "projects",
    "quota_classes",
    "quotas",
    "revocations",
    "role_assignments",
    "roles",
    "server_groups",
    "servers",
    "services",
    "users",
]
