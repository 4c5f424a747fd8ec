"""The ways of writing of this code base, as far as a machine can tell (design, section 10)."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import testtools

from mycloud.common import states
from tests.architecture.source import ROOT, calls, modules

FILE_LINES = 500
TEST_LINES = 800
PARAMETERS = 5
#: oslo.versionedobjects decides on these signatures.
FOREIGN_SIGNATURES = ("conductor.manager", "conductor.rpcapi")

#: What each module alone may import.
OWNERS = {
    "eventlet": ("common.concurrency",),
    "greenlet": ("common.concurrency",),
    # the root helper stands alone
    "threading": ("common.concurrency", "privileged"),
    "_thread": ("common.concurrency",),
    "concurrent": (),
    "multiprocessing": (),
    # the bus in memory catches what kombu's queues raise
    "queue": ("common.concurrency", "common.memory_bus", "privileged"),
    "time": ("common.clock", "common.concurrency", "privileged"),
    "uuid": ("common.clock", "privileged"),
    "random": ("common.clock",),
    "secrets": ("common.clock",),
    "pickle": (),
    "imp": (),
}
#: The doors where any exception is caught: (module, function). The RPC dispatcher is
#: oslo.messaging's own.
DOORS = {
    ("mycloud.api.routing", "__call__"),
    ("mycloud.agent.scheduler", "_run"),
    ("mycloud.common.service", "_periodic"),
    ("mycloud.common.undo", "run"),
    ("mycloud.journal.runner", "_run"),
    # whatever a verb raises, the root helper lives on
    ("mycloud.privileged.calls", "_outcome"),
}
#: Hands what a thread raised to whoever waits for it.
CARRIERS = {("mycloud.common.concurrency", "run")}

STATE_ENUMS = (states.Vm, states.Task, states.Op, states.StepState, states.Image)
STATES = {member.value for enum in STATE_ENUMS for member in enum}
STATE_NAMES = {"vm_state", "task_state", "state", "image_status"}


class WritingTest(testtools.TestCase):
    def refuse(self, found: Iterable[str], rule: str) -> None:
        self.assertEqual([], sorted(found), rule)

    def test_length_of_files(self) -> None:
        self.refuse(
            (
                f"{module.path.relative_to(ROOT)}: {module.lines} lines"
                for module in modules().values()
                if module.lines > FILE_LINES
            ),
            f"no file above {FILE_LINES} lines: make it a package",
        )
        self.refuse(
            (
                f"{path.relative_to(ROOT)}: {count} lines"
                for path, count in _test_files()
                if count > TEST_LINES
            ),
            f"no test file above {TEST_LINES} lines",
        )

    def test_fakes_instead_of_mocks(self) -> None:
        self.refuse(
            (
                str(path.relative_to(ROOT))
                for path, _ in _test_files()
                if re.search(r"^\s*(import mock|from mock|from unittest import mock|"
                             r"import unittest.mock|from unittest.mock)",
                             path.read_text(), re.MULTILINE)
            ),
            "use a fake of ours or the real thing: a test proves behaviour, not wiring",
        )

    def test_names_of_modules(self) -> None:
        banned = {"utils", "util", "helpers", "helper", "misc", "common_utils"}
        self.refuse(
            (
                name
                for name in modules()
                if name.rsplit(".", 1)[-1] in banned
            ),
            "name a module after what it is about",
        )

    def test_every_module_says_what_it_is(self) -> None:
        self.refuse(
            (
                name
                for name, module in modules().items()
                if module.tree.body and not ast.get_docstring(module.tree)
            ),
            "a module starts with a docstring",
        )

    def test_one_place_for_libraries(self) -> None:
        self.refuse(
            (
                f"{module.name}:{each.line} imports {each.target}"
                for module in modules().values()
                for each in module.imports
                if each.target.split(".")[0] in OWNERS
                and not module.within(*OWNERS[each.target.split(".")[0]])
            ),
            "use mycloud.common.clock and mycloud.common.concurrency",
        )

    def test_time_is_asked_for_in_one_place(self) -> None:
        asking = {"now", "utcnow", "today"}
        self.refuse(
            (
                f"{module.at(node)} {name}"
                for module in modules().values()
                if not module.within("common.clock")
                for node, name in calls(module)
                if name.startswith(("datetime.", "timeutils.")) and name.split(".")[-1] in asking
            ),
            "use mycloud.common.clock.now()",
        )

    def test_options_are_registered_in_conf(self) -> None:
        self.refuse(
            (
                f"{module.at(node)} {name}"
                for module in modules().values()
                if not module.within("conf")
                for node, name in calls(module)
                if name.split(".")[-1] in (
                    "register_opt", "register_opts", "register_cli_opt", "register_cli_opts"
                )
            ),
            "add the option to its group in mycloud/conf",
        )

    def test_states_are_named_in_one_place(self) -> None:
        self.refuse(
            (
                f"{module.at(node)} {node.value!r}"
                for module in modules().values()
                if not module.within("common.states", "client", "cli", "local")
                for node in _state_literals(module.nodes)
            ),
            "use the enums of mycloud.common.states",
        )

    def test_doors(self) -> None:
        found = {
            (module.name, function): module.at(handler)
            for module in modules().values()
            for function, handler in _handlers(module.tree)
            if _catches(handler) & {"", "Exception", "BaseException"} and not _goes_on(handler)
        }
        self.refuse(
            (place for key, place in found.items() if key not in DOORS | CARRIERS),
            "any exception is caught only at the four doors",
        )
        self.assertEqual(DOORS | CARRIERS, set(found), "a door is gone: list it no longer")

    def test_no_bare_except(self) -> None:
        self.refuse(
            (
                module.at(handler)
                for module in modules().values()
                for _, handler in _handlers(module.tree)
                if handler.type is None
            ),
            "name what is caught",
        )

    def test_handlers_do_not_catch(self) -> None:
        self.refuse(
            (
                module.at(handler)
                for module in modules().values()
                if module.within("api")
                for function, handler in _handlers(module.tree)
                if function in _named_in_rows(module.tree)
            ),
            "a handler is load, call, view: the domain raises, mycloud.api.faults translates",
        )

    def test_handlers_do_not_know_http_errors(self) -> None:
        self.refuse(
            (
                f"{module.name}:{each.line}"
                for module in modules().values()
                for each in module.imports
                if each.target.startswith("webob.exc")
            ),
            "raise an exception of mycloud.common.exceptions",
        )
        self.refuse(
            (
                module.at(node)
                for module in modules().values()
                for node in module.nodes
                if isinstance(node, ast.Attribute) and ast.unparse(node) == "webob.exc"
            ),
            "raise an exception of mycloud.common.exceptions",
        )

    def test_parameters(self) -> None:
        self.refuse(
            (
                f"{module.at(node)} {node.name}"
                for module in modules().values()
                if not module.within(*FOREIGN_SIGNATURES)
                for node in _functions(module.nodes)
                if len(_required(node)) > PARAMETERS
            ),
            f"at most {PARAMETERS} parameters; optional ones keyword-only",
        )

    def test_no_positional_booleans(self) -> None:
        self.refuse(
            (
                f"{module.at(node)} {node.name}({name})"
                for module in modules().values()
                for node in _functions(module.nodes)
                for name in _boolean_positionals(node)
            ),
            "make booleans keyword-only",
        )

    def test_public_functions_are_annotated(self) -> None:
        self.refuse(
            (
                f"{module.at(node)} {node.name}"
                for module in modules().values()
                for node in _functions(module.nodes)
                if not node.name.startswith("_") and node.returns is None
            ),
            "annotate what a public function returns",
        )

    def test_a_manager_method_is_a_signpost(self) -> None:
        self.refuse(
            (
                f"{module.at(node)} {node.name}: {length} statements"
                for module in modules().values()
                if module.name.endswith(".manager")
                for node in _functions(module.nodes)
                if (length := _statements(node)) > 10
            ),
            "a manager method calls a task: its logic lives in tasks/",
        )


def _test_files() -> Iterator[tuple[Path, int]]:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        yield path, path.read_text().count("\n") + 1


def _named_in_rows(tree: ast.Module) -> set[str]:
    """Names of the functions that the rows of routes of a module name."""
    return {
        each.id
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and "Route(" in ast.unparse(node)
        for each in ast.walk(node)
        if isinstance(each, ast.Name)
    }


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """It cleans up and lets the exception go on."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _handlers(
    tree: ast.AST, function: str = ""
) -> Iterator[tuple[str, ast.ExceptHandler]]:
    """Every except clause with the name of the function that it is in."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.ExceptHandler):
            yield function, child
        inner = child.name if isinstance(child, ast.FunctionDef) else function
        yield from _handlers(child, inner)


def _catches(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {""}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind) for kind in kinds}


def _functions(nodes: Iterable[ast.AST]) -> Iterator[ast.FunctionDef]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            yield node


def _required(node: ast.FunctionDef) -> list[str]:
    """The parameters that every caller meets: keyword-only ones with a default don't count."""
    positional = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
    keyword = [
        each.arg
        for each, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default is None
    ]
    return [name for name in positional + keyword if name not in ("self", "cls")]


