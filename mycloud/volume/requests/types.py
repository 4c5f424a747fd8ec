"""Volume types: changes, who may use them, and which one a new volume gets."""

from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import projects
from mycloud.db import default_volume_types, engine, quotas, volume_quotas
from mycloud.db import volume_types as db_types
from mycloud.db.volume_types import Row
from mycloud.volume.requests.quotas import TYPED

#: What hosts encrypt with: LUKS, AES-256 in XTS mode. Older names of the provider mean it too.
_PROVIDERS = ("luks", "LuksEncryptor", "nova.volume.encryptors.luks.LuksEncryptor")
_CIPHERS = (None, "", "aes-xts-plain64")
_KEY_SIZES = (None, 0, 256, 512)

MULTIATTACH = "multiattach"
YES, NO = "<is> True", "<is> False"


def resolve(conn: Connection, context: RequestContext, wanted: str | None) -> Row | None:
    """The type of a new volume: the one that is wanted, by id or name, or else the default;
    None when there is no default.

    :raises VolumeTypeNotFound: also for a type that the project may not use
    """
    if wanted is not None:
        return db_types.find(conn, context, wanted)
    try:
        return default(conn, context)
    except exceptions.NoDefaultVolumeType:
        return None


def default(conn: Connection, context: RequestContext) -> Row:
    """The type of volumes that are made without one: the project's own, or the cloud's.

    :raises NoDefaultVolumeType:
    """
    own = default_volume_types.get(conn, context.project_id)
    name = own or cfg.CONF.volume.default_volume_type
    if not name:
        raise exceptions.NoDefaultVolumeType()
    try:
        return db_types.find(conn, context, name)
    except exceptions.VolumeTypeNotFound as error:
        raise exceptions.NoDefaultVolumeType() from error


@engine.retried
def ensure_default() -> None:
    """Make the cloud's default type, if it has a name and is not there."""
    name = cfg.CONF.volume.default_volume_type
    if not name:
        return
    with engine.writer() as conn:
        if not db_types.named(conn, name):
            values = {"description": "Default Volume Type", "is_public": True, "extra_specs": {}}
            db_types.insert(conn, {"name": name, **values})


def is_multiattach(volume_type: Row | None) -> bool:
    """Whether volumes of the type may be attached to several servers at once."""
    return volume_type is not None and volume_type["extra_specs"].get(MULTIATTACH) == YES


def check_encryption(volume_type: Row) -> None:
    """Refuse a new volume of a type whose volumes no host here could encrypt as it says.

    :raises Invalid: names what is wrong with the type
    """
    wanted = volume_type["encryption"]
    known = {
        "provider": _PROVIDERS, "control_location": ("front-end",), "cipher": _CIPHERS,
        "key_size": _KEY_SIZES,
    }  # fmt: skip
    for name, values in known.items():
        if wanted[name] not in values:
            possible = ", ".join(str(value) for value in values if value)
            raise exceptions.Invalid(
                f"Volume type {volume_type['name']} can't be used: its encryption has {name} "
                f"{wanted[name]!r}; hosts here know {possible}."
            )


@engine.retried
def create(values: dict[str, Any]) -> Row:
    """``values``: name, description, is_public and extra_specs.

    :raises VolumeTypeExists: :raises BadField: for an extra spec that means nothing
    """
    _check_specs(values["extra_specs"])
    with engine.writer() as conn:
        return db_types.insert(conn, values)


@engine.retried
def update(context: RequestContext, type_id: str, changes: dict[str, Any]) -> Row:
    """Change name, description or is_public.

    :raises VolumeTypeNotFound: :raises VolumeTypeExists:
    """
    with engine.writer() as conn:
        db_types.get(conn, context, type_id, lock=True)
        db_types.update(conn, type_id, changes)
        return db_types.get(conn, context, type_id)


@engine.retried
def delete(context: RequestContext, type_id: str) -> None:
    """:raises VolumeTypeNotFound: :raises VolumeTypeInUse: while a volume has it, or it is the
    default of somebody"""
    with engine.writer() as conn:
        row = db_types.get(conn, context, type_id, lock=True)
        _refuse_used(conn, type_id, "deleted")
        configured = cfg.CONF.volume.default_volume_type
        if default_volume_types.has_type(conn, type_id) or configured in (type_id, row["name"]):
            raise exceptions.VolumeTypeInUse(
                type_id=type_id, changed="deleted", reason="it is a default volume type."
            )
        db_types.delete(conn, type_id)
        quotas.forget_resources(
            conn, [f"{resource}_{type_id}" for resource in TYPED], space=volume_quotas.SPACE
        )


def _refuse_used(conn: Connection, type_id: str, changed: str) -> None:
    if db_types.is_used(conn, type_id):
        raise exceptions.VolumeTypeInUse(
            type_id=type_id, changed=changed, reason="there are volumes or snapshots of it."
        )


def _check_specs(specs: dict[str, str]) -> None:
    if specs.get(MULTIATTACH, NO) not in (YES, NO):
        raise exceptions.BadField(
            field=MULTIATTACH,
            reason=f"Value: {specs[MULTIATTACH]!r}. It is {YES!r} or {NO!r}.",
        )


