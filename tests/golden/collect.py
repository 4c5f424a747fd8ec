"""What the code promises to others, as data: one function for each golden file."""

import hashlib
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oslo_messaging as messaging
from oslo_versionedobjects import fixture as ovo_fixture

import mycloud
from mycloud import conf, objects, policies
from mycloud.agent import verbs
from mycloud.agent.registry import Registry
from mycloud.api import cloud, compute, discovery, identity, image, versions, volume
from mycloud.api.routing import Raw, Route
from mycloud.common import context, rpc
from mycloud.objects import base
from mycloud.privileged import discovery as root_helper
from mycloud.privileged.tc import listing, qos

PLACE = Path(__file__).parent


def routes() -> list[dict[str, Any]]:
    """Every row of every API."""
    services = {
        "": discovery.ROOT,
        "cloud": cloud.rows(),
        "compute": compute.rows(),
        "compute versions": discovery.COMPUTE,
        "identity": identity.rows(),
        "identity versions": discovery.IDENTITY,
        "image": image.rows(),
        "image versions": discovery.IMAGE,
        "volume": volume.rows(),
        "volume versions": discovery.VOLUME,
    }
    found = [
        {
            "service": service,
            "verb": row.verb,
            "path": row.path,
            "action": row.action,
            "policy": row.policy,
            "anonymous": row.anonymous,
            "versions": list(row.versions),
            "status": row.status,
            "body": _digest(row.body),
            "query": _digest(row.query),
        }
        for service, rows in services.items()
        for row in rows
    ]
    return sorted(found, key=lambda row: json.dumps([row["service"], row["path"], row["verb"],
                                                     row["action"] or "", row["versions"]]))


