"""Making this machine a compute host of a cloud elsewhere."""

import os
import pwd
import shutil
from pathlib import Path

from mycloud.common import clock, exceptions
from mycloud.common.node_token import NodeToken
from mycloud.common.undo import UndoStack
from mycloud.local import lifecycle, privileged
from mycloud.local.layout import Layout
from mycloud.local.node import checks, daemons, options, record, request, self_test
from mycloud.local.node.cloud import Cloud, Member, own_address
from mycloud.local.node.record import Record, Wanted
from mycloud.local.settings import LocalError, Tell


def parse(text: str) -> NodeToken:
    """:raises LocalError: the token is damaged"""
    try:
        return NodeToken.parse(text)
    except exceptions.NodeTokenDamaged as error:
        raise LocalError(error.message) from error


def choose(
    token: NodeToken, *, name: str, address: str | None, hypervisor: str | None
) -> Wanted:
    """What the machine is to be: what is not given is found out.

    :raises LocalError: there is no way to the cloud
    """
    user = pwd.getpwuid(os.geteuid()).pw_name
    return Wanted(name, address or own_address(token.urls), hypervisor or "libvirt", user)


def join(
    layout: Layout, token: NodeToken, wanted: Wanted, tell: Tell
) -> tuple[Record, list[self_test.Result]]:
    """Join, and see that it works. What was made is undone if it does not.

    :raises LocalError: it can't join; says what to do
    """
    cloud = Cloud(token.urls, token.api_certificate)
    tell("Looking at this machine and the way to the cloud")
    checks.machine(layout, wanted, tell)
    checks.network(token, cloud, wanted)
    undo, done = UndoStack(), False
    try:
        found = _join(layout, token, wanted, tell, undo)
        done = True
    finally:
        if not done:
            tell("Undoing what was done")
            undo.run()
    return found


def _join(
    layout: Layout, token: NodeToken, wanted: Wanted, tell: Tell, undo: UndoStack
) -> tuple[Record, list[self_test.Result]]:
    before = _content(layout.state)
    undo.push("files", lambda: _remove_new(layout.state, before))
    layout.make(passable=privileged.pid(layout) is not None)
    tell(f"Asking the cloud to let {wanted.name} join")
    told = request.ask(layout, token, wanted, Cloud(token.urls, token.api_certificate))
    found = Record(
        wanted, token.urls, token.api_certificate, token.id,
        clock.now().isoformat(timespec="seconds"),
    )
    undo.push("membership", lambda: Member(layout, found).leave(force=True))
    request.install(layout, told)
    options.write(layout, wanted, told)
    if wanted.hypervisor == "libvirt":
        lifecycle.prepare_proof(layout, tell)
    undo.push(
        "programs", lambda: _ignore(daemons.stop(layout, found, tell, guests_too=True))
    )
    daemons.start(layout, found, tell)
    results = self_test.run(layout, found, tell)
    problems = [f"{each.check}: {each.problem}" for each in results if each.problem is not None]
    if problems:
        raise LocalError(f"The machine has joined, and is of no use: {'; '.join(problems)}")
    record.save(layout, found)
    request.forget(layout)
    return found, results


def again(
    layout: Layout, found: Record, tell: Tell
) -> tuple[bool, list[self_test.Result]]:
    """Start what does not run of a machine that has joined; whether there was anything.

    :raises LocalError:
    """
    started = daemons.start(layout, found, tell)
    return started, self_test.run(layout, found, tell)


def _ignore(_: object) -> None:
    """An undo says nothing."""


def _content(folder: Path) -> set[Path] | None:
    """What is in it; None if there is no such directory."""
    return set(folder.iterdir()) if folder.exists() else None


def _remove_new(folder: Path, before: set[Path] | None) -> None:
    """Remove what was not there before."""
    if before is None:
        shutil.rmtree(folder)
        return
    for path in set(folder.iterdir()) - before:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
