"""Runs the operator's hooks around every operation that this host does."""

from __future__ import annotations

import dataclasses
from typing import Any

from mycloud.agent.hooks import AFTER, BEFORE, Hooks, about_operation
from mycloud.common import states
from mycloud.journal.runner import Plan, Planner, Step
from mycloud.objects.operation import Operation


def around(hooks: Hooks, kind: str, made: Planner) -> Planner:
    """The planner of a kind of operations (``server.create``), with the hooks of its events.

    A worker that takes an operation over runs them again: hooks know it by the operation's id.
    """
    event = kind.replace(".", "_")

    def plan(context: Any, operation: Operation) -> Plan:
        found = made(context, operation)
        steps = list(found.steps)
        if hooks.any(BEFORE, event):
            steps = _preceded(steps, kind, lambda: hooks.before(event, about_operation(operation)))
        if hooks.any(AFTER, event):
            steps.append(
                Step(
                    "after_hooks", do=lambda: hooks.after(event, about_operation(operation))
                )
            )
        return dataclasses.replace(found, steps=steps)

    return plan


def _preceded(steps: list[Step], kind: str, run: Any) -> list[Step]:
    """The steps with hooks before them: a step of their own, but where the journal knows already
    with which step the operation begins, a part of that."""
    if kind not in states.FIRST_STEP:
        return [Step("before_hooks", do=run), *steps]
    first = steps[0]

    def do() -> None:
        run()
        if not first.done():
            first.do()

    return [Step(first.name, do=do, undo=first.undo), *steps[1:]]
