"""Changes of QoS specs, and the volume types that they hold for."""

from typing import Any

from mycloud.common import exceptions
from mycloud.common.context import RequestContext
from mycloud.db import engine, qos_specs, volume_types
from mycloud.db.qos_specs import Row
from mycloud.volume import qos


@engine.retried
def create(values: dict[str, Any]) -> Row:
    """``values``: name, consumer and specs.

    :raises QosSpecsExist: :raises BadField: for bounds that no host could keep
    """
    qos.check(values["consumer"], values["specs"])
    with engine.writer() as conn:
        return qos_specs.insert(conn, values)


@engine.retried
def update(specs_id: str, items: dict[str, str], *, consumer: str | None = None) -> None:
    """Add these, or change them; the others stay. Volumes that are attached keep the bounds
    that they have.

    :raises QosSpecsNotFound: :raises BadField:
    """
    with engine.writer() as conn:
        row = qos_specs.get(conn, specs_id, lock=True)
        keeper = consumer or row["consumer"]
        specs = {**row["specs"], **items}
        qos.check(keeper, specs)
        qos_specs.update(conn, specs_id, {"consumer": keeper, "specs": specs})


@engine.retried
def delete_keys(specs_id: str, keys: list[str]) -> None:
    """:raises QosSpecsNotFound: :raises QosKeyNotFound: when one of them is not there
    :raises BadField: when one that stays needs one that goes"""
    with engine.writer() as conn:
        row = qos_specs.get(conn, specs_id, lock=True)
        for key in keys:
            if key not in row["specs"]:
                raise exceptions.QosKeyNotFound(specs_id=specs_id, key=key)
        kept = {name: value for name, value in row["specs"].items() if name not in keys}
        qos.check(row["consumer"], kept)
        qos_specs.update(conn, specs_id, {"specs": kept})


@engine.retried
def delete(specs_id: str, *, force: bool) -> None:
    """``force``: take them from their volume types first.

    :raises QosSpecsNotFound: :raises QosSpecsInUse:
    """
    with engine.writer() as conn:
        qos_specs.get(conn, specs_id, lock=True)
        types = qos_specs.types_of(conn, specs_id)
        if types and not force:
            raise exceptions.QosSpecsInUse(specs_id=specs_id, types=", ".join(types.values()))
        qos_specs.disassociate_all(conn, specs_id)
        qos_specs.delete(conn, specs_id)


@engine.retried
def associate(context: RequestContext, specs_id: str, type_id: str) -> None:
    """Let the specs hold for a volume type.

    :raises QosSpecsNotFound: :raises VolumeTypeNotFound:
    :raises Invalid: when others hold for it
    """
    with engine.writer() as conn:
        qos_specs.get(conn, specs_id, lock=True)
        current = volume_types.get(conn, context, type_id, lock=True)["qos_specs_id"]
        if current not in (None, specs_id):
            raise exceptions.Invalid(
                f"Type {type_id} is already associated with another QoS specs: {current}. "
                "Disassociate it first."
            )
        qos_specs.associate(conn, type_id, specs_id)


@engine.retried
def disassociate(context: RequestContext, specs_id: str, type_id: str) -> None:
    """Nothing for a type that they do not hold for.

    :raises QosSpecsNotFound: :raises VolumeTypeNotFound:
    """
    with engine.writer() as conn:
        qos_specs.get(conn, specs_id, lock=True)
        if volume_types.get(conn, context, type_id, lock=True)["qos_specs_id"] == specs_id:
            qos_specs.associate(conn, type_id, None)


@engine.retried
def disassociate_all(specs_id: str) -> None:
    """:raises QosSpecsNotFound:"""
    with engine.writer() as conn:
        qos_specs.get(conn, specs_id, lock=True)
        qos_specs.disassociate_all(conn, specs_id)
