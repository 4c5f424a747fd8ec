"""Where the members of a server group are, and the claim of one more.

A placement reads the group's generation before it reads the members, and swaps it when it has
chosen: so of two placements that did not see each other only one goes through.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mycloud.db.models import allocations, hosts, server_groups, servers

AFFINITY = "affinity"
ANTI_AFFINITY = "anti-affinity"
SOFT_AFFINITY = "soft-affinity"
SOFT_ANTI_AFFINITY = "soft-anti-affinity"


@dataclass(frozen=True)
class Group:
    """A server group as the placement of one more member sees it."""

    policy: str
    max_per_host: int = 1
    #: host -> number of other members that have a claim on it
    members: dict[str, int] = field(default_factory=dict)
    id: str = ""
    generation: int = 0

    def admits(self, host: str) -> bool:
        """Whether the policy lets one more member onto the host; the soft ones always do."""
        if self.policy == AFFINITY:
            return not self.members or host in self.members
        if self.policy == ANTI_AFFINITY:
            return self.members.get(host, 0) < self.max_per_host
        return True


def load(conn: Connection, server: Mapping[str, Any]) -> Group | None:
    """The group of a server, with where its other members are; None if it is in none."""
    if server["server_group_id"] is None:
        return None
    query = sa.select(server_groups).where(server_groups.c.id == server["server_group_id"])
    row = conn.execute(query).mappings().first()
    if row is None:
        # deleted since the server was asked for
        return None
    members = (
        sa.select(hosts.c.host, sa.func.count())
        .select_from(allocations)
        .join(servers, servers.c.id == allocations.c.server_id)
        .join(hosts, hosts.c.id == allocations.c.host_id)
        .where(servers.c.server_group_id == row["id"], servers.c.id != server["id"])
        .group_by(hosts.c.host)
    )
    return Group(
        policy=row["policy"],
        max_per_host=int((row["rules"] or {}).get("max_server_per_host", 1)),
        members=dict(conn.execute(members).tuples().all()),
        id=row["id"],
        generation=row["generation"],
    )


def take(conn: Connection, group: Group) -> bool:
    """Make the placement of a member count; False if another was placed since ``load``."""
    taken = conn.execute(
        sa.update(server_groups)
        .where(
            server_groups.c.id == group.id, server_groups.c.generation == group.generation
        )
        .values(generation=server_groups.c.generation + 1)
    )
    return bool(taken.rowcount)
