"""Versioned objects; ``register_all`` makes every class known by its name on the wire."""

import importlib

MODULES = ("host", "image_source", "operation", "server", "service")


def register_all() -> None:
    """Import every module of objects, so that any name on the wire is found."""
    for name in MODULES:
        importlib.import_module(f"{__name__}.{name}")
