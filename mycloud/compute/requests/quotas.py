"""Compare what is asked for with the limits, by counting, in the transaction that takes it.

The project's lock makes two requests count one after the other, so they can't both pass on the
last free place.
"""

from collections.abc import Iterable, Mapping

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.compute.requests import projects
from mycloud.conf import quota as conf
from mycloud.db import engine, quotas

UNLIMITED = -1
#: Of a project's id or a class.
_LONGEST_NAME = 64

#: What is limited, in the API's words.
RESOURCES = tuple(option.name for option in conf.OPTS)
#: Kept for clients of early microversions; nothing counts them here.
NETWORK_RESOURCES = ("fixed_ips", "floating_ips", "security_group_rules", "security_groups")


def defaults() -> dict[str, int]:
    """The limits of the configuration."""
    found = {name: getattr(cfg.CONF.quota, name) for name in RESOURCES}
    return {**found, **dict.fromkeys(NETWORK_RESOURCES, UNLIMITED)}


def limits(
    conn: Connection, project_id: str | None, *, user_id: str | None = None
) -> dict[str, int]:
    """The limits in force for a project, or for a user in it; one statement."""
    shared, own = quotas.limits(conn, project_id, user_id)
    return {**defaults(), **shared, **own}


def check_servers(
    conn: Connection,
    owner: tuple[str | None, str | None],
    counts: tuple[int, int],
    each: dict[str, int],
) -> int:
    """How many servers may be made: as many as fit, from the first to the second of ``counts``.

    ``owner``: project and user. ``each``: cores and ram (MiB) of one of them. Three statements
    once the project has made anything, four for a user with limits of its own.

    :raises QuotaExceeded: when not even the first of ``counts`` fit
    """
    project_id, user_id = owner
    quotas.lock(conn, str(project_id))
    shared, own = quotas.limits(conn, project_id, user_id)
    per_server = {"instances": 1, **each}
    fit = _fitting(
        counts, per_server, quotas.servers_used(conn, project_id), {**defaults(), **shared}
    )
    if own:
        used = quotas.servers_used(conn, project_id, user_id=user_id)
        allowed = {name: own.get(name, UNLIMITED) for name in per_server}
        fit = _fitting((counts[0], fit), per_server, used, allowed)
    return fit


