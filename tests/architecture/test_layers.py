"""Imports only go down, run in no circle, and hide in no function."""

import sys

import testtools

from tests.architecture.source import Module, inside, modules

#: From the bottom up; a module may import its own layer and those below. The longest match counts.
LAYERS = (
    ("privileged",),
    ("conf", "policies"),
    ("common",),
    ("client",),
    ("rpcapi",),
    ("db",),
    ("identity", "image"),
    ("objects",),
    ("journal", "disk"),
    ("agent",),
    ("compute", "volume", "network", "scheduler", "conductor"),
    ("compute.requests", "volume.requests", "network.requests", "journal.requests"),
    ("api",),
    ("local",),
    ("cmd", "cli"),
)
SERVICES = ("compute", "volume", "network", "scheduler", "conductor")
#: Run where no database is.
FAR_FROM_DATABASE = (
    "agent",
    "compute.configdrive",
    "compute.connectors",
    "compute.drivers",
    "compute.hypervisor",
    "compute.manager",
    "compute.rpcapi",
    "compute.tasks",
    "disk",
    "network.drivers",
    "network.tasks",
    "volume.drivers",
    "volume.exports",
    "volume.manager",
    "volume.repository",
    "volume.tasks",
)
#: Where a library is imported inside a function because it is heavy or is chosen at run time.
LAZY = ("cli", "client", "common.concurrency", "local.progress")
#: What the client library shares with the cloud: modules that need nothing themselves.
SHARED = tuple(f"mycloud.common.{name}" for name in ("clock", "concurrency", "states"))


def layer(name: str) -> int:
    """The rank of a module."""
    if name.endswith(".rpcapi"):
        return next(rank for rank, names in enumerate(LAYERS) if "rpcapi" in names)
    matches = [
        (len(prefix), rank)
        for rank, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if inside(name, prefix)
    ]
    return max(matches)[1] if matches else -1


class LayersTest(testtools.TestCase):
    def refuse(self, found: list[str], rule: str) -> None:
        self.assertEqual([], found, rule)

    def own(self, module: Module) -> list[tuple[str, int]]:
        return [
            (each.target, each.line) for each in module.imports if inside(each.target, "")
        ]

    def test_every_package_has_a_layer(self) -> None:
        self.refuse(
            [
                name
                for name in modules()
                if layer(name) < 0 and name != "mycloud"
            ],
            "add new packages to LAYERS",
        )

    def test_imports_go_down(self) -> None:
        self.refuse(
            [
                f"{module.path.name}:{line}: {module.name} imports {target}"
                for module in modules().values()
                for target, line in self.own(module)
                if layer(target) > layer(module.name)
            ],
            "a module imports its own layer and those below it (design, section 3)",
        )

    def test_hosts_have_no_database_and_no_api(self) -> None:
        self.refuse(
            [
                f"{module.name}:{line} imports {target}"
                for module in modules().values()
                if module.within(*FAR_FROM_DATABASE)
                for target, line in self.own(module)
                if inside(target, "db") or inside(target, "api")
            ],
            "call a remotable method of an object instead",
        )

    def test_services_know_only_each_others_rpcapi(self) -> None:
        self.refuse(
            [
                f"{module.name}:{line} imports {target}"
                for module in modules().values()
                for mine in SERVICES
                if module.within(mine)
                for target, line in self.own(module)
                for other in SERVICES
                if other != mine and inside(target, other) and not target.endswith(".rpcapi")
                # what runs in the API's process: a server that is made with its volumes is one
                # transaction
                and not (module.within(f"{mine}.requests") and inside(target, f"{other}.requests"))
            ],
            "send a message by the other service's rpcapi",
        )

    def test_rpcapi_modules_are_leaves(self) -> None:
        self.refuse(
            [
                f"{module.name}:{line} imports {target}"
                for module in modules().values()
                if module.name.endswith(".rpcapi")
                for target, line in self.own(module)
                if not inside(target, "common")
            ],
            "an rpcapi imports only mycloud.common, so that any service may import it",
        )

    def test_root_helper_stands_alone(self) -> None:
        allowed = sys.stdlib_module_names
        self.refuse(
            [
                f"{module.name}:{each.line} imports {each.target}"
                for module in modules().values()
                if module.within("privileged")
                for each in module.imports
                if each.target.split(".")[0] not in allowed
                and not inside(each.target, "privileged")
            ],
            "code that runs as root imports the standard library and itself",
        )

    def test_clients_do_not_need_the_cloud(self) -> None:
        self.refuse(
            [
                f"{module.name}:{line} imports {target}"
                for module in modules().values()
                if module.within("client")
                for target, line in self.own(module)
                if not inside(target, "client")
                and target not in SHARED
            ],
            "the client library works where only it is installed",
        )

    def test_no_circle(self) -> None:
        edges = {
            name: sorted(
                {each.target for each in module.imports if each.target in modules()} - {name}
            )
            for name, module in modules().items()
        }
        self.refuse([" -> ".join(circle) for circle in circles(edges)],
                    "imports in a circle (those inside functions count too)")

    def test_nothing_is_imported_late(self) -> None:
        self.refuse(
            [
                f"{module.name}:{each.line} imports {each.target}"
                for module in modules().values()
                if not module.within(*LAZY)
                for each in module.imports
                if each.lazy
            ],
            "import at the top of the module",
        )


def circles(edges: dict[str, list[str]]) -> list[list[str]]:
    """One path for each circle that a walk along the edges meets."""
    found: list[list[str]] = []
    done: set[str] = set()
    path: list[str] = []

    def walk(name: str) -> None:
        if name in path:
            found.append([*path[path.index(name):], name])
            return
        if name in done:
            return
        path.append(name)
        for target in edges[name]:
            walk(target)
        path.pop()
        done.add(name)

    for name in sorted(edges):
        walk(name)
    return found


class CirclesTest(testtools.TestCase):
    def test_finds_them(self) -> None:
        self.assertEqual([], circles({"a": ["b", "c"], "b": ["c"], "c": []}))
        self.assertEqual([["b", "c", "b"]], circles({"a": ["b"], "b": ["c"], "c": ["b"]}))

    def test_layers(self) -> None:
        self.assertLess(layer("mycloud.common.rpc"), layer("mycloud.db.hosts"))
        self.assertLess(layer("mycloud.db.hosts"), layer("mycloud.objects.server"))
        self.assertLess(layer("mycloud.compute.rpcapi"), layer("mycloud.objects.server"))
        self.assertLess(layer("mycloud.compute.tasks"), layer("mycloud.compute.requests.create"))
        self.assertLess(layer("mycloud.compute.requests"), layer("mycloud.api.compute"))
