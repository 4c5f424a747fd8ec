"""Running a root tool: an absolute path, a list of arguments, a fixed environment, no shell."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterable, Mapping

from mycloud.privileged import current, errors

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "LANG": "C"}


@dataclasses.dataclass(frozen=True)
class Completed:
    """A program that has ended."""

    status: int
    stdout: str
    stderr: str


def run(
    command: list[str], *, timeout: float = 30.0, stdin: str = "",
    environment: Mapping[str, str] | None = None, good: Iterable[int] = (0,),
) -> Completed:
    """Run a program to its end.

    It gets no more time than the call that it is a part of has left.

    :param command: first the absolute path of the program
    :param good: exit statuses that are no failure
    :raises ProgramFailed: it is not installed, has failed or did not end in time
    """
    program = command[0]
    if not program.startswith("/"):
        raise ValueError(f"{program!r} is no absolute path")
    left = current.remaining()
    timeout = timeout if left is None else min(timeout, left)
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, errors="replace",
            timeout=timeout, check=False, cwd="/", env={**_ENVIRONMENT, **(environment or {})},
            close_fds=True,
        )
    except FileNotFoundError:
        raise errors.ProgramFailed(
            f"{program} is not installed", program=program, status=127, stderr=""
        ) from None
    except subprocess.TimeoutExpired:
        raise errors.ProgramFailed(
            f"{program} did not end within {timeout:g} s", program=program, status=-9, stderr=""
        ) from None
    if done.returncode not in good:
        words = done.stderr.strip()
        last = words.splitlines()[-1] if words else f"exit status {done.returncode}"
        raise errors.ProgramFailed(
            f"{program} failed: {last}", program=program, status=done.returncode, stderr=words
        )
    return Completed(done.returncode, done.stdout, done.stderr)