def _fitting(
    counts: tuple[int, int], each: dict[str, int], used: dict[str, int], allowed: dict[str, int]
) -> int:
    least, fit = counts
    for name, amount in each.items():
        if allowed[name] != UNLIMITED and amount:
            fit = min(fit, (allowed[name] - used[name]) // amount)
    if fit < least:
        raise _exceeded({name: amount * least for name, amount in each.items()}, used, allowed)
    return fit


def check_group_members(
    conn: Connection, project_id: str | None, group_id: str, count: int
) -> None:
    """:raises QuotaExceeded: when ``count`` more servers do not fit into the server group"""
    allowed = limits(conn, project_id)
    used = {"server_group_members": quotas.members_used(conn, group_id)}
    _check({"server_group_members": count}, used, allowed)


def check_server_groups(conn: Connection, project_id: str) -> None:
    """:raises QuotaExceeded: when the project may have no further server group"""
    quotas.lock(conn, project_id)
    used = {"server_groups": quotas.groups_used(conn, project_id)}
    _check({"server_groups": 1}, used, limits(conn, project_id))


def check_keypairs(conn: Connection, project_id: str | None, user_id: str) -> None:
    """:raises QuotaExceeded: when the user may have no further key pair"""
    quotas.lock(conn, user_id)
    used = {"key_pairs": quotas.keypairs_used(conn, user_id)}
    _check({"key_pairs": 1}, used, limits(conn, project_id))


def check_metadata(
    conn: Connection, project_id: str | None, items: Mapping[str, object]
) -> None:
    """:raises QuotaExceeded: when that is more metadata than one server or image may have"""
    _check(
        {"metadata_items": len(items)}, {"metadata_items": 0}, limits(conn, project_id)
    )


def _check(wanted: dict[str, int], used: dict[str, int], allowed: dict[str, int]) -> None:
    for name, amount in wanted.items():
        if allowed[name] != UNLIMITED and used[name] + amount > allowed[name]:
            raise _exceeded(wanted, used, allowed)


def _exceeded(
    wanted: dict[str, int], used: dict[str, int], allowed: dict[str, int]
) -> exceptions.QuotaExceeded:
    over = sorted(
        name
        for name in wanted
        if allowed[name] != UNLIMITED and used[name] + wanted[name] > allowed[name]
    )
    return exceptions.QuotaExceeded(
        resource=", ".join(over),
        requested=_texts(over, wanted),
        used=_texts(over, used),
        limit=_texts(over, allowed),
    )


def _texts(names: Iterable[str], values: dict[str, int]) -> str:
    return ", ".join(str(values[name]) for name in names)


def usage(
    conn: Connection, project_id: str | None, *, user_id: str | None = None
) -> dict[str, int]:
    """What a project, or a user in it, has of everything that is limited; two statements.

    What is limited per user, server or group counts as none.
    """
    return {
        **dict.fromkeys((*RESOURCES, *NETWORK_RESOURCES), 0),
        **quotas.servers_used(conn, project_id, user_id=user_id),
        "server_groups": quotas.groups_used(conn, project_id),
    }


@engine.retried
def set_limits(
    project_id: str,
    wanted: dict[str, int],
    *,
    user_id: str | None = None,
    force: bool = False,
) -> dict[str, int]:
    """Set limits of a project, or of a user in it; returns all that are in force.

    :raises Invalid: when there is no such project; and unless ``force``, when one of the limits
        is lower than what there is already, or a user's is higher than the project's
    """
    for name in (project_id, user_id or ""):
        _check_name(name)
    with engine.writer() as conn:
        projects.verify(conn, project_id)
        quotas.lock(conn, project_id)
        if not force:
            _refuse_below_usage(wanted, usage(conn, project_id, user_id=user_id))
            if user_id is not None:
                _refuse_above_project(wanted, limits(conn, project_id))
        quotas.set_limits(conn, project_id, wanted, user_id=user_id)
        return limits(conn, project_id, user_id=user_id)


def _refuse_below_usage(wanted: dict[str, int], used: dict[str, int]) -> None:
    for name, limit in wanted.items():
        if limit != UNLIMITED and limit < used[name]:
            raise exceptions.Invalid(
                f"Quota limit {limit} for {name} must be greater than or equal to already used "
                f"and reserved {used[name]}. Use force to set it all the same."
            )


def _refuse_above_project(wanted: dict[str, int], allowed: dict[str, int]) -> None:
    for name, limit in wanted.items():
        highest = allowed[name]
        if highest != UNLIMITED and not 0 <= limit <= highest:
            raise exceptions.Invalid(
                f"Quota limit {limit} for {name} must be less than or equal to {highest}, the "
                "project's."
            )


@engine.retried
def forget(project_id: str, *, user_id: str | None = None) -> None:
    """Give a user the project's limits again, or a project and all its users the default."""
    with engine.writer() as conn:
        quotas.forget(conn, project_id, user_id=user_id)


def class_limits(conn: Connection, class_name: str) -> dict[str, int]:
    """The limits of a class; those that it does not set are the configuration's."""
    return {**defaults(), **quotas.class_limits(conn, class_name)}


@engine.retried
def set_class_limits(class_name: str, wanted: dict[str, int]) -> dict[str, int]:
    """Set limits of a class; only the class "default" has members: all projects."""
    _check_name(class_name)
    with engine.writer() as conn:
        quotas.lock(conn, quotas.DEFAULT_CLASS)
        quotas.set_class_limits(conn, class_name, wanted)
        return class_limits(conn, class_name)


def _check_name(name: str) -> None:
    if len(name) > _LONGEST_NAME:
        raise exceptions.Invalid(f"{name} is longer than {_LONGEST_NAME} characters.")
