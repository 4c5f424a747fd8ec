"""/v2/images/{id}/file: the data of images. It passes in blocks and is never in memory whole."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import webob

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Raw, Route
from mycloud.common import context as mycontext
from mycloud.common import exceptions
from mycloud.db import images
from mycloud.image import downloads, sources, uploads

_TYPE = "application/octet-stream"
_BLOCK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


def upload(request: wsgi.Request) -> None:
    image_id = request.args["id"]
    announced = request.content_length
    if announced is None and not request.headers.get("Transfer-Encoding"):
        announced = 0
    blocks = _received(request.environ["wsgi.input"], image_id, announced)
    uploads.receive(request.context, image_id, blocks, announced=announced)


def _received(source: BinaryIO, image_id: str, announced: int | None) -> Iterator[bytes]:
    """What the client sends. A server's stream may not end by itself, so that no more is read
    than what is announced."""
    received = 0
    while announced is None or received < announced:
        wanted = _BLOCK if announced is None else min(_BLOCK, announced - received)
        try:
            block = source.read(wanted)
        except (OSError, ValueError) as error:
            # the connection ended, or what came is no chunk
            raise exceptions.ImageUploadBroken(image_id=image_id, received=received) from error
        if not block:
            return
        received += len(block)
        yield block


def download(request: wsgi.Request) -> webob.Response:
    image, path = downloads.find(request.context, request.args["id"])
    if path is None:
        return wsgi.empty_response(204)
    return _answer(request, image, path)


def transfer(request: wsgi.Request) -> webob.Response:
    """A download by a compute host: it shows a ticket instead of a token."""
    image_id = request.args["id"]
    sources.check_ticket(image_id, request.headers.get(sources.TICKET_HEADER, ""))
    return _answer(request, *downloads.find_active(image_id))


def transfer_in(request: wsgi.Request) -> None:
    """An upload by a compute host that has made the image: it shows a ticket."""
    image_id = request.args["id"]
    sources.check_ticket(image_id, request.headers.get(sources.TICKET_HEADER, ""))
    announced = request.content_length
    blocks = _received(request.environ["wsgi.input"], image_id, announced)
    uploads.receive(mycontext.admin_context(), image_id, blocks, announced=announced)


def _answer(request: wsgi.Request, image: images.Image, path: Path) -> webob.Response:
    size = image["size"]
    part = _part(request.headers.get("Range", ""), size)
    start, end = part or (0, size)
    response = webob.Response(
        status=206 if part else 200,
        content_type=_TYPE,
        content_length=end - start,
        app_iter=_File(path, start, end),
        accept_ranges="bytes",
    )
    response.charset = None
    if part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    elif image["checksum"]:
        digest = bytes.fromhex(image["checksum"])
        response.headers["Content-MD5"] = base64.b64encode(digest).decode()
    if image["checksum"]:
        response.headers["X-Image-Meta-Checksum"] = image["checksum"]
    return response


def _part(header: str, size: int) -> tuple[int, int] | None:
    """The first byte of a Range header and the one after its last; None for all bytes.

    A header that says nothing sensible, or names several ranges, is passed over as HTTP wants.

    :raises RangeNotSatisfiable: when it names no byte that is there
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last or size) + 1, size)
        if last and int(last) < start:
            return None
    if start >= end:
        raise exceptions.RangeNotSatisfiable(range=header[:100], size=size)
    return start, end


class _File:
    """Some bytes of a file, in blocks. It is open from the start, so that a deletion meanwhile
    takes nothing away."""

    def __init__(self, path: Path, start: int, end: int):
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)
        self._left = end - start

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0:
            block = self._file.read(min(_BLOCK, self._left))
            if not block:
                return
            self._left -= len(block)
            yield block

    def close(self) -> None:
        self._file.close()


ROWS = [
    Route(
        "PUT", "/images/{id}/file", upload, "image:images:upload",
        body=Raw(_TYPE), query=ANY_QUERY, status=204,
    ),
    Route("GET", "/images/{id}/file", download, "image:images:download", query=ANY_QUERY),
    Route("GET", "/images/{id}/transfer", transfer, anonymous=True, query=ANY_QUERY),
    Route(
        "PUT", "/images/{id}/transfer", transfer_in,
        anonymous=True, body=Raw(_TYPE), query=ANY_QUERY, status=204,
    ),
]
