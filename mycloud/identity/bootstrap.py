"""The first identities of a cloud, and its catalog. Everything here may be done again."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg

from mycloud.common import clock
from mycloud.db import engine, models
from mycloud.db.identity import access, assignments, rows
from mycloud.identity import changes, keys, passwords, records
from mycloud.identity.changes import Change

ROLES = {
    "admin": "May do everything.",
    "manager": "May change things in a project and its settings.",
    "member": "May change things in a project.",
    "reader": "May look at things in a project.",
    "service": "What the cloud's own services have.",
}
IMPLIED = (("admin", "manager"), ("manager", "member"), ("member", "reader"))
INTERFACES = ("public", "internal", "admin")
#: type -> path under the cloud's base URL
SERVICES = {
    "identity": "/identity",
    "compute": "/compute/v2.1",
    "block-storage": "/volume/v3",
    "volumev3": "/volume/v3",
    "image": "/image",
    "mycloud": "/cloud/v1",
}


def run(
    password: str, *, username: str = "admin", project: str = "admin", role: str = "admin"
) -> str:
    """Make the keys, the default domain, roles, catalog and an administrator with the role on the
    project and on the system; returns the administrator's id. What is there already stays, but
    for the password, which is set."""
    keys.token_keys().setup()
    keys.credential_keys().setup()
    with changes.writer() as change:
        _domain(change)
        role_ids = _roles(change)
        if role not in role_ids:
            role_ids[role] = _named(change, records.ROLE, role, {"domain_id": ""})
        _catalog(change)
    user_id = ensure_user(project, username, password, [role])
    with changes.writer() as change:
        _assign(change, user_id, role_ids[role], "system", access.SYSTEM)
    return user_id


def ensure_user(project: str, user: str, password: str, roles: Iterable[str]) -> str:
    """A user of the default domain with that password and those roles on that project, all of
    which is made as needed; returns the user's id."""
    domain_id = cfg.CONF.identity.default_domain_id
    with engine.reader() as conn:
        found = access.user_named(conn, user, {"id": domain_id})
    values: dict[str, Any] = {}
    if found is None or not passwords.verify(password, found["password_hash"]):
        # slow, so not inside of the transaction
        values = {
            "password_hash": passwords.hash_password(password),
            "password_created_at": clock.now(),
        }
    with changes.writer() as change:
        own = {"domain_id": domain_id}
        project_id = _named(change, records.PROJECT, project, own)
        user_id = _named(change, records.USER, user, own | {"default_project_id": project_id})
        if values:
            change.revoke(user_id=user_id)
            rows.update(change.conn, models.users, user_id, values)
        for role in roles:
            role_id = _named(change, records.ROLE, role, {"domain_id": ""})
            _assign(change, user_id, role_id, "project", project_id)
    return user_id


def _domain(change: Change) -> None:
    domain_id = cfg.CONF.identity.default_domain_id
    if rows.find(change.conn, models.domains, id=domain_id) is None:
        records.create(
            change,
            records.DOMAIN,
            {"id": domain_id, "name": "Default", "description": "The default domain"},
        )


def _named(change: Change, kind: records.Kind, name: str, values: dict[str, Any]) -> str:
    """The id of the record with that name in its domain, which is made if there is none."""
    row = rows.find(change.conn, kind.table, name=name, domain_id=values["domain_id"])
    if row is None:
        row = records.create(change, kind, {"name": name, **values})
    found: str = row["id"]
    return found


def _roles(change: Change) -> dict[str, str]:
    ids = {
        name: _named(
            change,
            records.ROLE,
            name,
            {"domain_id": "", "description": text, "options": {"immutable": True}},
        )
        for name, text in ROLES.items()
    }
    for prior, implied in IMPLIED:
        pair = {"prior_role_id": ids[prior], "implied_role_id": ids[implied]}
        if rows.find(change.conn, models.implied_roles, **pair) is None:
            change.conn.execute(sa.insert(models.implied_roles).values(**pair))
    return ids


def _assign(change: Change, user_id: str, role_id: str, kind: str, target_id: str) -> None:
    assignments.add(
        change.conn,
        {
            "target_type": kind,
            "target_id": target_id,
            "actor_id": user_id,
            "actor_type": "user",
            "role_id": role_id,
            "inherited": False,
        },
    )


def _catalog(change: Change) -> None:
    region = cfg.CONF.identity.region
    if rows.find(change.conn, models.regions, id=region) is None:
        rows.insert(change.conn, models.regions, {"id": region, "description": ""})
    for kind, path in SERVICES.items():
        service = rows.find(change.conn, models.catalog_services, type=kind)
        if service is None:
            service = rows.insert(
                change.conn, models.catalog_services, {"type": kind, "name": kind}
            )
        for interface in INTERFACES:
            own = {"service_id": service["id"], "interface": interface, "region_id": region}
            if rows.find(change.conn, models.catalog_endpoints, **own) is None:
                rows.insert(
                    change.conn,
                    models.catalog_endpoints,
                    {**own, "url": f"$(base_url)s{path}"},
                )
