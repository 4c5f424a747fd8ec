"""Compare what is asked for with the limits of volumes, by counting, in the transaction that
takes it. See compute's quotas: the tables and the project's lock are the same, the limits are
apart.

Every volume type has limits of its own: the name of a resource, "_" and the type's name. In the
tables the type's id stands for it, so that they outlive a new name.
"""

from collections.abc import Iterable

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.compute.requests import projects
from mycloud.conf import volume_quota as conf
from mycloud.db import engine, quotas, volume_quotas, volume_types
from mycloud.db.volume_quotas import SPACE, Used

UNLIMITED = -1
#: Of a project's id or a class.
_LONGEST_NAME = 64

#: What is limited, in the API's words.
RESOURCES = tuple(option.name for option in conf.OPTS)
#: ... and for each volume type by itself.
TYPED = ("volumes", "snapshots", "gigabytes")

Limits = dict[str, int]
#: Volume types: id -> name
Types = dict[str, str]


def _typed(types: Types) -> dict[str, str]:
    """The resources of types: as the tables call them -> as the API does."""
    return {
        f"{resource}_{type_id}": f"{resource}_{name}"
        for type_id, name in types.items()
        for resource in TYPED
    }


def _defaults(types: Types) -> Limits:
    found = {name: getattr(cfg.CONF.volume_quota, name) for name in RESOURCES}
    return {**found, **dict.fromkeys(_typed(types).values(), UNLIMITED)}


def _known(stored: Limits, types: Types) -> Limits:
    """Limits by the API's names; those of types that are not asked for are left out."""
    names = {**{name: name for name in RESOURCES}, **_typed(types)}
    return {names[name]: limit for name, limit in stored.items() if name in names}


def limits(conn: Connection, project_id: str | None, types: Types) -> Limits:
    """The limits in force for a project, those of ``types`` too; one statement."""
    shared, _ = quotas.limits(conn, project_id, space=SPACE)
    return {**_defaults(types), **_known(shared, types)}


def usage(conn: Connection, project_id: str | None, types: Types) -> dict[str, int]:
    """What a project has of everything that is limited, of ``types`` too; one statement.

    What is limited for each volume, and groups, count as none.
    """
    found = dict.fromkeys(_defaults(types), 0)
    for part in volume_quotas.used(conn, project_id):
        for name, amount in _amounts(part).items():
            found[name] += amount
            typed = f"{name}_{types.get(part.type_id or '')}"
            if name in TYPED and part.type_id in types:
                found[typed] += amount
    return found


def _amounts(part: Used) -> dict[str, int]:
    size = "backup_gigabytes" if part.kind == "backups" else "gigabytes"
    return {part.kind: part.count, size: part.size_gb}


def check(
    conn: Connection, project_id: str, wanted: dict[str, int], *, type_name: str | None
) -> None:
    """Refuse what does not fit; holds the project's lock until the transaction ends.

    ``wanted``: more of resources, sizes in GiB; ``per_volume_gigabytes`` is the size that one
    volume is to have. ``type_name``: of what is to be made; its own
    limits are checked too. Five statements at most.

    :raises VolumeQuotaExceeded: tells what is over, the limit and what is used
    """
    quotas.lock(conn, project_id)
    types = volume_types.named(conn, type_name) if type_name else {}
    allowed, used = limits(conn, project_id, types), usage(conn, project_id, types)
    for resource, amount in wanted.items():
        names = [resource]
        if resource in TYPED:
            names += [f"{resource}_{name}" for name in types.values()]
        for name in names:
            if amount and allowed[name] != UNLIMITED and used[name] + amount > allowed[name]:
                raise _exceeded(resource, name, (amount, allowed[name], used[name]))


def check_type(
    conn: Connection, project_id: str, wanted: dict[str, int], *, type_name: str
) -> None:
    """As ``check``, of what the project has already: only the limits of the type by itself.

    :raises VolumeQuotaExceeded:
    """
    quotas.lock(conn, project_id)
    types = volume_types.named(conn, type_name)
    allowed, used = limits(conn, project_id, types), usage(conn, project_id, types)
    for resource, amount in wanted.items():
        for each in types.values():
            name = f"{resource}_{each}"
            if allowed[name] != UNLIMITED and used[name] + amount > allowed[name]:
                raise _exceeded(resource, name, (amount, allowed[name], used[name]))