@engine.retried
def set_extra_specs(context: RequestContext, type_id: str, items: dict[str, str]) -> None:
    """Add these, or change them; the others stay.

    :raises VolumeTypeNotFound: :raises BadField: :raises VolumeTypeInUse:
    """
    with engine.writer() as conn:
        row = db_types.get(conn, context, type_id, lock=True)
        _check_specs(items)
        _refuse_used(conn, type_id, "changed")
        db_types.update(conn, type_id, {"extra_specs": {**row["extra_specs"], **items}})


@engine.retried
def unset_extra_spec(context: RequestContext, type_id: str, key: str) -> None:
    """:raises VolumeTypeNotFound: :raises VolumeTypeExtraSpecNotFound:
    :raises VolumeTypeInUse:"""
    with engine.writer() as conn:
        row = db_types.get(conn, context, type_id, lock=True)
        if key not in row["extra_specs"]:
            raise exceptions.VolumeTypeExtraSpecNotFound(type_id=type_id, key=key)
        _refuse_used(conn, type_id, "changed")
        kept = {name: value for name, value in row["extra_specs"].items() if name != key}
        db_types.update(conn, type_id, {"extra_specs": kept})


def projects_of(context: RequestContext, type_id: str) -> list[str]:
    """The projects that may use a private type.

    :raises VolumeTypeNotFound: :raises NotFound: for a public type, which has no such list
    """
    with engine.reader() as conn:
        if db_types.get(conn, context, type_id)["is_public"]:
            raise exceptions.NotFound("Access list not available for public volume types.")
        return db_types.projects_of(conn, type_id)


def _private(conn: Connection, context: RequestContext, type_id: str) -> None:
    if db_types.get(conn, context, type_id, lock=True)["is_public"]:
        raise exceptions.Invalid(
            "Type access modification is not applicable to public volume type."
        )


@engine.retried
def grant(context: RequestContext, type_id: str, project_id: str) -> None:
    """Let a project use a private type.

    :raises VolumeTypeNotFound: :raises VolumeTypeAccessExists:
    :raises Invalid: for a public type, or when there is no such project
    """
    with engine.writer() as conn:
        projects.verify(conn, project_id)
        _private(conn, context, type_id)
        db_types.grant(conn, type_id, project_id)


@engine.retried
def revoke(context: RequestContext, type_id: str, project_id: str) -> None:
    """Take a private type from a project; its volumes of that type stay.

    :raises VolumeTypeNotFound: :raises VolumeTypeAccessNotFound:
    :raises Invalid: for a public type
    """
    with engine.writer() as conn:
        _private(conn, context, type_id)
        db_types.revoke(conn, type_id, project_id)


@engine.retried
def set_encryption(
    context: RequestContext, type_id: str, wanted: dict[str, Any], *, new: bool
) -> Row:
    """Make or change the encryption of a type's volumes; returns the type.

    ``wanted``: provider, control_location, cipher and key_size (bits), those to change.

    :raises VolumeTypeNotFound: :raises VolumeTypeInUse:
    :raises VolumeTypeEncryptionExists: for a ``new`` one; else
    :raises VolumeTypeEncryptionNotFound:
    """
    with engine.writer() as conn:
        known = db_types.get(conn, context, type_id, lock=True)["encryption"]
        if new and known:
            raise exceptions.VolumeTypeEncryptionExists(type_id=type_id)
        if not new and not known:
            raise exceptions.VolumeTypeEncryptionNotFound(type_id=type_id, key="")
        _refuse_used(conn, type_id, "encrypted otherwise")
        now = clock.now().isoformat()
        first = {
            "encryption_id": clock.new_id(), "cipher": None, "key_size": None,
            "created_at": now, "updated_at": None,
        }  # fmt: skip
        changed = {**first, **wanted} if new else {**known, **wanted, "updated_at": now}
        db_types.update(conn, type_id, {"encryption": changed})
        return db_types.get(conn, context, type_id)


@engine.retried
def unset_encryption(context: RequestContext, type_id: str) -> None:
    """:raises VolumeTypeNotFound: :raises VolumeTypeEncryptionNotFound:
    :raises VolumeTypeInUse:"""
    with engine.writer() as conn:
        if not db_types.get(conn, context, type_id, lock=True)["encryption"]:
            raise exceptions.VolumeTypeEncryptionNotFound(type_id=type_id, key="")
        _refuse_used(conn, type_id, "decrypted")
        db_types.update(conn, type_id, {"encryption": None})


@engine.retried
def set_default(context: RequestContext, project_id: str, wanted: str) -> str:
    """Give a project a default type, named by id or name; returns its id.

    :raises VolumeTypeNotFound: also for a private type that the project may not use
    :raises Invalid: when there is no such project
    """
    with engine.writer() as conn:
        projects.verify(conn, project_id)
        type_id: str = db_types.find(conn, context, wanted)["id"]
        if type_id not in db_types.visible(conn, project_id):
            raise exceptions.VolumeTypeNotFound(type_id=wanted)
        default_volume_types.put(conn, project_id, type_id)
    return type_id


@engine.retried
def unset_default(project_id: str) -> None:
    """:raises NotFound: when the project has none"""
    with engine.writer() as conn:
        if not default_volume_types.delete(conn, project_id):
            raise exceptions.NotFound(
                f"Default type for project {project_id} could not be found."
            )