def _boolean_positionals(node: ast.FunctionDef) -> Iterator[str]:
    every = [*node.args.posonlyargs, *node.args.args]
    for each, default in zip(reversed(every), reversed(node.args.defaults), strict=False):
        # a value that is passed on, not a switch
        if each.arg == "default":
            continue
        if isinstance(default, ast.Constant) and isinstance(default.value, bool):
            yield each.arg


def _statements(node: ast.FunctionDef) -> int:
    inner = [each for each in ast.walk(node) if isinstance(each, ast.stmt)]
    return len(inner) - 1 - (ast.get_docstring(node) is not None)


def _state_literals(nodes: Iterable[ast.AST]) -> Iterator[ast.Constant]:
    """State names written as text where a state is compared, set or passed on."""
    for node in nodes:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(_names_a_state(side) for side in sides):
                for side in sides:
                    yield from _states_in(side)
        elif isinstance(node, ast.keyword) and node.arg in STATE_NAMES:
            yield from _states_in(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in STATE_NAMES:
                    yield from _states_in(value)


def _names_a_state(node: ast.expr) -> bool:
    """``row["vm_state"]``, ``server.task_state``, ``ops.c.state`` ..."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value in STATE_NAMES
    return isinstance(node, (ast.Attribute, ast.Name)) and (
        (node.attr if isinstance(node, ast.Attribute) else node.id) in STATE_NAMES
    )


def _states_in(node: ast.expr) -> Iterator[ast.Constant]:
    parts = node.elts if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else [node]
    for part in parts:
        if isinstance(part, ast.Constant) and part.value in STATES:
            yield part


class DetectorsTest(testtools.TestCase):
    """The rules above find what they look for."""

    def test_state_literals(self) -> None:
        source = (
            'a["vm_state"] == "active"\nf(state="failed")\n{"task_state": "spawning"}\n'
            'c.state in ["running"]\nword == "active"\n{"error": 1}\n'
        )
        self.assertEqual(4, len(list(_state_literals(ast.walk(ast.parse(source))))))

    def test_handlers(self) -> None:
        source = "def f():\n try:\n  g()\n except (A, Exception):\n  pass\n"
        [(function, handler)] = _handlers(ast.parse(source))
        self.assertEqual(("f", {"A", "Exception"}), (function, _catches(handler)))
        self.assertFalse(_goes_on(handler))
        [(_, handler)] = _handlers(ast.parse(source.replace("pass", "raise")))
        self.assertTrue(_goes_on(handler))

    def test_handlers_of_routes(self) -> None:
        source = 'ROWS = [Route("GET", "/x", show, policy=P)]\ndef show(): pass\ndef other(): pass'
        named = _named_in_rows(ast.parse(source))
        self.assertIn("show", named)
        self.assertNotIn("other", named)

    def test_parameters(self) -> None:
        source = "def f(self, a, b, *, c, d=1, e: bool = False): pass\ndef g(x, y=True): pass"
        first, second = _functions(ast.walk(ast.parse(source)))
        self.assertEqual(["a", "b", "c"], _required(first))
        self.assertEqual([], list(_boolean_positionals(first)))
        self.assertEqual(["y"], list(_boolean_positionals(second)))
