"""Keys of encrypted volumes, themselves encrypted (see mycloud.common.key_vault)."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions, key_vault
from mycloud.db.models import backups, volume_keys, volume_snapshots, volumes


def make(conn: Connection, project_id: str) -> str:
    """A new key of a project; its id."""
    key_id = clock.new_id()
    conn.execute(
        sa.insert(volume_keys).values(
            id=key_id, project_id=project_id, ciphertext=key_vault.new_key(),
            created_at=clock.now(),
        )
    )
    return key_id


def passphrase(conn: Connection, key_id: str | None) -> str:
    """:raises KeyUnreadable: there is no such key, or it can't be decrypted"""
    query = sa.select(volume_keys.c.ciphertext).where(volume_keys.c.id == key_id)
    ciphertext = conn.execute(query).scalar()
    if ciphertext is None:
        raise exceptions.KeyUnreadable()
    return key_vault.opened(ciphertext)


def forget_unused(conn: Connection, key_id: str | None) -> None:
    """Remove a key that no volume, snapshot or backup needs any more."""
    if key_id is None:
        return
    for table in (volumes, volume_snapshots, backups):
        query = sa.select(sa.func.count()).where(
            table.c.encryption_key_id == key_id, table.c.deleted_at.is_(None)
        )
        if conn.execute(query).scalar_one():
            return
    conn.execute(sa.delete(volume_keys).where(volume_keys.c.id == key_id))
