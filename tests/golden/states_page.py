"""docs/states.md, made of mycloud/common/states.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mycloud.common import states

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

_HEAD = """\
# States

Made from `mycloud/common/states.py` by `python tools/golden.py`; edit that, not this.

## Servers

A server has a *vm state* (what it is) and, while an operation is at work, a *task state* (what
is being done to it). The arrows are operations; one that fails and is undone leaves the vm state
as it was, unless the table says otherwise.

"""


def render() -> str:
    """The whole page."""
    return "".join(
        (
            _HEAD,
            _servers_diagram(),
            _servers_table(),
            _status_table(),
            _plain(
                "Operations",
                "The life of an operation in the journal. One that must wait for another starts "
                "as waiting,\nany other as pending.",
                states.OPERATION_TRANSITIONS,
            ),
            "\n",
            _plain("Images", "From the row to the bytes and back.", states.IMAGE_TRANSITIONS),
            "\n",
            _statuses("Volumes", states.VOLUME),
            _plain(
                "Attachments", "Of a volume to a server or to a host.", states.ATTACH_TRANSITIONS
            ),
            "\n",
            _statuses("Snapshots of volumes", states.SNAPSHOT),
            _statuses("Backups", states.BACKUP),
        )
    )


def _servers_diagram() -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> building"]
    arrows: dict[tuple[str, str], list[str]] = {}
    for transition in states.SERVER.values():
        for before in sorted(transition.before):
            if transition.after is not None and transition.after != before:
                arrows.setdefault((before, transition.after), []).append(transition.action)
            if transition.failed is not None and transition.failed != before:
                arrows.setdefault((before, transition.failed), []).append(
                    f"{transition.action} fails"
                )
    for (before, after), actions in sorted(arrows.items()):
        lines.append(f"    {before} --> {after}: {', '.join(dict.fromkeys(actions))}")
    return "\n".join([*lines, "    deleted --> [*]", "```", "", ""])


def _servers_table() -> str:
    lines = [
        "| operation | from | task state | to | if it fails | supersedes others |",
        "|---|---|---|---|---|---|",
    ]
    for kind, each in states.SERVER.items():
        lines.append(
            f"| {kind} | {_listed(each.before)} | {each.task} | {each.after or 'unchanged'} "
            f"| {each.failed or 'unchanged'} | {'yes' if each.supersedes else ''} |"
        )
    return "\n".join([*lines, "", ""])


def _statuses(title: str, transitions: Mapping[str, states.StatusTransition]) -> str:
    """A table of what has one status for what it is and what is being done to it."""
    lines = [
        f"## {title}", "", "| operation | from | meanwhile | to | if it fails |",
        "|---|---|---|---|---|",
    ]
    for kind, each in transitions.items():
        lines.append(
            f"| {kind} | {_listed(each.before)} | {each.during or 'unchanged'} "
            f"| {each.after or 'as before'} | {each.failed or 'as before'} |"
        )
    return "\n".join([*lines, "", ""])


def _status_table() -> str:
    lines = ["The API shows:", "", "| status | vm state | task state |", "|---|---|---|"]
    lines += [f"| {status} | {vm} | |" for vm, status in states.SERVER_STATUS.items()]
    lines += [
        f"| {status} | {states.Vm.ACTIVE} | {task} |"
        for task, status in states.TASK_STATUS.items()
    ]
    return "\n".join([*lines, "", ""])


def _plain(title: str, text: str, transitions: Mapping[Any, frozenset[Any]]) -> str:
    """A diagram of states that change without more conditions."""
    entered = {after for afters in transitions.values() for after in afters}
    first = [state for state in transitions if state not in entered] or list(transitions)[:1]
    lines = [f"## {title}", "", text, "", "```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in first]
    for before, afters in transitions.items():
        lines += [f"    {before} --> {after}" for after in sorted(afters)]
        if not afters:
            lines.append(f"    {before} --> [*]")
    return "\n".join([*lines, "```", ""])


def _listed(names: frozenset[Any]) -> str:
    return ", ".join(sorted(names))