def _exceeded(
    resource: str, name: str, figures: tuple[int, int, int]
) -> exceptions.VolumeQuotaExceeded:
    requested, limit, used = figures
    amounts = (
        f"Requested {requested}G, quota is {limit}G and {used}G has been consumed. Delete what is "
        "not needed or ask for a larger quota."
    )
    if resource == "gigabytes":
        return exceptions.VolumeQuotaExceeded(
            kind="VolumeSizeExceedsAvailableQuota",
            reason=f"Requested volume or snapshot exceeds allowed {name} quota. {amounts}",
        )
    if resource == "per_volume_gigabytes":
        return exceptions.VolumeQuotaExceeded(
            kind="VolumeSizeExceedsLimit",
            reason=f"Requested volume size {requested}G is larger than maximum allowed limit "
            f"{limit}G.",
        )
    if resource == "backup_gigabytes":
        return exceptions.VolumeQuotaExceeded(
            kind="VolumeBackupSizeExceedsAvailableQuota",
            reason=f"Requested backup exceeds allowed Backup gigabytes quota. {amounts}",
        )
    return exceptions.VolumeQuotaExceeded(
        kind=f"{resource[:-1].capitalize()}LimitExceeded",
        reason=f"Maximum number of {resource} allowed ({limit}) exceeded for quota '{name}'.",
    )


@engine.retried
def set_limits(project_id: str, wanted: Limits, *, check_usage: bool = False) -> Limits:
    """Set limits of a project; returns all that are in force.

    :raises Invalid: when there is no such project or resource; and with ``check_usage``, when
        one of the limits is lower than what there is already
    """
    _check_name(project_id)
    with engine.writer() as conn:
        projects.verify(conn, project_id)
        quotas.lock(conn, project_id)
        types = volume_types.visible(conn, None)
        stored = _stored(wanted, types)
        if check_usage:
            _refuse_below_usage(wanted, usage(conn, project_id, types))
        quotas.set_limits(conn, project_id, stored, space=SPACE)
        return limits(conn, project_id, types)


def _stored(wanted: Limits, types: Types) -> Limits:
    """Limits by the tables' names.

    :raises BadField: names what is no resource
    """
    names = {
        **{name: name for name in RESOURCES},
        **{shown: stored for stored, shown in _typed(types).items()},
    }
    bad = sorted(set(wanted) - set(names))
    if bad:
        raise exceptions.BadField(
            field=bad[0], reason=f"Bad key(s) in quota set: {_shown(bad)}"
        )
    return {names[name]: limit for name, limit in wanted.items()}


def _shown(names: Iterable[str]) -> str:
    return ",".join(names)[:300]


def _refuse_below_usage(wanted: Limits, used: dict[str, int]) -> None:
    for name, limit in wanted.items():
        if limit != UNLIMITED and limit < used[name]:
            raise exceptions.BadField(
                field=name,
                reason=f"Quota limit {limit} must be equal to or greater than existing resources: "
                f"{used[name]}.",
            )


@engine.retried
def forget(project_id: str) -> None:
    """Give a project the default limits again."""
    with engine.writer() as conn:
        quotas.forget(conn, project_id, space=SPACE)


def class_limits(conn: Connection, class_name: str, types: Types) -> Limits:
    """The limits of a class; those that it does not set are the configuration's."""
    own = quotas.class_limits(conn, class_name, space=SPACE)
    return {**_defaults(types), **_known(own, types)}


@engine.retried
def set_class_limits(class_name: str, wanted: Limits) -> Limits:
    """Set limits of a class; only the class "default" has members: all projects.

    :raises Invalid: when there is no such resource
    """
    _check_name(class_name)
    with engine.writer() as conn:
        types = volume_types.visible(conn, None)
        quotas.lock(conn, quotas.DEFAULT_CLASS)
        quotas.set_class_limits(conn, class_name, _stored(wanted, types), space=SPACE)
        return class_limits(conn, class_name, types)


def _check_name(name: str) -> None:
    if len(name) > _LONGEST_NAME:
        raise exceptions.Invalid(f"{name} is longer than {_LONGEST_NAME} characters.")
