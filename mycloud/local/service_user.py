"""The ordinary user that a cloud's services run as when root starts it.

Root prepares what only root can: the user, the ownership of the state directory, the root helper.
Then the command itself becomes that user, for good, and all else is done as by any user.
"""

import ctypes
import os
import pwd
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mycloud
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, Settings, Tell

#: The user if none is chosen.
NAME = "mycloud"
_KVM = Path("/dev/kvm")
_PR_SET_NO_NEW_PRIVS = 38
#: Names the first of the paths that this user can't enter (folders) or read (the last ones).
_PROBE = """
for path; do
  if [ -d "$path" ]; then [ -x "$path" ]; else [ -r "$path" ]; fi || { echo "$path"; exit 1; }
done
"""


@dataclass(frozen=True)
class Account:
    """:ivar groups: all its groups, and the one that may use KVM"""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def is_root() -> bool:
    """Whether this process is root's."""
    return os.geteuid() == 0


def chosen(before: Settings | None, wanted: str | None) -> str | None:
    """Whom the services are to run as; None: whoever starts them.

    :param wanted: what was asked for now
    :raises LocalError: only root can choose
    """
    remembered = before.user if before is not None else None
    if not is_root() and wanted not in (None, remembered):
        raise LocalError("--user needs root: others start services as themselves")
    return wanted or remembered or (NAME if is_root() else None)


def find(name: str) -> Account | None:
    """The user of that name, if there is one."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = set(os.getgrouplist(name, entry.pw_gid)) | _kvm_group()
    return Account(name, entry.pw_uid, entry.pw_gid, tuple(sorted(groups)))


def ensure(name: str, tell: Tell) -> Account:
    """The user of that name; the default one is made if it is missing.

    :raises LocalError: it is root, is missing or can't be made
    """
    account = find(name)
    if account is None:
        if name != NAME:
            raise LocalError(
                f"There is no user {name}; make it (useradd --system {name}), or choose another "
                "by --user"
            )
        tell(f"Making the system user {name}")
        _make(name)
        account = find(name)
        if account is None:
            raise LocalError(f"The system user {name} was made, but can't be found")
    if account.uid == 0:
        raise LocalError(f"Services don't run as root; choose another user by --user ({NAME})")
    return account


def _make(name: str) -> None:
    done = subprocess.run(
        [
            "/usr/sbin/useradd", "--system", "--user-group", "--no-create-home",
            "--home-dir", f"/var/lib/{name}", "--shell", "/usr/sbin/nologin", name,
        ],
        capture_output=True, text=True, check=False,
    )
    # 9: somebody else has made it meanwhile
    if done.returncode not in (0, 9):
        raise LocalError(
            f"The system user {name} can't be made ({done.stderr.strip()}); make it by hand, or "
            "choose another by --user"
        )


def _kvm_group() -> set[int]:
    """The group that may use KVM, where that is not root's."""
    try:
        found = _KVM.stat()
    except OSError:
        return set()
    return {found.st_gid} if found.st_gid != 0 and found.st_mode & 0o060 == 0o060 else set()


def check_reach(account: Account, layout: Layout) -> None:
    """Make sure that the user can read the program and reach the state directory.

    :raises LocalError: naming what is closed to it, and the remedy
    """
    program = Path(mycloud.__file__)
    closed = _closed(account, [program, Path(sys.executable), Path(sys.prefix)])
    if closed is not None:
        raise LocalError(
            f"The user {account.name} may not read {closed}, and mycloud runs from "
            f"{program.parents[1]} with {sys.executable}; put it where everybody may read "
            "(/opt, for one), or open that to others (chmod o+rx)"
        )
    closed = _closed(account, [layout.state.parent])
    if closed is not None:
        raise LocalError(
            f"The user {account.name} may not enter {closed}, and the cloud is to lie in "
            f"{layout.state}; choose another place by --state, or open that to others "
            "(chmod o+x)"
        )


