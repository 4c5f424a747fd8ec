"""Finds the verbs: every marked function of the package ``verbs``, and of an operator's folder."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.util
import inspect
import os
import pkgutil
import stat
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mycloud.privileged import signatures
from mycloud.privileged import verbs as package
from mycloud.privileged.expose import Exposed


class DiscoveryFailed(Exception):
    """The helper must not start with such verbs."""


@dataclasses.dataclass(frozen=True)
class Verb:
    """:ivar source: the module of ``verbs`` that it comes from, or the operator's file"""

    name: str
    function: Callable[..., Any]
    exposed: Exposed
    signature: signatures.Signature
    source: str

    def describe(self) -> dict[str, Any]:
        """What clients and people are told of it."""
        return {
            "name": self.name,
            "arguments": self.signature.describe(),
            "touches": self.exposed.touches,
            "idempotent": self.exposed.idempotent,
            "deadline": self.exposed.deadline,
            "source": self.source,
        }


def find(folder: Path | None = None, prefix: str = "") -> dict[str, Verb]:
    """:param folder: an operator's: files of Python whose verbs are offered as ``prefix_name``

    :raises DiscoveryFailed: two verbs of one name, an argument without a kind, a module that can't
        be loaded, or a folder that others than root may write to
    """
    found: dict[str, Verb] = {}
    for module in _own():
        _add(found, module, module.__name__.removeprefix(package.__name__ + "."), "")
    if folder is not None:
        if not prefix.isidentifier():
            raise DiscoveryFailed(
                f"The operator's folder of verbs needs a prefix of letters and digits, not "
                f"{prefix!r}"
            )
        for path in _files(folder):
            _add(found, _load(path, prefix), str(path), prefix + "_")
    return dict(sorted(found.items()))


def _own() -> Iterator[types.ModuleType]:
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        yield _imported(info.name, functools.partial(importlib.import_module, info.name))


def _add(found: dict[str, Verb], module: types.ModuleType, source: str, prefix: str) -> None:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        exposed = vars(function).get("exposed")
        if not isinstance(exposed, Exposed) or function.__module__ != module.__name__:
            continue
        name = prefix + function.__name__
        if name in found:
            raise DiscoveryFailed(
                f"Two verbs are called {name}: in {found[name].source} and in {source}"
            )
        try:
            signature = signatures.Signature(function)
        except (TypeError, NameError) as error:
            raise DiscoveryFailed(
                f"The verb {name} of {source} can't be called: {error}"
            ) from None
        unknown = sorted(exposed.secrets - set(signature.parameters))
        if unknown:
            raise DiscoveryFailed(f"The verb {name} of {source} has no argument {unknown[0]}")
        found[name] = Verb(name, function, exposed, signature, source)


def _files(folder: Path) -> list[Path]:
    """:raises DiscoveryFailed: whoever may write there would be root"""
    try:
        folder = folder.resolve(strict=True)
        paths = sorted(folder.glob("*.py"))
        for path in (*folder.parents, folder, *paths):
            status = os.lstat(path)
            loose = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            # nobody can take another's file out of a sticky directory
            kept = path in folder.parents and status.st_mode & stat.S_ISVTX
            if status.st_uid != 0 or stat.S_ISLNK(status.st_mode) or loose and not kept:
                raise DiscoveryFailed(
                    f"{path} must belong to root, and nobody else may write to it: what lies in "
                    "the operator's folder of verbs runs as root"
                )
    except OSError as error:
        raise DiscoveryFailed(f"The operator's folder of verbs can't be read: {error}") from None
    return paths


def _load(path: Path, prefix: str) -> types.ModuleType:
    name = f"mycloud_operator_verbs_{prefix}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module, loader = importlib.util.module_from_spec(spec), spec.loader

    def load() -> types.ModuleType:
        loader.exec_module(module)
        return module

    return _imported(str(path), load)


def _imported(name: str, load: Callable[[], types.ModuleType]) -> types.ModuleType:
    try:
        return load()
    except (ImportError, SyntaxError, AttributeError, NameError, TypeError, ValueError) as error:
        raise DiscoveryFailed(f"{name} can't be loaded: {error}") from error
