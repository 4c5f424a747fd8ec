"""The tokens that were declared void, in a form that answers fast."""

import datetime
from collections.abc import Iterable

from mycloud.db.identity.rows import Row
from mycloud.identity.tokens import Token


class RevocationList:
    """What has been revoked so far, as far as this process has seen it."""

    def __init__(self) -> None:
        self._audit_ids: set[str] = set()
        # (user, project, domain) -> tokens issued before that are void
        self._before: dict[tuple[str, str, str], datetime.datetime] = {}

    def add(self, events: Iterable[Row]) -> None:
        for event in events:
            if event["audit_id"]:
                self._audit_ids.add(event["audit_id"])
                continue
            key = (event["user_id"] or "", event["project_id"] or "", event["domain_id"] or "")
            known = self._before.get(key)
            if known is None or known < event["issued_before"]:
                self._before[key] = event["issued_before"]

    def covers(self, token: Token, domain_ids: set[str]) -> bool:
        """Whether the token is void. ``domain_ids``: of its user and of its scope."""
        if not self._audit_ids.isdisjoint(token.audit_ids[:1]):
            return True
        if not self._before:
            return False
        project = token.scope.id if token.scope.kind == "project" else ""
        keys = [(token.user_id, "", "")]
        if project:
            keys += [("", project, ""), (token.user_id, project, "")]
        for domain in domain_ids:
            keys += [("", "", domain), (token.user_id, "", domain)]
        return any(
            token.issued_at <= before
            for before in map(self._before.get, keys)
            if before is not None
        )
