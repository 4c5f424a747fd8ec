"""Secrets that users keep here for other programs: encrypted in the database."""

from collections.abc import Mapping
from typing import Any

from cryptography import fernet

from mycloud.common import exceptions
from mycloud.db import models
from mycloud.db.identity import rows
from mycloud.db.identity.rows import Page, Row
from mycloud.identity import changes, keys, records


def _sealed(blob: str) -> str:
    return keys.credential_keys().crypto().encrypt(blob.encode()).decode()


def opened(row: Row) -> str:
    """The blob in the clear.

    :raises ConfigError: when the keys it was written with are gone
    """
    try:
        return keys.credential_keys().crypto().decrypt(row["blob"].encode()).decode()
    except fernet.InvalidToken as error:
        raise exceptions.ConfigError(
            option="state_path", reason=f"credential {row['id']} was written with other keys"
        ) from error


def create(values: Mapping[str, Any]) -> Row:
    """:raises BadField: when the user or the project isn't there"""
    with changes.writer() as change:
        for kind, name in ((records.USER, "user_id"), (records.PROJECT, "project_id")):
            value = values.get(name)
            if value is not None and rows.find(change.conn, kind.table, id=value) is None:
                raise exceptions.BadField(field=name, reason=f"there is no such {kind.noun}")
        whole = {**values, "blob": _sealed(values["blob"])}
        return records.create(change, records.CREDENTIAL, whole)


def update(credential_id: str, blob: str | None) -> Row:
    """:raises IdentityNotFound:"""
    with changes.writer() as change:
        row = records.need(change.conn, records.CREDENTIAL, credential_id)
        values = {} if blob is None else {"blob": _sealed(blob)}
        return records.update(change, records.CREDENTIAL, row, values)


def delete(credential_id: str) -> None:
    """:raises IdentityNotFound:"""
    with changes.writer() as change:
        if not rows.delete(change.conn, models.credentials, id=credential_id):
            raise exceptions.IdentityNotFound(noun="credential", id=credential_id)


def listed(page: Page) -> list[Row]:
    return records.listed(records.CREDENTIAL, page)
