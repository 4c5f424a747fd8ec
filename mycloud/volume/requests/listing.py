"""Volumes and snapshots as they are shown and listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mycloud.common.context import RequestContext
from mycloud.db import (
    attachments,
    engine,
    filtered,
    snapshot_list,
    volume_list,
    volume_types,
)
from mycloud.db.filtered import Wanted
from mycloud.volume.requests.volumes import own_project

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """Rows, and how many there are in all, where that was asked for. ``held``: the attachments of
    volumes by their ids."""

    rows: Sequence[Row]
    count: int | None = None
    held: Mapping[str, Sequence[Row]] = field(default_factory=dict)


def show(context: RequestContext, volume_id: str) -> tuple[Row, Sequence[Row]]:
    """A volume with its type's name, and its attachments.

    :raises VolumeNotFound: also for another project's
    """
    with engine.reader() as conn:
        row = volume_list.get(conn, volume_id, project_id=own_project(context))
        return row, attachments.of_volumes(conn, [volume_id])[volume_id]


def type_of(volume: Row) -> Row | None:
    """The type of a volume, if it has one."""
    if volume["volume_type_id"] is None:
        return None
    with engine.reader() as conn:
        return volume_types.by_id(conn, volume["volume_type_id"])


def volumes(wanted: Wanted, *, attached: bool, counted: bool) -> Page:
    """A page of volumes in at most four statements; ``attached``: with their attachments."""
    with engine.reader() as conn:
        rows = filtered.page(conn, volume_list.NOUN, wanted)
        ids = [row["id"] for row in rows]
        return Page(
            rows,
            filtered.count(conn, volume_list.NOUN, wanted) if counted else None,
            attachments.of_volumes(conn, ids) if attached and ids else {},
        )


def snapshots(wanted: Wanted, *, counted: bool) -> Page:
    """A page of snapshots in at most three statements."""
    with engine.reader() as conn:
        return Page(
            filtered.page(conn, snapshot_list.NOUN, wanted),
            filtered.count(conn, snapshot_list.NOUN, wanted) if counted else None,
        )


def summary(project_id: str | None) -> tuple[int, int, dict[str, list[str]]]:
    """How many volumes there are, their GiB, and the values that each key of their metadata has;
    ``project_id`` None: of all projects."""
    values: dict[str, list[str]] = {}
    with engine.reader() as conn:
        number, size = volume_list.totals(conn, project_id)
        for metadata in volume_list.metadata_of(conn, project_id):
            for key, value in metadata.items():
                known = values.setdefault(key, [])
                if value not in known:
                    known.append(value)
    return number, size, values
