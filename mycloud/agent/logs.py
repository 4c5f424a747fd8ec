"""The logs of a host: of its services, of libvirt and of QEMU. What leaves has no secrets."""

from __future__ import annotations

import dataclasses
import datetime
import gzip
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from oslo_config import cfg

from mycloud.agent.host import Host
from mycloud.agent.hypervisor import Hypervisor
from mycloud.common import exceptions, masking

#: Of one log, at most its end; of all together.
FILE_BYTES = 2 << 20
ALL_BYTES = 32 << 20
MOST_FILES = 200
SERVICES, HYPERVISOR = "services", "hypervisor"


@dataclasses.dataclass(frozen=True)
class LogFile:
    """A log on the host.

    :ivar name: what it is asked for by; begins with ``services/`` or ``hypervisor/``
    :ivar taken_bytes: how much of its end is given; 0: none, others are newer
    """

    name: str
    path: Path
    size_bytes: int
    modified_at: datetime.datetime
    taken_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class LogText:
    """The end of a log, without secrets.

    :ivar gzipped: UTF-8
    :ivar left_out_bytes: how much came before
    """

    gzipped: bytes
    left_out_bytes: int


def every(host: Host) -> list[LogFile]:
    """The logs of a host, the newest first, within the bounds of a bundle."""
    found = sorted(_found(host), key=lambda each: (each.modified_at, each.name), reverse=True)
    left = ALL_BYTES
    chosen: list[LogFile] = []
    for number, each in enumerate(found):
        taken = min(each.size_bytes, FILE_BYTES, left) if number < MOST_FILES else 0
        left -= taken
        chosen.append(dataclasses.replace(each, taken_bytes=taken))
    return chosen


def read(host: Host, name: str) -> LogText:
    """The end of one log.

    :raises LogNotFound: the host has none of that name
    :raises LogUnreadable: the agent's user may not read it
    """
    known = {each.name: each for each in _found(host)}
    if name not in known:
        raise exceptions.LogNotFound(name=name)
    try:
        # a link in the place of a log leads who knows where
        descriptor = os.open(known[name].path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, size - FILE_BYTES))
            content = file.read(FILE_BYTES)
    except FileNotFoundError:
        raise exceptions.LogNotFound(name=name) from None
    except OSError as error:
        raise exceptions.LogUnreadable(name=name, reason=error.strerror or str(error)) from error
    if start:
        # not in the middle of a line, whose beginning would have told that it is a secret
        content = content[content.find(b"\n") + 1:]
    text = masking.mask(content.decode("utf-8", errors="replace"))
    return LogText(gzip.compress(text.encode(), compresslevel=6), size - len(content))


def options() -> str:
    """The options of this process as they are, without secrets."""
    lines: list[str] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    collector = logging.Logger("options")
    collector.addHandler(Collecting())
    cfg.CONF.log_opt_values(collector, logging.INFO)
    return masking.mask("\n".join(lines) + "\n")


def _found(host: Host) -> Iterator[LogFile]:
    directory = _directory()
    if directory is not None:
        for path in directory.glob("*.log*"):
            yield from _looked_at(f"{SERVICES}/{path.name}", path)
    hypervisor = host.part(Hypervisor)  # type: ignore[type-abstract]
    paths = hypervisor.log_files()
    top = Path(os.path.commonpath([path.parent for path in paths])) if paths else None
    for path in paths:
        yield from _looked_at(f"{HYPERVISOR}/{path.relative_to(top or path.parent)}", path)


def _directory() -> Path | None:
    """Where the services of the host log to; None: to no files."""
    # the options of logging are those of programs alone
    if "log_file" not in cfg.CONF:
        return None
    if cfg.CONF.log_file:
        return (Path(cfg.CONF.log_dir or "") / cfg.CONF.log_file).parent
    return Path(cfg.CONF.log_dir) if cfg.CONF.log_dir else None


def _looked_at(name: str, path: Path) -> Iterator[LogFile]:
    try:
        found = path.lstat()
    except OSError:
        # it has just been rotated away
        return
    modified = datetime.datetime.fromtimestamp(found.st_mtime, datetime.UTC)
    if path.is_file() and not path.is_symlink():
        yield LogFile(name, path, found.st_size, modified.replace(tzinfo=None))
