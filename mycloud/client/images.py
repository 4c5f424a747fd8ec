"""Images: what servers boot from."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from mycloud.client import defaults, errors, waiting
from mycloud.client.resource import Collection
from mycloud.client.transport import Request, segment
from mycloud.common import states

#: Bytes that are in memory at once while an image is sent or fetched.
BLOCK = 1 << 20
_PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
_IN_BETWEEN = frozenset({states.Image.QUEUED, states.Image.SAVING})

#: What the image API itself says of an image; all else is a property.
_OWN_FIELDS = frozenset({
    "id", "name", "status", "visibility", "size", "virtual_size", "disk_format",
    "container_format", "checksum", "owner", "protected", "min_disk", "min_ram", "tags",
    "created_at", "updated_at", "file", "self", "schema", "locations", "direct_url",
    "os_hash_algo", "os_hash_value", "os_hidden", "stores",
})

#: Leading bytes -> the disk format that they prove.
_SIGNATURES = (
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vhd"),
    (0x40, b"\x7f\x10\xda\xbe", "vdi"),
    (0x8001, b"CD001", "iso"),
)
_HEAD = 0x8001 + 5

Progress = Callable[[int], None]


class Sink(Protocol):
    """Where downloaded bytes go, such as a file."""

    def write(self, block: bytes, /) -> int: ...


@dataclass(frozen=True)
class Image:
    """An image; ``size`` in bytes (None before the upload), ``virtual_size`` those of the disk in
    it (None if unknown), ``min_disk`` GiB, ``min_ram`` MiB."""

    id: str
    name: str
    status: str
    visibility: str
    size: int | None
    virtual_size: int | None
    disk_format: str | None
    container_format: str | None
    hash_algorithm: str | None
    hash_value: str | None
    owner: str | None
    protected: bool
    min_disk: int
    min_ram: int
    tags: tuple[str, ...]
    properties: Mapping[str, Any]
    created_at: str | None
    updated_at: str | None


@dataclass(frozen=True)
class NewImage:
    """What a new image is to be."""

    name: str
    disk_format: str
    container_format: str = "bare"
    visibility: str | None = None
    protected: bool = False
    min_disk: int = 0
    min_ram: int = 0
    tags: Sequence[str] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None

    def to_body(self) -> dict[str, Any]:
        """The document that the image API takes."""
        body: dict[str, Any] = {
            "name": self.name,
            "disk_format": self.disk_format,
            "container_format": self.container_format,
            **self.properties,
        }
        optional = {
            "visibility": self.visibility,
            "protected": self.protected,
            "min_disk": self.min_disk,
            "min_ram": self.min_ram,
            "tags": list(self.tags),
            "id": self.id,
        }
        return body | {name: value for name, value in optional.items() if value}


@dataclass(frozen=True)
class Member:
    """A project that an image is shared with, and whether it accepted."""

    image_id: str
    member_id: str
    status: str


class FileBlocks(Iterable[bytes]):
    """A file as blocks, from where it stands now; each iteration starts there again."""

    def __init__(self, file: BinaryIO, progress: Progress | None = None):
        self._file = file
        self._progress = progress
        self._start = file.tell() if file.seekable() else None
        self._begun = False

    @property
    def size(self) -> int | None:
        """Bytes in all; None for a pipe."""
        if self._start is None:
            return None
        return os.fstat(self._file.fileno()).st_size - self._start

    def __iter__(self) -> Iterator[bytes]:
        if self._start is not None:
            self._file.seek(self._start)
        elif self._begun:
            raise errors.ClientError(
                "The upload broke off and can't be repeated, because a pipe can't be read "
                "twice; upload from a file instead"
            )
        self._begun = True
        done = 0
        while block := self._file.read(BLOCK):
            yield block
            done += len(block)
            if self._progress is not None:
                self._progress(done)


class _SizedBlocks(FileBlocks):
    """Blocks whose length can be announced, so that the server can refuse at once."""

    def __len__(self) -> int:
        return self.size or 0


def guess_disk_format(file: BinaryIO | None) -> str:
    """The disk format that a file's first bytes show; raw if they show none, or it is a pipe.

    The file then stands where it stood.
    """
    if file is None or not file.seekable():
        return "raw"
    start = file.tell()
    head = file.read(_HEAD)
    file.seek(start)
    for offset, signature, name in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return name
    return "raw"


def build(document: Mapping[str, Any]) -> Image:
    """The image of an element of an answer."""
    return Image(
        id=document["id"],
        name=document.get("name") or "",
        status=document["status"],
        visibility=document.get("visibility") or "",
        size=document.get("size"),
        virtual_size=document.get("virtual_size"),
        disk_format=document.get("disk_format"),
        container_format=document.get("container_format"),
        hash_algorithm=document.get("os_hash_algo"),
        hash_value=document.get("os_hash_value"),
        owner=document.get("owner"),
        protected=bool(document.get("protected")),
        min_disk=int(document.get("min_disk") or 0),
        min_ram=int(document.get("min_ram") or 0),
        tags=tuple(document.get("tags") or ()),
        properties={k: v for k, v in document.items() if k not in _OWN_FIELDS},
        created_at=document.get("created_at"),
        updated_at=document.get("updated_at"),
    )


class Images(Collection[Image]):
    """The images that the project owns, that are shared with it, and that are public."""

    service, path, noun, key, keys = "image", "/images", "image", "image", "images"

    def _build(self, document: Mapping[str, Any]) -> Image:
        return build(document)

    def _one(self, document: Any) -> Image:
        # the image API doesn't wrap a single image
        return build(document)

    def create(self, new: NewImage) -> Image:
        """An empty image, to be filled with ``upload``."""
        return self._one(self._transport.post("image", self.path, new.to_body()).body)

    def upload(self, image_id: str, file: BinaryIO, *, progress: Progress | None = None) -> Image:
        """Send the bytes, a block at a time; ``progress`` gets the number of bytes sent.

        :raises BadRequest: the bytes are not an image of the announced format, or too many
        """
        seekable = file.seekable()
        blocks = (_SizedBlocks if seekable else FileBlocks)(file, progress)
        request = Request(
            "image",
            "PUT",
            self.url(image_id, "file"),
            stream=blocks,
            headers={"Content-Type": "application/octet-stream"},
        )
        try:
            self._transport.send(request)
        except errors.Conflict:
            # an attempt whose answer was lost may have stored everything
            stored = self.get(image_id)
            if stored.status != states.Image.ACTIVE or stored.size != blocks.size:
                raise
        return self.get(image_id)

    def download(
        self, image_id: str, file: Sink, *, progress: Progress | None = None
    ) -> None:
        """Write the bytes to ``file``, a block at a time, and check them.

        :raises ClientError: if what came is not what the image's checksum says
        """
        image = self.get(image_id)
        request = Request(
            "image",
            "GET",
            self.url(image_id, "file"),
            headers={"Accept": "application/octet-stream"},
            download=True,
        )
        answer = self._transport.send(request)
        known = image.hash_algorithm in hashlib.algorithms_available
        digest = hashlib.new(image.hash_algorithm) if known and image.hash_algorithm else None
        done = 0
        try:
            for block in answer.chunks(BLOCK):
                file.write(block)
                if digest is not None:
                    digest.update(block)
                done += len(block)
                if progress is not None:
                    progress(done)
        finally:
            answer.close()
        if image.size is not None and done != image.size:
            raise errors.ClientError(
                f"Image {image.name} has {image.size} bytes and {done} arrived; try again"
            )
        if digest is not None and digest.hexdigest() != image.hash_value:
            raise errors.ClientError(
                f"Image {image.name} arrived damaged: its {image.hash_algorithm} differs from "
                "what the cloud keeps; try again"
            )

    def update(
        self, image_id: str, changes: Mapping[str, Any], *, remove: Iterable[str] = ()
    ) -> Image:
        """Change or add these fields and properties, and remove those."""
        current = self._transport.get("image", self.url(image_id))
        patch: list[dict[str, Any]] = [
            {
                "op": "replace" if name in current else "add",
                "path": _pointer(name),
                "value": value,
            }
            for name, value in changes.items()
        ]
        patch += [{"op": "remove", "path": _pointer(name)} for name in remove]
        request = Request(
            "image",
            "PATCH",
            self.url(image_id),
            body=patch,
            headers={"Content-Type": _PATCH_TYPE},
        )
        return self._one(self._transport.send(request).body)

    def wait(self, image_id: str, *, timeout: float = defaults.WAIT_TIMEOUT) -> Image:
        """Until the image can be booted from; ``timeout`` in seconds.

        :raises ResourceFailed: if it never will
        """

        def look() -> Image | None:
            image = self.get(image_id)
            if image.status == states.Image.ACTIVE:
                return image
            if image.status not in _IN_BETWEEN:
                raise errors.ResourceFailed(f"Image {image.name} is {image.status}")
            return None

        return waiting.poll(look, f"image {image_id} to become usable", timeout=timeout)

    def add_tag(self, image_id: str, tag: str) -> None:
        self._transport.put("image", self.url(image_id, "tags", segment(tag)))

    def remove_tag(self, image_id: str, tag: str) -> None:
        self._transport.delete("image", self.url(image_id, "tags", segment(tag)))

    def members(self, image_id: str) -> Sequence[Member]:
        """The projects that the image is shared with."""
        document = self._transport.get("image", self.url(image_id, "members"))
        return [_member(entry) for entry in document["members"]]

    def add_member(self, image_id: str, project_id: str) -> Member:
        body = {"member": project_id}
        return _member(
            self._transport.post("image", self.url(image_id, "members"), body).body
        )

    def remove_member(self, image_id: str, project_id: str) -> None:
        self._transport.delete("image", self.url(image_id, "members", segment(project_id)))

    def set_member_status(self, image_id: str, project_id: str, status: str) -> Member:
        """Accept or reject a shared image, as the project that it is shared with."""
        path = self.url(image_id, "members", segment(project_id))
        return _member(self._transport.put("image", path, {"status": status}).body)


def _member(document: Mapping[str, Any]) -> Member:
    return Member(document["image_id"], document["member_id"], document["status"])


def _pointer(name: str) -> str:
    """A top-level field as a JSON pointer."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
