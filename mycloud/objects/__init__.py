"""Versioned objects; ``register_all`` makes every class known by its name on the wire."""

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from mycloud.objects import base

MODULES = (
    "attachment",
    "backup",
    "host",
    "image_seed",
    "image_source",
    "image_upload",
    "operation",
    "server",
    "service",
    "volume",
    "volume_key",
    "volume_snapshot",
)


def register_all() -> None:
    """Import every module of objects, so that any name on the wire is found."""
    for name in MODULES:
        importlib.import_module(f"{__name__}.{name}")


@dataclass(frozen=True)
class Remotable:
    """A method that runs where the database is. ``kind``: ``class`` or ``instance``."""

    object: str
    version: str
    method: str
    kind: str
    signature: str


def remotable_methods() -> Iterator[Remotable]:
    """Every remotable method of every object, by name."""
    register_all()
    for name, classes in sorted(base.Registry.obj_classes().items()):
        # the indirection is no method, and asking for it needs a role
        for method in sorted({*dir(classes[0])} - {"indirection_api"}):
            made = getattr(classes[0], method)
            if getattr(made, "remotable", False):
                yield Remotable(
                    object=name,
                    version=classes[0].VERSION,
                    method=method,
                    kind="class" if inspect.ismethod(made) else "instance",
                    signature=str(inspect.signature(made.original_fn)),
                )
