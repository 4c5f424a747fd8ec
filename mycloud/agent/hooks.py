"""Executables of the operator that run before and after what is done on this host.

They lie in a directory for each event below ``[agent]hooks_dir``: ``before_server_create``,
``after_server_start``, ``before_network_apply`` ... All of one directory run in the order of their
names. Each is given one JSON object on its standard input. A ``before_`` hook that ends with
another status than 0, or not in time, stops the operation: what it has printed on its standard
output is told to the person who asked. ``after_`` hooks are too late for that; their failures are
logged.

Only what root or the user of this service owns, and nobody else may write, is run. The same goes
for the directories. What is executable and not safe counts as a hook that fails: a check that an
operator wants must not fall out in silence.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
import signal
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any

from oslo_utils import strutils

from mycloud.common import clock, concurrency, exceptions

LOG = logging.getLogger(__name__)

BEFORE, AFTER = "before", "after"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
#: What editors and packages leave beside a file.
_LEFT = ("~", ".bak", ".dpkg-old", ".dpkg-dist", ".dpkg-new", ".rpmsave", ".rpmnew", ".swp")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
#: What of a hook's words is told and logged, and what it may print before it is killed.
_TOLD_CHARACTERS = 500
_MAX_OUTPUT = 1 << 20
#: What is told of a server, beside its id.
_SERVER = ("name", "hostname", "flavor", "image_id", "metadata", "vm_state")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05


@dataclasses.dataclass(frozen=True)
class _Outcome:
    """How a hook has ended; ``problem``: None if well."""

    problem: str | None
    said: str
    complained: str


class Hooks:
    """The hooks of one host, a part of its agent.

    :param directory: where the directories of events are; looked at for every event anew
    :param timeout: seconds for one hook
    """

    def __init__(self, directory: Path, host: str, *, timeout: float):
        self._directory = directory
        self._host = host
        self._timeout = timeout

    def start(self) -> None:
        """Nothing runs of it."""

    def stop(self) -> None:
        """Nothing runs of it."""

    def any(self, when: str, event: str) -> bool:
        """Whether there is something to run; cheap where there is none."""
        return bool(self._found(when, event))

    def before(self, event: str, about: dict[str, Any]) -> None:
        """Run the hooks before ``event`` (``server_create``).

        :raises HookRefused: one of them says no; those after it have not run
        """
        for hook in self._found(BEFORE, event):
            outcome = self._run(BEFORE, event, hook, about)
            if outcome.problem is not None:
                reason = outcome.said or outcome.problem
                raise exceptions.HookRefused(hook=f"{BEFORE}_{event}/{hook.name}", reason=reason)

    def after(self, event: str, about: dict[str, Any]) -> None:
        """Run the hooks after ``event``; all of them, whatever they end with."""
        for hook in self._found(AFTER, event):
            self._run(AFTER, event, hook, about)

    # -- finding -------------------------------------------------------------------------------

    def _found(self, when: str, event: str) -> list[Path]:
        directory = self._directory / f"{when}_{event}"
        try:
            names = sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError:
            LOG.error("%s can't be read; its hooks do not run", directory)
            return []
        return [directory / name for name in names if _is_hook(directory / name)]

    def _unsafe(self, hook: Path) -> str | None:
        """Why a hook must not be run; None if it may."""
        for place in (self._directory, hook.parent, hook):
            try:
                found = place.stat()
            except OSError as error:
                return f"{place.name} can't be looked at: {error.strerror}"
            if found.st_uid not in (0, os.geteuid()):
                return f"{place.name} is not owned by root or by the user of the service"
            if found.st_mode & _OTHERS_MAY_WRITE:
                return f"{place.name} may be written by others than its owner"
        return None

    # -- running -------------------------------------------------------------------------------

    def _run(self, when: str, event: str, hook: Path, about: dict[str, Any]) -> _Outcome:
        problem = self._unsafe(hook)
        if problem is not None:
            outcome = _Outcome(f"it is not safe to run: {problem}", "", "")
        else:
            begun = clock.monotonic()
            outcome = self._execute(hook, self._input(when, event, about), f"{when}_{event}")
            LOG.debug("%s took %.3f s", hook, clock.monotonic() - begun)
        if outcome.problem is not None:
            LOG.warning(
                "The hook %s: %s. %s %s", hook, outcome.problem, outcome.said, outcome.complained
            )
        return outcome

    def _input(self, when: str, event: str, about: dict[str, Any]) -> bytes:
        told = {"event": f"{when}_{event}", "host": self._host, **about}
        return json.dumps(strutils.mask_dict_password(told), default=str).encode() + b"\n"

    def _execute(self, hook: Path, given: bytes, event: str) -> _Outcome:
        # files, not pipes: what a hook leaves running in the background may keep these open
        with (
            tempfile.TemporaryFile() as into, tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            into.write(given)
            into.seek(0)
            try:
                process = subprocess.Popen(
                    [str(hook)], stdin=into, stdout=out, stderr=err, cwd="/",
                    start_new_session=True,
                    env={
                        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "LANG": "C.UTF-8", "MYCLOUD_EVENT": event, "MYCLOUD_HOST": self._host,
                    },
                )
            except OSError as error:
                return _Outcome(f"it can't be started: {error.strerror}", "", "")
            problem = self._watch(process, out, err)
            return _Outcome(problem, _words(out), _words(err))

    def _watch(
        self, process: subprocess.Popen[bytes], out: IO[bytes], err: IO[bytes]
    ) -> str | None:
        until = clock.monotonic() + self._timeout
        pause = _FIRST_PAUSE
        while process.poll() is None:
            problem = None
            if clock.monotonic() > until:
                problem = f"it did not end within {self._timeout:g} s"
            elif any(os.fstat(each.fileno()).st_size > _MAX_OUTPUT for each in (out, err)):
                problem = "it printed too much"
            if problem is not None:
                _kill(process)
                return problem
            concurrency.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        status = process.returncode
        if status < 0:
            return f"it was ended by signal {-status}"
        return f"it ended with status {status}" if status else None


def about_operation(operation: Any) -> dict[str, Any]:
    """What a hook is told of an operation of the journal."""
    server = operation.server
    about = {} if server is None else {
        "server": {name: getattr(server, name) for name in _SERVER if name in server}
    }
    return {
        **about,
        "operation": {"id": operation.id, "kind": operation.kind},
        "resource": {"type": operation.resource_type, "id": operation.resource_id},
        "project_id": operation.project_id,
        "user_id": operation.user_id,
        "request_id": operation.request_id,
        "payload": operation.payload,
    }


def _is_hook(path: Path) -> bool:
    if not _NAME.fullmatch(path.name) or path.name.endswith(_LEFT):
        return False
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o111)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The hook, and what it has started in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has just ended
    while process.poll() is None:
        concurrency.sleep(_FIRST_PAUSE)


def _words(file: IO[bytes]) -> str:
    """What was printed, in one line that harms no terminal."""
    file.seek(0)
    text = file.read(4 * _TOLD_CHARACTERS).decode(errors="replace")
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= _TOLD_CHARACTERS else line[: _TOLD_CHARACTERS - 3] + "..."
