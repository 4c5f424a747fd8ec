"""What root does of a machine's joining: the services' user, its state directory, the root helper.

All else is done as that user: by the command run once more, or by this process, which becomes it.
"""

import shutil
from collections.abc import Sequence

from mycloud.local import privileged, service_user
from mycloud.local.layout import Layout
from mycloud.local.node import record, units
from mycloud.local.node.record import Record
from mycloud.local.service_user import Account
from mycloud.local.settings import LocalError, Settings, Tell


def join(layout: Layout, user: str, words: Sequence[str], token: str, tell: Tell) -> int:
    """Run a command that joins as the user, who gets a root helper; its exit status.

    What was made is undone if it does not succeed.

    :param words: the command, which reads the token from its standard input
    :raises LocalError:
    """
    existed = layout.state.exists()
    if units.wanted():
        units.check(layout)
    account = service_user.ensure(user, tell)
    service_user.check_reach(account, layout)
    done = False
    try:
        service_user.hand_over(account, layout, tell)
        _start_helper(layout, account, tell)
        status = service_user.run_command(
            layout, Settings(user=user), words, text=f"{token}\n"
        )
        done = layout.node.exists()
    finally:
        if not done:
            privileged.stop(layout)
            shutil.rmtree(layout.of_root, ignore_errors=True)
            if not existed:
                shutil.rmtree(layout.state, ignore_errors=True)
    if done and units.wanted():
        status = _let_systemd(layout, tell)
    return status


def _let_systemd(layout: Layout, tell: Tell) -> int:
    """Hand the programs of a machine that has joined over to systemd, and test them again."""
    found = record.joined(layout)
    try:
        units.take_over(layout, found, tell)
    except LocalError as error:
        raise LocalError(
            f"{found.name} has joined, but systemd does not run its programs ({error}). 'mycloud "
            "node start' starts them in the background"
        ) from error
    return service_user.run_command(layout, found.settings, ["node", "start"])


def enter(layout: Layout, found: Record, tell: Tell) -> None:
    """See that the root helper runs, then be the user of a machine that has joined.

    :raises LocalError:
    """
    if not service_user.is_root():
        service_user.check_owner(layout, found.settings)
        return
    account = service_user.ensure(found.wanted.user, tell)
    service_user.check_reach(account, layout)
    if units.wanted() and units.installed(layout):
        units.start()
    else:
        _start_helper(layout, account, tell)
    service_user.become(account, layout)


def _start_helper(layout: Layout, account: Account, tell: Tell) -> None:
    if privileged.pid(layout) is None:
        tell(f"Starting {privileged.NAME}")
        privileged.start(layout, account)


def stop(layout: Layout, found: Record, words: Sequence[str], tell: Tell) -> int | None:
    """Run a command that stops the machine's programs as their user, then stop the root helper.

    Where systemd runs them it starts none of a machine that has left by that.

    :returns: its exit status; None where this is not root
    :raises LocalError:
    """
    if not service_user.is_root():
        service_user.check_owner(layout, found.settings)
        return None
    status = service_user.run_command(layout, found.settings, words)
    if status == 0:
        if units.wanted() and units.installed(layout):
            units.stop() if layout.node.exists() else units.remove()
        if privileged.stop(layout):
            tell(f"{privileged.NAME} has ended")
    return status


def remove(layout: Layout) -> None:
    """Remove the state directory of a machine that has left.

    :raises LocalError: it has not
    """
    if layout.node.exists() or layout.settings.exists():
        raise LocalError(f"{layout.state} is in use; 'mycloud node leave' first")
    shutil.rmtree(layout.state)
