"""Servers."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mycloud.client import defaults, errors, waiting
from mycloud.client.operations import Operation, Operations
from mycloud.client.resource import Accepted, Collection
from mycloud.client.transport import Transport, segment
from mycloud.common import states

STATUS_ACTIVE = states.SERVER_STATUS[states.Vm.ACTIVE]
STATUS_SHUTOFF = states.SERVER_STATUS[states.Vm.STOPPED]
STATUS_ERROR = states.SERVER_STATUS[states.Vm.ERROR]
STATUS_DELETED = states.SERVER_STATUS[states.Vm.DELETED]

#: Characters that the compute API's name filter, a regular expression, would not take literally.
_PATTERN_CHARACTERS = frozenset("\\^$*+?{}[]|()")


@dataclass(frozen=True)
class Server:
    """A server; times are ISO 8601 in UTC.

    ``flavor`` holds vcpus, ram (MiB), disk (GiB) and original_name; ``fault`` is the reason of
    the last failure, None if there was none; ``document`` is the whole answer.
    """

    id: str
    name: str
    status: str
    task_state: str | None
    power_state: int
    flavor: Mapping[str, Any]
    image_id: str | None
    key_name: str | None
    project_id: str
    user_id: str
    host: str | None
    availability_zone: str | None
    created_at: str
    updated_at: str
    addresses: Mapping[str, Any]
    metadata: Mapping[str, str]
    tags: tuple[str, ...]
    description: str | None
    locked: bool
    fault: str | None
    volume_ids: tuple[str, ...]
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class NewServer:
    """What a new server is to be; flavor and image by id (no image: it boots from the one of
    ``block_devices`` whose boot_index is 0; those are as the compute API has them).

    ``hints`` are scheduler hints (``{"group": id}``); ``host`` asks for that host and is for
    administrators; ``count`` servers are made, named name-1, name-2, ... if more than one.
    """

    name: str
    flavor_id: str
    image_id: str | None = None
    key_name: str | None = None
    availability_zone: str | None = None
    host: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    description: str | None = None
    user_data: bytes | None = None
    config_drive: bool = False
    hints: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    block_devices: Sequence[Mapping[str, Any]] = ()

    def to_body(self) -> dict[str, Any]:
        """The document that the compute API takes."""
        server: dict[str, Any] = {
            "name": self.name,
            "flavorRef": self.flavor_id,
            # an empty text stands for none in the compute API
            "imageRef": self.image_id or "",
            "networks": "none",
        }
        zone = self.availability_zone
        if self.host:
            # the form of the compute API for "this host" before microversion 2.74
            zone = f"{zone or ''}:{self.host}"
        optional = {
            "key_name": self.key_name,
            "availability_zone": zone,
            "metadata": dict(self.metadata),
            "tags": list(self.tags),
            "description": self.description,
            "config_drive": self.config_drive,
            "block_device_mapping_v2": [dict(device) for device in self.block_devices],
        }
        server |= {name: value for name, value in optional.items() if value}
        if self.user_data is not None:
            server["user_data"] = base64.b64encode(self.user_data).decode("ascii")
        if self.count > 1:
            server |= {"min_count": self.count, "max_count": self.count}
        body: dict[str, Any] = {"server": server}
        if self.hints:
            body["os:scheduler_hints"] = dict(self.hints)
        return body


@dataclass(frozen=True)
class Event:
    """One action on a server as the compute API lists it."""

    action: str
    request_id: str
    started_at: str | None
    updated_at: str | None
    message: str | None


def build(document: Mapping[str, Any]) -> Server:
    """The server of an element of an answer."""
    # an empty text, and not null, where it boots from a volume
    image = document.get("image") or {}
    fault = document.get("fault") or {}
    return Server(
        id=document["id"],
        name=document.get("name") or "",
        status=document.get("status") or "",
        task_state=document.get("OS-EXT-STS:task_state"),
        power_state=int(document.get("OS-EXT-STS:power_state") or 0),
        flavor=document.get("flavor") or {},
        image_id=image.get("id"),
        key_name=document.get("key_name"),
        project_id=document.get("tenant_id") or "",
        user_id=document.get("user_id") or "",
        host=document.get("OS-EXT-SRV-ATTR:host"),
        availability_zone=document.get("OS-EXT-AZ:availability_zone"),
        created_at=document.get("created") or "",
        updated_at=document.get("updated") or "",
        addresses=document.get("addresses") or {},
        metadata=document.get("metadata") or {},
        tags=tuple(document.get("tags") or ()),
        description=document.get("description"),
        locked=bool(document.get("locked")),
        fault=fault.get("message"),
        volume_ids=tuple(
            volume["id"]
            for volume in document.get("os-extended-volumes:volumes_attached") or ()
        ),
        document=document,
    )


class Servers(Collection[Server]):
    """The servers of the project; of all projects for an administrator who asks for them."""

    service, path, noun, key, keys = "compute", "/servers", "server", "server", "servers"

    def __init__(self, transport: Transport, operations: Operations):
        super().__init__(transport)
        self._operations = operations

    def _build(self, document: Mapping[str, Any]) -> Server:
        return build(document)

    def list(self, **filters: Any) -> Iterator[Server]:
        """Filters: the compute API's (status, name, host, tags, all_tenants, sort_key, ...)."""
        for document in self._transport.pages("compute", "/servers/detail", "servers", filters):
            yield build(document)

    def _candidates(self, name: str) -> Iterator[Server]:
        if _PATTERN_CHARACTERS & set(name):
            return self.list()
        return self.list(name=name)

    # -- changes; each returns at once with what was accepted --------------------------------

    def create(self, new: NewServer) -> Sequence[Accepted]:
        """One entry for each of the ``new.count`` servers.

        :raises BadRequest: says which field is wrong
        :raises Forbidden: the quota doesn't allow it
        """
        body = new.to_body()
        if new.count == 1:
            answer = self._transport.post("compute", self.path, body)
            return [Accepted.of(answer.body["server"]["id"], answer)]
        body["server"]["return_reservation_id"] = True
        answer = self._transport.post("compute", self.path, body)
        made = self.list(reservation_id=answer.body["reservation_id"])
        return [
            Accepted(server.id, self._creating(server.id), answer.request_id) for server in made
        ]

    def _creating(self, server_id: str) -> str | None:
        if not self._operations.available():
            return None
        return next((op.id for op in self._operations.list(resource_id=server_id)), None)

    def act(self, server_id: str, action: str, details: Any = None) -> Accepted:
        """Any action of the compute API by its name there."""
        answer = self._transport.post(
            "compute", self.url(server_id, "action"), {action: details}
        )
        return Accepted.of(server_id, answer)

    def start(self, server_id: str) -> Accepted:
        return self.act(server_id, "os-start")

    def stop(self, server_id: str) -> Accepted:
        return self.act(server_id, "os-stop")

    def reboot(self, server_id: str, *, hard: bool = False) -> Accepted:
        return self.act(server_id, "reboot", {"type": "HARD" if hard else "SOFT"})

    def lock(self, server_id: str) -> None:
        self.act(server_id, "lock")

    def unlock(self, server_id: str) -> None:
        self.act(server_id, "unlock")

    def update(self, server_id: str, **changes: Any) -> Server:
        """Change name or description."""
        answer = self._transport.put("compute", self.url(server_id), {"server": changes})
        return self._one(answer.body)

    def set_metadata(self, server_id: str, items: Mapping[str, str]) -> None:
        """Add or change these; the others stay."""
        self._transport.post(
            "compute", self.url(server_id, "metadata"), {"metadata": dict(items)}
        )

    def unset_metadata(self, server_id: str, key: str) -> None:
        self._transport.delete("compute", self.url(server_id, "metadata", segment(key)))

    def add_tag(self, server_id: str, tag: str) -> None:
        self._transport.put("compute", self.url(server_id, "tags", segment(tag)))

    def remove_tag(self, server_id: str, tag: str) -> None:
        self._transport.delete("compute", self.url(server_id, "tags", segment(tag)))

    # -- looking -------------------------------------------------------------------------------

    def console_log(self, server_id: str, *, lines: int | None = None) -> str:
        """What the guest wrote to its serial console; only the last ``lines`` if given."""
        details = {} if lines is None else {"length": lines}
        answer = self._transport.post(
            "compute", self.url(server_id, "action"), {"os-getConsoleOutput": details}
        )
        return str(answer.body["output"])

    def events(self, server_id: str) -> Sequence[Event]:
        """What was done to the server, newest first."""
        path = self.url(server_id, "os-instance-actions")
        return [
            Event(
                action=document["action"],
                request_id=document.get("request_id") or "",
                started_at=document.get("start_time"),
                updated_at=document.get("updated_at"),
                message=document.get("message"),
            )
            for document in self._transport.pages("compute", path, "instanceActions")
        ]

    # -- waiting -------------------------------------------------------------------------------

    def wait(
        self,
        accepted: Accepted,
        *,
        status: str = STATUS_ACTIVE,
        timeout: float = defaults.WAIT_TIMEOUT,
        on_change: Callable[[Operation], None] | None = None,
    ) -> Server:
        """Until the accepted change is done and the server shows ``status``.

        :param timeout: seconds
        :raises OperationFailed: says why, with the steps
        :raises ResourceFailed: the server went to its error state
        :raises WaitTimeout: it was not done in time
        """
        if accepted.operation_id is not None and self._operations.available():
            self._operations.wait(accepted.operation_id, timeout=timeout, on_change=on_change)

        def look() -> Server | None:
            server = self.get(accepted.resource_id)
            if server.task_state is not None:
                return None
            if server.status == STATUS_ERROR != status:
                reason = server.fault or "it went to its error state and gives no reason"
                raise errors.ResourceFailed(f"Server {server.name} failed: {reason}")
            return server if server.status == status else None

        what = f"server {accepted.resource_id} to become {status}"
        return waiting.poll(look, what, timeout=timeout)

    def wait_deleted(
        self,
        accepted: Accepted,
        *,
        timeout: float = defaults.WAIT_TIMEOUT,
        on_change: Callable[[Operation], None] | None = None,
    ) -> None:
        """Until the server is gone; errors as for ``wait``."""
        if accepted.operation_id is not None and self._operations.available():
            self._operations.wait(accepted.operation_id, timeout=timeout, on_change=on_change)

        def look() -> bool | None:
            try:
                server = self.get(accepted.resource_id)
            except errors.NotFound:
                return True
            if server.status == STATUS_ERROR and server.task_state is None and server.fault:
                raise errors.ResourceFailed(f"Server {server.name} failed: {server.fault}")
            return True if server.status == STATUS_DELETED else None

        waiting.poll(look, f"server {accepted.resource_id} to be gone", timeout=timeout)
