"""Changing the catalog: regions, services and endpoints."""

from collections.abc import Mapping
from typing import Any

from mycloud.common import clock, exceptions
from mycloud.db import models
from mycloud.db.identity import rows
from mycloud.db.identity.rows import Row
from mycloud.identity import changes, records
from mycloud.identity.changes import Change


def create_region(values: Mapping[str, Any]) -> Row:
    """:raises IdentityNotFound: when the parent isn't there
    :raises NameTaken: when there is one with that id
    """
    with changes.writer() as change:
        _check_parent(change, values)
        whole = {**values, "id": values.get("id") or clock.new_hex_id()}
        return records.create(change, records.REGION, whole)


def update_region(
    region_id: str, values: Mapping[str, Any], extra: Mapping[str, Any]
) -> Row:
    """:raises BadField: when the region would come to lie in itself"""
    with changes.writer() as change:
        row = records.need(change.conn, records.REGION, region_id)
        _check_parent(change, values, of=region_id)
        whole = {**values, "extra": records.merged_extra(row, extra)}
        return records.update(change, records.REGION, row, whole)


def _check_parent(change: Change, values: Mapping[str, Any], *, of: str | None = None) -> None:
    parent_id = values.get("parent_region_id")
    while parent_id is not None:
        if parent_id == of:
            raise exceptions.BadField(
                field="parent_region_id", reason="a region can't lie in itself"
            )
        parent_id = records.need(change.conn, records.REGION, parent_id)["parent_region_id"]


def delete_region(region_id: str) -> None:
    """:raises StillInUse: when it has regions or endpoints"""
    with changes.writer() as change:
        records.need(change.conn, records.REGION, region_id)
        for table, key, what in (
            (models.regions, "parent_region_id", "regions"),
            (models.catalog_endpoints, "region_id", "endpoints"),
        ):
            if rows.find(change.conn, table, **{key: region_id}) is not None:
                raise exceptions.StillInUse(
                    noun="region", id=region_id, reason=f"it has {what}; delete them first."
                )
        rows.delete(change.conn, models.regions, id=region_id)


def create_service(values: Mapping[str, Any]) -> Row:
    with changes.writer() as change:
        return records.create(change, records.SERVICE, values)


def update_service(
    service_id: str, values: Mapping[str, Any], extra: Mapping[str, Any]
) -> Row:
    """:raises IdentityNotFound:"""
    with changes.writer() as change:
        row = records.need(change.conn, records.SERVICE, service_id)
        whole = {**values, "extra": records.merged_extra(row, extra)}
        return records.update(change, records.SERVICE, row, whole)


def delete_service(service_id: str) -> None:
    """With its endpoints.

    :raises IdentityNotFound:
    """
    with changes.writer() as change:
        records.need(change.conn, records.SERVICE, service_id)
        rows.delete(change.conn, models.catalog_endpoints, service_id=service_id)
        rows.delete(change.conn, models.catalog_services, id=service_id)


def create_endpoint(values: Mapping[str, Any], *, new_region: bool) -> Row:
    """``new_region``: make the region if it isn't there.

    :raises BadField: when the service or the region isn't there
    """
    with changes.writer() as change:
        _check_endpoint(change, values, new_region=new_region)
        return records.create(change, records.ENDPOINT, values)


def update_endpoint(
    endpoint_id: str,
    values: Mapping[str, Any],
    extra: Mapping[str, Any],
    *,
    new_region: bool,
) -> Row:
    """:raises BadField: when the service or the region isn't there"""
    with changes.writer() as change:
        row = records.need(change.conn, records.ENDPOINT, endpoint_id)
        _check_endpoint(change, values, new_region=new_region)
        whole = {**values, "extra": records.merged_extra(row, extra)}
        return records.update(change, records.ENDPOINT, row, whole)


def _check_endpoint(change: Change, values: Mapping[str, Any], *, new_region: bool) -> None:
    service_id, region_id = values.get("service_id"), values.get("region_id")
    if service_id is not None and (
        rows.find(change.conn, models.catalog_services, id=service_id) is None
    ):
        raise exceptions.BadField(field="service_id", reason="there is no such service")
    if region_id is None or rows.find(change.conn, models.regions, id=region_id) is not None:
        return
    if not new_region:
        raise exceptions.BadField(field="region_id", reason="there is no such region")
    rows.insert(change.conn, models.regions, {"id": region_id, "description": ""})


def delete_endpoint(endpoint_id: str) -> None:
    """:raises IdentityNotFound:"""
    with changes.writer() as change:
        records.need(change.conn, records.ENDPOINT, endpoint_id)
        rows.delete(change.conn, models.catalog_endpoints, id=endpoint_id)
