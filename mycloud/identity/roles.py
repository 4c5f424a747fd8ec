"""Roles and what they imply."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mycloud.common import exceptions
from mycloud.db import engine, models
from mycloud.db.identity import assignments, rows
from mycloud.db.identity.rows import Row
from mycloud.identity import changes, records
from mycloud.identity.changes import Change


def create(values: Mapping[str, Any]) -> Row:
    """``domain_id`` "" makes a role of the whole cloud.

    :raises IdentityNotFound: when the domain isn't there
    :raises NameTaken:
    """
    with changes.writer() as change:
        if values["domain_id"]:
            records.need(change.conn, records.DOMAIN, values["domain_id"])
        return records.create(change, records.ROLE, values)


def _check_mutable(row: Row) -> None:
    if (row["options"] or {}).get("immutable"):
        raise exceptions.StillInUse(
            message=f"Role {row['name']} is immutable: the cloud's policies need it. Set its "
            "option immutable to false first."
        )


def update(role_id: str, values: Mapping[str, Any], extra: Mapping[str, Any]) -> Row:
    """:raises StillInUse: when it is immutable and stays so"""
    with changes.writer() as change:
        row = records.need(change.conn, records.ROLE, role_id)
        whole = dict(values)
        if "options" in whole:
            merged = {**(row["options"] or {}), **whole["options"]}
            whole["options"] = {key: value for key, value in merged.items() if value is not None}
        if (row["options"] or {}).get("immutable") and (
            whole.get("options", row["options"]).get("immutable")
        ):
            _check_mutable(row)
        whole["extra"] = records.merged_extra(row, extra)
        return records.update(change, records.ROLE, row, whole)


def delete(role_id: str) -> None:
    """:raises StillInUse: when it is immutable"""
    with changes.writer() as change:
        row = records.need(change.conn, records.ROLE, role_id)
        _check_mutable(row)
        remove(change, role_id)


def remove(change: Change, role_id: str) -> None:
    """A role with its assignments and implications."""
    assignments.drop(change.conn, role_id=role_id)
    rows.delete(change.conn, models.implied_roles, prior_role_id=role_id)
    rows.delete(change.conn, models.implied_roles, implied_role_id=role_id)
    rows.delete(change.conn, models.roles, id=role_id)


def imply(prior_id: str, implied_id: str) -> tuple[Row, Row]:
    """From now on the first role has the second one too; both roles, as they are.

    :raises Invalid: when a role would imply itself
    :raises Forbidden: when a role of the cloud would imply one of a domain
    """
    with changes.writer() as change:
        prior = records.need(change.conn, records.ROLE, prior_id)
        implied = records.need(change.conn, records.ROLE, implied_id)
        if implied["domain_id"] and not prior["domain_id"]:
            raise exceptions.Forbidden(
                f"Role {prior['name']} holds on the whole cloud and {implied['name']} in a "
                "domain only."
            )
        if prior_id == implied_id or prior_id in _closure(change, implied_id):
            raise exceptions.Invalid(reason="a role can't imply itself, not even indirectly")
        keys = {"prior_role_id": prior_id, "implied_role_id": implied_id}
        if rows.find(change.conn, models.implied_roles, **keys) is None:
            change.conn.execute(sa.insert(models.implied_roles).values(**keys))
        return prior, implied


def _closure(change: Change, role_id: str) -> set[str]:
    pairs = change.conn.execute(sa.select(models.implied_roles)).all()
    found, waiting = set(), [role_id]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += [implied for prior, implied in pairs if prior == current]
    return found


def stop_implying(prior_id: str, implied_id: str) -> None:
    """:raises IdentityNotFound: when it doesn't"""
    with changes.writer() as change:
        keys = {"prior_role_id": prior_id, "implied_role_id": implied_id}
        if not rows.delete(change.conn, models.implied_roles, **keys):
            raise _no_inference(prior_id, implied_id)


def _no_inference(prior_id: str, implied_id: str) -> exceptions.IdentityNotFound:
    return exceptions.IdentityNotFound(noun=f"role implied by {prior_id}", id=implied_id)


def inference(prior_id: str, implied_id: str) -> tuple[Row, Row]:
    """:raises IdentityNotFound: when the first role doesn't imply the second one directly"""
    with engine.reader() as conn:
        prior = records.need(conn, records.ROLE, prior_id)
        implied = records.need(conn, records.ROLE, implied_id)
        keys = {"prior_role_id": prior_id, "implied_role_id": implied_id}
        if rows.find(conn, models.implied_roles, **keys) is None:
            raise _no_inference(prior_id, implied_id)
        return prior, implied


def inferences(prior_id: str | None = None) -> list[tuple[Row, list[Row]]]:
    """Every role that implies others, or the one, with the ones that it implies directly.

    :raises IdentityNotFound: when there is no role ``prior_id``
    """
    with engine.reader() as conn:
        every = {row["id"]: row for row in conn.execute(sa.select(models.roles)).mappings()}
        pairs = conn.execute(sa.select(models.implied_roles)).all()
    if prior_id is not None:
        if prior_id not in every:
            raise exceptions.IdentityNotFound(noun="role", id=prior_id)
        implied = [every[second] for first, second in pairs if first == prior_id]
        return [(every[prior_id], implied)]
    found: dict[str, list[Row]] = {}
    for first, second in pairs:
        found.setdefault(first, []).append(every[second])
    return [(every[first], implied) for first, implied in sorted(found.items())]
