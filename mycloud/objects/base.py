"""The base of all versioned objects.

A method marked ``@base.remotable`` runs where the database is. Whether a call goes through the
conductor is decided by the role that the caller runs in (see mycloud.common.context), not by a
class global, so that all services can live in one process and the remoting is still real.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from oslo_messaging import serializer as messaging_serializer
from oslo_versionedobjects import base as ovo
from oslo_versionedobjects import fields as ovo_fields

from mycloud.common import context as mycontext
from mycloud.common import exceptions
from mycloud.db import engine

_indirection: ovo.VersionedObjectIndirectionAPI | None = None

Self = TypeVar("Self", bound="MycloudObject")


def set_indirection(api: ovo.VersionedObjectIndirectionAPI | None) -> None:
    """Set the conductor client that roles without a database use."""
    global _indirection
    _indirection = api


def remotable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A method that runs where the database is, in at most one transaction of its own.

    One that lost against another transaction (a deadlock, a failed serialization) runs again.
    """
    made: Any = ovo.remotable(engine.retried(fn))
    # what fingerprints and listings look at
    made.original_fn = fn
    wrapped: Callable[..., Any] = made
    return wrapped


class _RoleIndirection:
    """Gives oslo.versionedobjects the conductor client, or None where the database is near."""

    def __get__(
        self, instance: Any, owner: type | None = None
    ) -> ovo.VersionedObjectIndirectionAPI | None:
        role = mycontext.current_role()
        if role in mycontext.DATABASE_ROLES:
            return None
        if _indirection is None:
            raise exceptions.IndirectionMissing(role=role)
        return _indirection


class Registry(ovo.VersionedObjectRegistry):
    """Keeps every class so that a name on the wire finds it."""


class MycloudObject(ovo.VersionedObject):
    """Fields with a version, that travel over RPC."""

    OBJ_SERIAL_NAMESPACE = "mycloud_object"
    OBJ_PROJECT_NAMESPACE = "mycloud"
    VERSION = "1.0"
    indirection_api = _RoleIndirection()
    #: fields whose values hold secrets: never shown by repr
    SECRET: ClassVar[frozenset[str]] = frozenset()
    #: fields that remotable methods of an instance read beside the changed ones; only these and
    #: the changed ones travel to the conductor. None: all that are set
    TRAVELS: ClassVar[frozenset[str] | None] = None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The registry makes a property of every field."""

    @classmethod
    def from_row(cls: type[Self], context: Any, row: Mapping[str, Any], **more: Any) -> Self:
        """An unchanged object from a database row.

        The values are trusted: they were coerced when they were written, so no field checks them
        again (a list of a thousand servers would spend most of its time on that).
        """
        obj = cls(context)
        for name in cls.fields:
            if name in row:
                setattr(obj, _ATTRIBUTES[name], row[name])
        for name, value in more.items():
            setattr(obj, _ATTRIBUTES[name], value)
        return obj

    def travelling(self: Self) -> Self:
        """What of this object a remotable method of it needs on the other side."""
        if self.TRAVELS is None:
            return self
        changed = self.obj_what_changed()
        found = type(self)(self._context)
        for name in changed | self.TRAVELS:
            if self.obj_attr_is_set(name):
                setattr(found, _ATTRIBUTES[name], getattr(self, name))
        found._changed_fields = set(changed)
        return found

    def changes(self) -> dict[str, Any]:
        """The changed fields and their values."""
        return dict(self.obj_get_changes())

    def as_dict(self) -> dict[str, Any]:
        """The fields that are set."""
        return {name: getattr(self, name) for name in self.fields if self.obj_attr_is_set(name)}

    def __repr__(self) -> str:
        shown = (
            f"{name}=***" if name in self.SECRET else f"{name}={getattr(self, name)!r}"
            for name in self.fields
            if self.obj_attr_is_set(name)
        )
        return f"{self.obj_name()}({', '.join(shown)})"


class _Attributes(dict[str, str]):
    def __missing__(self, name: str) -> str:
        self[name] = value = "_obj_" + name
        return value


_ATTRIBUTES = _Attributes()


class MycloudListObject(ovo.ObjectListBase, MycloudObject):
    """A list of objects of one class, itself an object."""

    def __init__(self, context: Any = None, **kwargs: Any):
        super().__init__(context, **kwargs)

    @classmethod
    def of(cls: type[Self], context: Any, objects: Iterable[MycloudObject]) -> Self:
        """A list of these objects, unchanged."""
        found = cls(context)
        found.objects = list(objects)  # type: ignore[attr-defined]
        found.obj_reset_changes()
        return found


class Serializer(ovo.VersionedObjectSerializer):
    """On every RPC client and server: objects, request contexts and plain values."""

    OBJ_BASE_CLASS = MycloudObject

    def serialize_context(self, context: mycontext.RequestContext) -> dict[str, Any]:
        return context.to_dict()

    def deserialize_context(self, values: dict[str, Any]) -> mycontext.RequestContext:
        # overwrite: the log lines of the handler carry the request's id
        return mycontext.RequestContext.from_dict(values, overwrite=True)


assert issubclass(Serializer, messaging_serializer.Serializer)


class JsonField(ovo_fields.AutoTypedField):
    """A JSON document: travels as it is."""

    class _Json(ovo_fields.FieldType):
        def coerce(self, obj: Any, attr: str, value: Any) -> Any:
            return value

        def stringify(self, value: Any) -> str:
            return repr(value)

        def to_primitive(self, obj: Any, attr: str, value: Any) -> Any:
            return value

        def from_primitive(self, obj: Any, attr: str, value: Any) -> Any:
            return value

        def get_schema(self) -> dict[str, Any]:
            return {"type": ["object", "array", "string", "number", "boolean", "null"]}

    AUTO_TYPE = _Json()


class UtcField(ovo_fields.AutoTypedField):
    """A time in UTC without a zone, as the database keeps it, microseconds included."""

    class _Utc(ovo_fields.DateTime):
        def to_primitive(self, obj: Any, attr: str, value: datetime.datetime) -> str:
            return value.isoformat()

        def from_primitive(self, obj: Any, attr: str, value: Any) -> datetime.datetime:
            return datetime.datetime.fromisoformat(value)

    AUTO_TYPE = _Utc(tzinfo_aware=False)
