"""The volumes of a server, as the compute API has them: attach, detach, swap, list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mycloud.client import defaults, errors, waiting
from mycloud.client.block_storage import OnChange
from mycloud.client.operations import Operations
from mycloud.client.resource import Accepted
from mycloud.client.transport import Transport, segment


@dataclass(frozen=True)
class ServerVolume:
    """A volume of a server; ``device`` is where the guest was asked to have it."""

    volume_id: str
    server_id: str
    device: str | None
    tag: str | None
    delete_on_termination: bool | None


def build(document: Mapping[str, Any]) -> ServerVolume:
    """The attachment of an element of an answer."""
    return ServerVolume(
        volume_id=document.get("volumeId") or document["id"],
        server_id=document.get("serverId") or "",
        device=document.get("device"),
        tag=document.get("tag"),
        delete_on_termination=document.get("delete_on_termination"),
    )


class ServerVolumes:
    """What is attached to servers."""

    def __init__(self, transport: Transport, operations: Operations):
        self._transport = transport
        self._operations = operations

    def _url(self, server_id: str, *more: str) -> str:
        parts = ("/servers", segment(server_id), "os-volume_attachments", *map(segment, more))
        return "/".join(parts)

    def list(self, server_id: str) -> Sequence[ServerVolume]:
        document = self._transport.get("compute", self._url(server_id))
        return [build(one) for one in document["volumeAttachments"]]

    def get(self, server_id: str, volume_id: str) -> ServerVolume:
        """:raises NotFound: if the server does not have the volume"""
        document = self._transport.get("compute", self._url(server_id, volume_id))
        return build(document["volumeAttachment"])

    def attach(
        self, server_id: str, volume_id: str, *, device: str | None = None, tag: str | None = None
    ) -> Accepted:
        """Give the volume to the server. ``device``: where, such as /dev/vdb (a wish); ``tag``: a
        mark that the guest finds in its metadata. The Accepted is about the volume."""
        wanted = {"volumeId": volume_id, "device": device, "tag": tag}
        body = {"volumeAttachment": {k: v for k, v in wanted.items() if v is not None}}
        answer = self._transport.post("compute", self._url(server_id), body)
        return Accepted.of(volume_id, answer)

    def swap(self, server_id: str, volume_id: str, new_volume_id: str) -> Accepted:
        """Copy the volume to another one and give that to the server in its stead, while it runs;
        for administrators. The Accepted is about the new volume."""
        body = {"volumeAttachment": {"volumeId": new_volume_id}}
        answer = self._transport.put("compute", self._url(server_id, volume_id), body)
        return Accepted.of(new_volume_id, answer)

    def detach(self, server_id: str, volume_id: str) -> Accepted:
        """Take the volume from the server; the Accepted is about the volume."""
        answer = self._transport.delete("compute", self._url(server_id, volume_id))
        return Accepted.of(volume_id, answer)

    def wait_detached(
        self,
        server_id: str,
        accepted: Accepted,
        *,
        timeout: float = defaults.WAIT_TIMEOUT,
        on_change: OnChange = None,
    ) -> None:
        """Until the server has the volume no more.

        :param timeout: seconds
        :raises OperationFailed: says why, with the steps
        :raises WaitTimeout: it was not done in time
        """
        if accepted.operation_id is not None and self._operations.available():
            self._operations.wait(accepted.operation_id, timeout=timeout, on_change=on_change)

        def look() -> bool | None:
            try:
                self.get(server_id, accepted.resource_id)
            except errors.NotFound:
                return True
            return None

        what = f"volume {accepted.resource_id} to leave server {server_id}"
        waiting.poll(look, what, timeout=timeout)
