"""Domains: what is in one goes with it."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg

from mycloud.common import exceptions
from mycloud.db import models
from mycloud.db.identity import assignments, rows
from mycloud.db.identity.rows import Row
from mycloud.identity import changes, groups, projects, records, roles, users
from mycloud.identity.changes import Change


def create(values: Mapping[str, Any]) -> Row:
    """:raises NameTaken:"""
    with changes.writer() as change:
        return records.create(change, records.DOMAIN, values)


def update(domain_id: str, values: Mapping[str, Any], extra: Mapping[str, Any]) -> Row:
    """Disabling it voids the tokens of all in it.

    :raises IdentityNotFound:
    :raises NameTaken:
    """
    with changes.writer() as change:
        row = records.need(change.conn, records.DOMAIN, domain_id)
        if row["enabled"] and values.get("enabled") is False:
            change.revoke(domain_id=domain_id)
        whole = {**values, "extra": records.merged_extra(row, extra)}
        return records.update(change, records.DOMAIN, row, whole)


def delete(domain_id: str) -> None:
    """With all users, groups, projects and roles in it.

    :raises IdentityNotFound:
    :raises StillInUse: when it is enabled, or the cloud's default domain
    """
    with changes.writer() as change:
        row = records.need(change.conn, records.DOMAIN, domain_id)
        if domain_id == cfg.CONF.identity.default_domain_id:
            raise exceptions.StillInUse(
                noun="domain", id=domain_id, reason="it is the cloud's default domain."
            )
        if row["enabled"]:
            raise exceptions.StillInUse(
                noun="domain", id=domain_id, reason="it is enabled; disable it first."
            )
        _empty(change, domain_id)
        assignments.drop(change.conn, target_id=domain_id)
        rows.delete(change.conn, models.domains, id=domain_id)


def _empty(change: Change, domain_id: str) -> None:
    for table, remove in (
        (models.users, users.remove),
        (models.groups, groups.remove),
        (models.projects, projects.remove),
        (models.roles, roles.remove),
    ):
        query = sa.select(table.c.id).where(table.c.domain_id == domain_id)
        for record_id in list(change.conn.execute(query).scalars()):
            remove(change, record_id)
