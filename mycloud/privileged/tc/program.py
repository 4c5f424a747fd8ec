"""Runs ``tc`` and says what its complaint means."""

from __future__ import annotations

import errno
import os
import re

from mycloud.privileged import errors
from mycloud.privileged.run import run

TC = "/usr/sbin/tc"

_STRERRORS = {os.strerror(number): number for number in sorted(errno.errorcode, reverse=True)}
_ANSWER = re.compile(r"RTNETLINK answers: (.+)")
#: what the kernel or tc says in words of its own, and the error that it stands for
_WORDS = (
    ("Exclusivity flag on, cannot modify", errno.EEXIST),
    ("Filter already exists", errno.EEXIST),
    ("Cannot delete qdisc with handle of zero", errno.ENOENT),
    ("Cannot find specified qdisc", errno.ENOENT),
    ("Cannot find specified filter chain", errno.ENOENT),
    ("Specified qdisc not found", errno.ENOENT),
    ("Failed to find qdisc with specified classid", errno.ENOENT),
    ("Failed to find specified qdisc", errno.ENOENT),
    ("Specified class not found", errno.ENOENT),
    ("Specified class doesn't exist", errno.ENOENT),
    ("Specified filter handle not found", errno.ENOENT),
    ("Filter with specified priority/protocol not found", errno.ENOENT),
    ("Parent Qdisc doesn't exist", errno.ENOENT),
    ("Invalid handle", errno.EINVAL),
    ("Protocol mismatch for filter", errno.EINVAL),
    ("Cannot find device", errno.ENODEV),
    ("qdisc kind is unknown", errno.EOPNOTSUPP),
    ("TC classifier not found", errno.EOPNOTSUPP),
    ("Failed to load TC action module", errno.EOPNOTSUPP),
    ("class in use", errno.EBUSY),
    ("Usage: ", errno.EINVAL),
)


def tc(*words: str, timeout: float = 10.0) -> str:
    """What ``tc WORDS`` prints.

    :raises TcFailed: with the error's number and the command
    :raises ProgramFailed: tc is not installed or did not end
    """
    command = [TC, *words]
    try:
        return run(command, timeout=timeout).stdout
    except errors.ProgramFailed as error:
        if error.details["status"] in (127, -9):
            raise
        text = str(error.details["stderr"])
        number = error_number(text)
        said = _first_sentence(text) or error.message
        raise errors.TcFailed(
            f"tc {' '.join(words)}: {said} ({errno.errorcode[number]})", errno=number,
            command=command, stderr=text,
        ) from None


def error_number(stderr: str) -> int:
    """Which error tc's complaint stands for; EIO if it says nothing that is known."""
    answer = _ANSWER.search(stderr)
    if answer is not None and answer[1].strip() in _STRERRORS:
        return _STRERRORS[answer[1].strip()]
    return next((number for words, number in _WORDS if words in stderr), errno.EIO)


def _first_sentence(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("Warning")]
    return (told or lines or [""])[0].removeprefix("Error: ")