def _digest(schema: Any) -> str | None:
    """A short mark of a schema (or of its versions) that changes whenever it does."""
    if schema is None:
        return None
    if isinstance(schema, Raw):
        return "raw " + " ".join(schema.media_types)
    text = json.dumps(_plain(schema), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    if isinstance(value, Raw):
        return ["raw", *value.media_types]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def microversions() -> dict[str, Any]:
    """What each API speaks, and where its answers or its rows change."""
    found: dict[str, Any] = {}
    for name, made in sorted(vars(versions).items()):
        if isinstance(made, versions.VersionRange):
            found[name.lower()] = {
                "name": made.name,
                "minimum": str(made.minimum),
                "maximum": str(made.maximum),
            }
    found["compute"]["changes"] = _version_changes(compute.rows())
    found["volume"]["changes"] = _version_changes(volume.rows())
    return found


def _version_changes(rows: list[Route]) -> list[str]:
    """The microversions that rows name, in order."""
    named: set[str] = set()
    for row in rows:
        named |= set(row.versions) - {""}
        for choice in (row.body, row.query, row.status):
            if isinstance(choice, (list, tuple)):
                named |= {first for first, _ in choice if first}
    return sorted(named, key=versions.Version.parse)


def policy_rules() -> dict[str, str]:
    """Every rule with its check."""
    return {rule.name: rule.check_str for rule in policies.list_rules()}


def rpc_methods() -> dict[str, Any]:
    """The signature of every message, by client and by manager, with the versions."""
    found: dict[str, Any] = {}
    for module in _modules(".rpcapi"):
        for name, made in inspect.getmembers(module, inspect.isclass):
            if made.__module__ != module.__name__:
                continue
            if issubclass(made, rpc.Client):
                found[f"{module.__name__}:{name}"] = {
                    "version": made.version,
                    "namespace": made.namespace,
                    "understood": {str(key): text for key, text in made.understood.items()},
                    "methods": _methods(made),
                }
            elif isinstance(getattr(made, "target", None), messaging.Target):
                found[f"{module.__name__}:{name}"] = _endpoint(made)
    for module in _modules(".manager"):
        for name, made in inspect.getmembers(module, inspect.isclass):
            if made.__module__ == module.__name__ and hasattr(made, "target"):
                found[f"{module.__name__}:{name}"] = _endpoint(made)
    return found


def _endpoint(made: Any) -> dict[str, Any]:
    return {
        "version": made.target.version,
        "namespace": made.target.namespace,
        "methods": _methods(made),
    }


def _methods(made: type) -> dict[str, str]:
    return {
        name: str(inspect.signature(method))
        for name, method in sorted(vars(made).items())
        if inspect.isfunction(method) and not name.startswith("_")
    }


def _modules(ending: str) -> list[Any]:
    return [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(mycloud.__path__, "mycloud.")
        if found.name.endswith(ending)
    ]


def object_fingerprints() -> dict[str, str]:
    """Version and fingerprint (fields, remotable methods) of every object."""
    objects.register_all()
    classes = {
        name: made
        for name, made in base.Registry.obj_classes().items()
        if made[0].__module__.startswith("mycloud.")
    }
    with context.role(context.MANAGE):
        hashes: dict[str, str] = ovo_fixture.ObjectVersionChecker(classes).get_hashes()
    return hashes


def options() -> dict[str, Any]:
    """Every option with its type, default and bounds."""
    return {
        f"[{module.GROUP}]/{opt.name}": {
            "type": _type(opt.type),
            "default": opt.sample_default if opt.sample_default is not None else opt.default,
            "mutable": opt.mutable,
            "required": opt.required,
        }
        for module in conf.GROUPS
        for opt in module.OPTS
    }


def _type(made: Any) -> str:
    bounds = {name: getattr(made, name, None) for name in ("min", "max")}
    bounds["choices"] = list(getattr(made, "choices", None) or ()) or None
    told = ", ".join(f"{name}={value!r}" for name, value in bounds.items() if value is not None)
    name = type(made).__name__
    return f"{name}({told})" if told else name


def agent_verbs() -> dict[str, Any]:
    """Every verb of the host agent with its arguments."""
    return {
        verb["name"]: {
            "changes": verb["changes"], "private": verb["private"], "params": verb["params"],
        }
        for verb in Registry.load(verbs).describe()
    }


def tc_commands() -> list[str]:
    """What gives networks shares of what an interface sends, and what takes them away."""
    limited = qos.Outbound(share=70, limit=200_000_000, guaranteed=50_000_000)
    untagged = listing.filters(
        "filter parent 7c0d: protocol all pref 201 u32 chain 0 fh 801::800 flowid 7c0d:1fff\n"
    )
    bare = qos.Tree(None, frozenset(), ())
    one = qos.Tree(
        qos.HANDLE, frozenset({qos.ROOT, qos.OTHERS, qos.UNTAGGED}), tuple(untagged)
    )
    two = qos.Tree(
        qos.HANDLE, one.classes | {qos.class_of(17)},
        (*untagged, listing.Filter("flower", "802.1Q", 100, "0x11", qos.class_of(17), ())),
    )
    rows: list[str] = []

    def show(case: str, *parts: tuple[str, list[list[str]]]) -> None:
        rows.extend(
            f"{case}{part}: tc {' '.join(words)}" for part, commands in parts for words in commands
        )

    for case, vlan, wanted, tree in (
        ("first, untagged", None, limited, bare),
        ("first, VLAN", 17, qos.Outbound(), bare),
        ("second, VLAN", 17, limited, one),
        ("change", None, qos.Outbound(share=1), two),
    ):
        do, undo = qos.additions("eth0", vlan, wanted, rate=10**10, tree=tree)
        show(case, ("", do), (", undo", undo))
    for case, vlan, tree in (
        ("remove, VLAN", 17, two), ("remove, untagged", None, two), ("remove the last", None, one),
        ("remove what is not there", 18, two),
    ):
        show(case, ("", qos.removals("eth0", vlan, tree=tree)))
    return rows


def root_verbs() -> list[dict[str, Any]]:
    """All that the root helper does."""
    return [verb.describe() for verb in root_helper.find().values()]


FILES: dict[str, Callable[[], Any]] = {
    "agent_verbs": agent_verbs,
    "microversions": microversions,
    "objects": object_fingerprints,
    "options": options,
    "policies": policy_rules,
    "routes": routes,
    "rpc": rpc_methods,
    "tc_commands": tc_commands,
    "verbs": root_verbs,
}


def render(name: str) -> str:
    """The text that a golden file should have."""
    data = json.loads(json.dumps(FILES[name](), default=str))
    if isinstance(data, list):
        # one row a line: a difference is a row
        return "[\n" + ",\n".join(json.dumps(row, sort_keys=True) for row in data) + "\n]\n"
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def path(name: str) -> Path:
    return PLACE / f"{name}.json"