def _closed(account: Account, paths: Iterable[Path]) -> str | None:
    """The first of the paths, or of the folders above them, that the user can't get through."""
    wanted = [
        str(each) for path in paths for each in [*reversed(path.parents), path] if each.exists()
    ]
    done = subprocess.run(
        ["/bin/sh", "-c", _PROBE, "sh", *wanted],
        capture_output=True, text=True, check=False, cwd="/", **_identity(account),
    )
    return None if done.returncode == 0 else done.stdout.strip() or "/bin/sh"


def _identity(account: Account) -> dict[str, Any]:
    return {"user": account.uid, "group": account.gid, "extra_groups": account.groups}


def owns(account: Account, layout: Layout) -> bool:
    """Whether the state directory is the user's, or there is none."""
    return not layout.state.exists() or layout.state.stat().st_uid == account.uid


def hand_over(account: Account, layout: Layout, tell: Tell) -> None:
    """Give the state directory to the user, if it belongs to another; nothing of it may run."""
    for folder in (*reversed(layout.state.parents), layout.state):
        if not folder.exists():
            # whatever root's mask is: the user has to come through
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
    for folder in (layout.run, layout.logs):
        if not folder.exists():
            folder.mkdir()
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    if layout.state.stat().st_uid == account.uid:
        return
    if layout.settings.exists():
        tell(f"Handing {layout.state} over to the user {account.name}")
    for path, descriptor in _below(layout):
        # a link itself, never what it leads to
        os.chown(
            path, account.uid, account.gid, dir_fd=descriptor, follow_symlinks=False
        )
    # last, so that a hand-over that was interrupted is done again
    os.chown(layout.state, account.uid, account.gid)


def _below(layout: Layout) -> Iterator[tuple[str, int]]:
    """Everything in the state directory but what is root's for good."""
    for root, folders, names, descriptor in os.fwalk(layout.state):
        if Path(root) == layout.state and layout.of_root.name in folders:
            folders.remove(layout.of_root.name)
        for name in (*folders, *names):
            yield name, descriptor


def become(account: Account, layout: Layout) -> None:
    """This process is the user's from now on, and so is all that it starts: no way leads back."""
    os.setgroups(account.groups)
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise LocalError(f"Privileges can't be given up: {os.strerror(ctypes.get_errno())}")
    os.environ.update(environment(account, layout))
    for name in [name for name in os.environ if name.startswith(("XDG_", "SUDO_"))]:
        del os.environ[name]


def environment(account: Account, layout: Layout) -> dict[str, str]:
    """Who the user is, for programs that ask their environment."""
    return {"HOME": str(layout.state), "USER": account.name, "LOGNAME": account.name}


def enter(layout: Layout, settings: Settings) -> None:
    """Become the cloud's user, where root looks at a cloud that has one.

    :raises LocalError: that user is gone
    """
    if not is_root() or settings.user is None:
        return
    account = find(settings.user)
    if account is None:
        raise LocalError(
            f"The user {settings.user}, to whom {layout.state} belongs, is gone; make it again"
        )
    become(account, layout)


def run_command(
    layout: Layout, settings: Settings, words: Iterable[str], *, text: str | None = None
) -> int:
    """Run a ``mycloud`` command as the cloud's user; returns its exit status.

    :param text: what it reads from its standard input; None: what this process would
    :raises LocalError: that user is gone
    """
    account = find(settings.user or "")
    if account is None:
        raise LocalError(
            f"The user {settings.user}, to whom {layout.state} belongs, is gone; make it again"
        )
    sys.stdout.flush()
    sys.stderr.flush()
    return subprocess.run(
        [sys.executable, "-m", "mycloud.cli.main", *words, "--state", str(layout.state)],
        check=False, cwd="/", env={**os.environ, **environment(account, layout)},
        input=text, text=True, **_identity(account),
    ).returncode


def check_owner(layout: Layout, settings: Settings) -> None:
    """:raises LocalError: the cloud is another user's, and this is not root"""
    if is_root() or settings.user is None:
        return
    me = pwd.getpwuid(os.geteuid()).pw_name
    if me != settings.user:
        raise LocalError(
            f"The cloud in {layout.state} belongs to the user {settings.user}; run this as root"
        )

