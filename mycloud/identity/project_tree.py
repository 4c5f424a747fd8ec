"""Reading projects as the tree that they are, and by their tags."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from mycloud.common import exceptions
from mycloud.db import engine, models
from mycloud.db.identity import access, rows
from mycloud.db.identity.rows import Page, Row
from mycloud.identity import records

_projects = models.projects


def domain_of(project_id: str) -> str:
    """The domain of a project, or the domain itself.

    :raises IdentityNotFound: when it is neither
    """
    with engine.reader() as conn:
        row = rows.find(conn, _projects, id=project_id)
        if row is not None:
            found: str = row["domain_id"]
            return found
        if rows.find(conn, models.domains, id=project_id) is None:
            raise exceptions.IdentityNotFound(noun="project", id=project_id)
        return project_id


def parents(row: Row) -> list[Row]:
    """The projects above, the nearest first."""
    with engine.reader() as conn:
        ids = access.parents(conn, row["parent_id"])
        found = _by_id(conn, ids)
        return [found[project_id] for project_id in ids if project_id in found]


def subtree(row: Row) -> list[Row]:
    """The projects below, level by level."""
    found: list[Row] = []
    level = [row["id"]]
    with engine.reader() as conn:
        while level:
            query = (
                sa.select(_projects)
                .where(_projects.c.parent_id.in_(level))
                .order_by(_projects.c.id)
            )
            below = list(conn.execute(query).mappings())
            found += below
            level = [child["id"] for child in below]
    return found


def _by_id(conn: Any, ids: Iterable[str]) -> dict[str, Row]:
    query = sa.select(_projects).where(_projects.c.id.in_(list(ids)))
    return {row["id"]: row for row in conn.execute(query).mappings()}


def as_ids(top: Row, related: Iterable[Row]) -> dict[str, Any] | None:
    """Parents or a subtree as ids in each other; None when there is none."""
    related = list(related)
    if related and related[0]["id"] == top["parent_id"]:
        nested: dict[str, Any] | None = None
        for row in reversed(related):
            nested = {row["id"]: nested}
        return nested
    children: dict[str, dict[str, Any]] = {top["id"]: {}}
    for row in related:
        children[row["parent_id"]][row["id"]] = children.setdefault(row["id"], {})
    return _without_empty(children[top["id"]])


def _without_empty(tree: dict[str, Any]) -> dict[str, Any] | None:
    return {name: _without_empty(below) for name, below in tree.items()} or None


def listed(page: Page, tags: Mapping[str, list[str]]) -> list[Row]:
    """A page of projects, by tags too: ``tags`` (all of them), ``tags-any``, ``not-tags`` (not
    all of them), ``not-tags-any``."""
    if not tags:
        return records.listed(records.PROJECT, page)
    everything = records.listed(records.PROJECT, Page(page.filters, page.marker))
    found = [row for row in everything if _tagged(set(row["tags"] or ()), tags)]
    return found[: page.limit]


def _tagged(own: set[str], wanted: Mapping[str, list[str]]) -> bool:
    checks = {
        "tags": lambda given: given <= own,
        "tags-any": lambda given: bool(given & own),
        "not-tags": lambda given: not given <= own,
        "not-tags-any": lambda given: not given & own,
    }
    return all(checks[name](set(given)) for name, given in wanted.items())
