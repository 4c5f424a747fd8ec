"""What somebody needs who is to help with a host: one archive, made while it is sent."""

import base64
import datetime
import gzip
import io
import json
import logging
import re
import tarfile
from collections.abc import Iterator
from typing import Any

from mycloud.common import clock, exceptions, masking
from mycloud.common.context import RequestContext
from mycloud.compute.requests import hosts
from mycloud.db import engine, journal, operation_list, services

LOG = logging.getLogger(__name__)

#: How many of the newest operations of the host are told.
OPERATIONS = 200
_VERBS = {
    "facts.json": "host.facts",
    "statistics.json": "host.stats",
    "network.json": "network.caps",
    "network-statistics.json": "network.stats",
    "lldp.json": "lldp.info",
}
_README = """\
{host}, collected on {now}Z by mycloud.

facts.json, network.json ...  what the host tells of itself
services.json                 its services, as the database knows them
operations.json               the newest {operations} operations on it, with their steps
options.txt                   the options of its compute service
logs/                         the ends of its logs; {left_out}

Passwords, tokens, keys and the names that open exports were replaced by ***.
What could not be had is in errors.txt.
"""


class Bundle:
    """The archive of one host, as bytes of a tar.gz.

    :ivar name: of the file, without its ending
    """

    def __init__(self, context: RequestContext, host: hosts.Row):
        """:raises HostSilent: it does not answer"""
        self._context, self._host = context, host
        self._listed: dict[str, Any] = hosts.ask(context, host, "host.logs")
        self._now = clock.now()
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", host["host"])
        self.name = f"mycloud-{safe}-{self._now:%Y%m%dT%H%M%SZ}"
        self._errors: list[str] = []
        # the database is not asked any more once the answer is on its way
        self._recorded = _recorded(host["host"])

    def __iter__(self) -> Iterator[bytes]:
        out = _Pipe()
        with tarfile.open(fileobj=out, mode="w|gz", format=tarfile.PAX_FORMAT) as archive:
            for name, text in self._members():
                self._add(archive, name, text)
                yield out.taken()
            if self._errors:
                self._add(archive, "errors.txt", "\n".join(self._errors) + "\n")
        yield out.taken()

    def _add(self, archive: tarfile.TarFile, name: str, text: str) -> None:
        content = text.encode()
        member = tarfile.TarInfo(f"{self.name}/{name}")
        member.size = len(content)
        member.mode = 0o600
        member.mtime = int(self._now.replace(tzinfo=datetime.UTC).timestamp())
        archive.addfile(member, io.BytesIO(content))

    def _members(self) -> Iterator[tuple[str, str]]:
        files = self._listed["files"]
        left_out = [each["name"] for each in files if not each["taken_bytes"]]
        yield "README.txt", _README.format(
            host=self._host["host"],
            now=self._now.isoformat(timespec="seconds"),
            operations=OPERATIONS,
            left_out=f"left out, being older or empty: {', '.join(left_out)}" if left_out
            else "none was left out",
        )
        for name, document in self._recorded.items():
            yield name, _text(document)
        yield "options.txt", masking.mask(self._listed["options"])
        for name, verb in _VERBS.items():
            found = self._asked(name, verb)
            if found is not None:
                yield name, _text(found)
        for each in files:
            if each["taken_bytes"]:
                found = self._asked(each["name"], "host.log", name=each["name"])
                if found is not None:
                    text = gzip.decompress(base64.b64decode(found["gzip"])).decode()
                    # the host has masked it; one of an earlier version may know less of secrets
                    yield f"logs/{each['name']}", masking.mask(text)

    def _asked(self, what: str, verb: str, **params: Any) -> Any:
        """What a verb gives; None, and a line among the errors, if it can't be had."""
        try:
            return hosts.ask(self._context, self._host, verb, **params)
        except exceptions.MycloudError as error:
            LOG.info("The bundle of %s is without %s: %s", self._host["host"], what, error)
            self._errors.append(f"{what}: {masking.mask(error.message)}")
            return None


class _Pipe(io.RawIOBase):
    """Takes what the archive writes, until it is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        found, self._held = bytes(self._held), bytearray()
        return found


def _recorded(host: str) -> dict[str, Any]:
    with engine.reader() as conn:
        wanted = operation_list.Wanted(same={"host": host}, limit=OPERATIONS)
        operations = operation_list.page(conn, wanted)
        steps = journal.steps_of(conn, [row["id"] for row in operations])
        return {
            "services.json": [dict(row) for row in services.every(conn, host=host)],
            "operations.json": [
                {**row, "steps": [dict(step) for step in steps[row["id"]]]} for row in operations
            ],
        }


def _text(document: Any) -> str:
    return masking.mask(json.dumps(document, indent=2, sort_keys=True, default=str) + "\n")
