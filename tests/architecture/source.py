"""The source of mycloud as data: modules, their syntax trees and what they import. Read once."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "mycloud"


@dataclass(frozen=True)
class Import:
    """One name that a module imports. ``lazy``: inside a function."""

    target: str
    line: int
    lazy: bool


@dataclass
class Module:
    """One file. ``name``: dotted, without ``__init__``."""

    name: str
    path: Path
    tree: ast.Module
    lines: int
    nodes: list[ast.AST] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"

    def within(self, *prefixes: str) -> bool:
        """Whether it is one of these packages or modules (below mycloud), or inside one."""
        return any(inside(self.name, prefix) for prefix in prefixes)


def inside(name: str, prefix: str) -> bool:
    """Whether a dotted name is ``mycloud.<prefix>`` or below; "" is all of mycloud."""
    whole = f"{PACKAGE}.{prefix}" if prefix else PACKAGE
    return name == whole or name.startswith(whole + ".")


def _read(path: Path, known: set[str]) -> Module:
    text = path.read_text()
    tree = ast.parse(text)
    module = Module(_name(path), path, tree, text.count("\n") + 1, list(ast.walk(tree)))
    module.imports += _imports(module, module.tree, known, lazy=False)
    return module


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(
    module: Module, node: ast.AST, known: set[str], *, lazy: bool
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, lazy)
        elif isinstance(child, ast.ImportFrom):
            package = child.module or ""
            for alias in child.names:
                whole = f"{package}.{alias.name}"
                yield Import(whole if whole in known else package, child.lineno, lazy)
        else:
            inner = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(module, child, known, lazy=lazy or inner)


@functools.cache
def modules() -> dict[str, Module]:
    """Every module of mycloud by its name."""
    paths = [
        path
        for path in sorted((ROOT / PACKAGE).rglob("*.py"))
        if "migrations/versions" not in str(path)
    ]
    known = {_name(path) for path in paths}
    return {module.name: module for module in (_read(path, known) for path in paths)}


def calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the dotted text of what is called."""
    for node in module.nodes:
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)
