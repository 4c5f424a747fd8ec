"""One page of a list, by key: what comes after the marker in the order of some columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

Row = Mapping[str, Any]
#: A column (or an expression that is never null), its value in the marker, ascending or not.
Key = tuple[sa.ColumnElement[Any], Any, bool]


def after(query: sa.Select[Any], keys: Sequence[Key], *, marked: bool) -> sa.Select[Any]:
    """Order the query by ``keys``, the last of which is unique; if ``marked``, begin after the
    marker whose values the keys carry."""
    query = query.order_by(*(key.asc() if rising else key.desc() for key, _, rising in keys))
    if not marked:
        return query
    choices = []
    for index, (key, value, rising) in enumerate(keys):
        before = [other == known for other, known, _ in keys[:index]]
        choices.append(sa.and_(*before, key > value if rising else key < value))
    return query.where(sa.or_(*choices))
