"""Regions, services and endpoints: what the catalog is made of."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.identity.rows import Row
from mycloud.db.models import catalog_endpoints, catalog_services


def enabled_services(conn: Connection) -> list[Row]:
    query = (
        sa.select(catalog_services)
        .where(catalog_services.c.enabled.is_(True))
        .order_by(catalog_services.c.type, catalog_services.c.id)
    )
    return list(conn.execute(query).mappings())


def enabled_endpoints(conn: Connection) -> list[Row]:
    query = (
        sa.select(catalog_endpoints)
        .where(catalog_endpoints.c.enabled.is_(True))
        .order_by(catalog_endpoints.c.id)
    )
    return list(conn.execute(query).mappings())
