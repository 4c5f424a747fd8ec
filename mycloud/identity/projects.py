"""Projects: a tree under each domain."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mycloud.common import exceptions
from mycloud.db import models
from mycloud.db.identity import access, assignments, rows
from mycloud.db.identity.rows import Row
from mycloud.identity import changes, records
from mycloud.identity.changes import Change

_MAX_DEPTH = 16


def create(values: Mapping[str, Any]) -> Row:
    """``parent_id`` may be a project of the same domain, or the domain itself.

    :raises IdentityNotFound: when the domain or the parent isn't there
    :raises NameTaken:
    """
    with changes.writer() as change:
        records.need(change.conn, records.DOMAIN, values["domain_id"])
        whole = {**values, "parent_id": _parent(change, values)}
        return records.create(change, records.PROJECT, whole)


def _parent(change: Change, values: Mapping[str, Any]) -> str | None:
    """The parent project's id; None right under the domain."""
    parent_id: str | None = values.get("parent_id")
    if parent_id in (None, values["domain_id"]):
        return None
    parent = records.need(change.conn, records.PROJECT, str(parent_id))
    if parent["domain_id"] != values["domain_id"]:
        raise exceptions.BadField(
            field="parent_id", reason="the parent is a project of another domain"
        )
    if not parent["enabled"]:
        raise exceptions.Forbidden("A project can't be made under a disabled one.")
    if len(access.parents(change.conn, parent_id)) >= _MAX_DEPTH:
        raise exceptions.Forbidden(f"Projects can't be nested deeper than {_MAX_DEPTH} levels.")
    return parent_id


def update(project_id: str, values: Mapping[str, Any], extra: Mapping[str, Any]) -> Row:
    """Disabling it voids its tokens.

    :raises IdentityNotFound:
    :raises NameTaken:
    """
    with changes.writer() as change:
        row = records.need(change.conn, records.PROJECT, project_id)
        if row["enabled"] and values.get("enabled") is False:
            change.revoke(project_id=project_id)
        whole = {**values, "extra": records.merged_extra(row, extra)}
        return records.update(change, records.PROJECT, row, whole)


def set_tags(project_id: str, tags: list[str]) -> Row:
    """:raises IdentityNotFound:"""
    with changes.writer() as change:
        row = records.need(change.conn, records.PROJECT, project_id)
        return records.update(change, records.PROJECT, row, {"tags": sorted(set(tags))})


def delete(project_id: str) -> None:
    """With its role assignments and application credentials.

    :raises IdentityNotFound:
    :raises StillInUse: when it has projects under it
    """
    with changes.writer() as change:
        records.need(change.conn, records.PROJECT, project_id)
        if rows.find(change.conn, models.projects, parent_id=project_id) is not None:
            raise exceptions.StillInUse(
                noun="project", id=project_id, reason="it has projects under it."
            )
        remove(change, project_id)


def remove(change: Change, project_id: str) -> None:
    """A project with all that refers to it."""
    conn = change.conn
    assignments.drop(conn, target_id=project_id)
    rows.delete(conn, models.application_credentials, project_id=project_id)
    rows.delete(conn, models.credentials, project_id=project_id)
    conn.execute(
        sa.update(models.users)
        .where(models.users.c.default_project_id == project_id)
        .values(default_project_id=None)
    )
    rows.delete(conn, models.projects, id=project_id)
