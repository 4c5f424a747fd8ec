"""Nothing but the root helper does what needs root: the services run as an ordinary user."""

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import PurePath

import testtools

from tests.architecture.source import ROOT, Module, calls, modules

#: Programs that are of no use, or of harm, without root.
_TOOLS = """
    ip brctl tc ethtool ovs-vsctl nmcli nmstatectl dhclient dhcpcd lldpcli lldptool
    iptables ip6tables ebtables arptables nft ipset conntrack
    lvm dmsetup losetup mount umount swapon swapoff multipath multipathd iscsiadm targetcli tgtadm
    exportfs mkfs fdisk sfdisk parted cryptsetup mdadm udevadm dmidecode
    nsenter unshare chroot pivot_root runuser su sudo pkexec setcap capsh
    modprobe rmmod insmod depmod sysctl systemctl update-rc.d kexec reboot
    shutdown poweroff useradd usermod userdel adduser addgroup groupadd chown chgrp mknod
"""
TOOLS = frozenset(_TOOLS.split())
_FAMILIES = re.compile(r"(lv|vg|pv)(s|create|remove|change|extend|reduce|rename|scan|convert)")
#: Calls of the standard library that only root has.
CALLS = frozenset(
    f"{module}.{name}"
    for module, names in {
        "os": "chown lchown fchown chroot mknod setuid seteuid setreuid setresuid setgid setegid "
        "setregid setresgid setgroups initgroups setns unshare",
        "shutil": "chown",
    }.items()
    for name in names.split()
)
#: What starts a program, by the last part of its name; the first argument is the program.
_STARTERS = {"execute", "run", "Popen", "call", "check_call", "check_output", "spawnvp", "execvp"}
#: A command in a script of a shell.
_IN_SCRIPT = re.compile(r"(?:^|[;&|({]|\bthen|\bdo)\s*(?:exec\s+)?([\w./-]+)", re.MULTILINE)

ALLOWED = {
    # root's 'mycloud up' on its way to being that user
    ("local.service_user", "useradd"),
    ("local.service_user", "os.chown"),
    ("local.service_user", "os.setgroups"),
    ("local.service_user", "os.setresgid"),
    ("local.service_user", "os.setresuid"),
    ("local.privileged", "os.fchown"),
    # root's 'mycloud node join' where systemd runs the programs
    ("local.node.units", "systemctl"),
    # a user namespace, which every user may have
    ("volume.exports.target_daemon", "unshare"),
}


def is_tool(word: str) -> bool:
    name = PurePath(word).name
    return name in TOOLS or name.startswith("mkfs.") or _FAMILIES.fullmatch(name) is not None


def roots(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """What of a module is only for root: where, and what."""
    texts = {
        id(node.body[0].value)
        for node in module.nodes
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in module.nodes:
        if isinstance(node, ast.List) and len(node.elts) > 1:
            yield from _program(node, node.elts[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.startswith("/") or _FAMILIES.fullmatch(node.value):
                yield node, node.value
            elif "\n" in node.value.strip() and id(node) not in texts:
                yield from ((node, word) for word in _IN_SCRIPT.findall(node.value))
    for node, name in calls(module):
        if name in CALLS:
            yield node, name
        if name.rsplit(".", 1)[-1] in _STARTERS and node.args:
            yield from _program(node, node.args[0])


def _program(where: ast.AST, first: ast.expr) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield where, first.value


def found() -> list[tuple[str, str, str]]:
    """Everything outside the root helper: the module, what, and where."""
    return [
        (name.removeprefix("mycloud."), PurePath(what).name, module.at(node))
        for name, module in modules().items()
        if not module.within("privileged")
        for node, what in roots(module)
        if what in CALLS or is_tool(what)
    ]


class RootTest(testtools.TestCase):
    def test_only_the_root_helper_does_what_needs_root(self) -> None:
        self.assertEqual(
            [],
            sorted(
                f"{where}: {what}" for name, what, where in found() if (name, what) not in ALLOWED
            ),
            "make it a verb of mycloud/privileged/verbs: services run as an ordinary user",
        )

    def test_nothing_is_allowed_for_nothing(self) -> None:
        self.assertEqual(set(), ALLOWED - {(name, what) for name, what, _ in found()})

    def test_finds_it(self) -> None:
        source = (
            'run(["/usr/sbin/ip", "link"])\nexecute("lvcreate", "-n")\nos.chown(1, 2, 3)\n'
            'SCRIPT = """\nset -e\nexec mount /a /b\n"""\nwords = ("ip", )\nname = "mount"\n'
        )
        tree = ast.parse(source)
        module = Module("mycloud.x", ROOT / "x.py", tree, 1, list(ast.walk(tree)))
        self.assertEqual(
            {"/usr/sbin/ip", "lvcreate", "os.chown", "mount"},
            {what for _, what in roots(module) if what in CALLS or is_tool(what)},
        )

    def test_no_unit_but_the_helpers_is_of_root(self) -> None:
        users = {}
        for path in sorted((ROOT / "etc/mycloud/systemd").glob("*.service")):
            unit = configparser.RawConfigParser(strict=False)
            unit.optionxform = str  # type: ignore[assignment,method-assign]
            unit.read_string(path.read_text())
            users[path.stem] = (
                unit["Service"]["User"], unit["Service"].get("NoNewPrivileges", "no")
            )
        helper = users.pop("mycloud-privileged", ("root", "yes"))
        self.assertEqual(("root", "yes"), helper)
        self.assertEqual({("mycloud", "yes")}, set(users.values()), users)
