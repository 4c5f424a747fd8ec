"""Whom a file obeys: what the helper believes must be root's own."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from mycloud.privileged import errors


def check_only_root_writes(path: str) -> None:
    """That nobody but root can change a file, or put another in its place.

    :raises Refused: names what has another owner, is a link, or may be written by others
    """
    whole = Path(path)
    for each in (*reversed(whole.parents), whole):
        try:
            found = os.lstat(each)
        except OSError as error:
            raise errors.Refused(f"{each}: {error.strerror}") from error
        if reason := _why_not(found, directory=each != whole):
            raise errors.Refused(
                f"{path} is not believed: {each} {reason}; let root own it, and nobody else write "
                "to it"
            )


@contextlib.contextmanager
def opened_by_root(root: Path, *parts: str) -> Iterator[TextIO]:
    """A file for reading, below a directory that is root's for certain.

    :raises Refused: a part of the way below it is not root's alone
    :raises FileNotFoundError:
    """
    found = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            kind = os.O_RDONLY | os.O_NONBLOCK if last else os.O_PATH | os.O_DIRECTORY
            told = "/".join(parts[: number + 1])
            status = os.stat(part, dir_fd=found, follow_symlinks=False)
            # what is root's alone stays what it was until it is opened
            if reason := _why_not(status, directory=not last):
                raise errors.Refused(
                    f"{told} is not believed: it {reason}; let root own it, and nobody else write "
                    "to it"
                )
            inner = os.open(part, kind | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=found)
            os.close(found)
            found = inner
        with open(found, encoding="utf-8", errors="replace", closefd=False) as file:
            yield file
    finally:
        os.close(found)


def _why_not(found: os.stat_result, *, directory: bool) -> str | None:
    if stat.S_ISLNK(found.st_mode):
        return "is a link"
    if found.st_uid != 0:
        return f"belongs to the user {found.st_uid}"
    others = stat.S_IMODE(found.st_mode) & 0o022
    # in /tmp nobody can rename or remove what is root's
    if others and not (directory and found.st_mode & stat.S_ISVTX):
        return "can be written to by others"
    return None
