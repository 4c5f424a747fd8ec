"""Which changes of a golden file owe a new version, because others rely on the old one."""

from typing import Any


def versions(name: str, old: Any, new: Any) -> list[str]:
    """What must be raised before the golden file may be written anew."""
    check = {"objects": _objects, "rpc": _rpc, "microversions": _microversions}.get(name)
    return check(old, new) if check else []


def _objects(old: dict[str, str], new: dict[str, str]) -> list[str]:
    return [
        f"{name} has changed: raise its VERSION above {mark.split('-')[0]} and let "
        "obj_make_compatible take the change back for older readers"
        for name, mark in new.items()
        if name in old and old[name] != mark
        and _number(mark.split("-")[0]) <= _number(old[name].split("-")[0])
    ]


def _rpc(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    found = []
    for name, now in new.items():
        before = old.get(name)
        if before is None or before["methods"] == now["methods"]:
            continue
        changed = sorted(
            method
            for method in {*before["methods"], *now["methods"]}
            if before["methods"].get(method) != now["methods"].get(method)
        )
        if _number(now["version"]) <= _number(before["version"]):
            found.append(
                f"{name} has changed ({', '.join(changed)}): raise its version above "
                f"{before['version']}"
            )
    return found


def _microversions(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    found = []
    for name, before in old.items():
        now = new.get(name, {})
        for bound in ("minimum", "maximum"):
            if _number(now.get(bound, "0.0")) < _number(before[bound]):
                found.append(f"{name} does not speak {before[bound]} any more")
        gone = set(before.get("changes", ())) - set(now.get("changes", ()))
        added = set(now.get("changes", ())) - set(before.get("changes", ()))
        if gone:
            found.append(f"{name}: {', '.join(sorted(gone))} is released and can't be taken back")
        late = sorted(text for text in added if _number(text) <= _number(before["maximum"]))
        if late:
            found.append(
                f"{name}: {', '.join(late)} is released already: what is new comes after "
                f"{before['maximum']}"
            )
    return found


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
