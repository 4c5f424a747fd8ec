"""Messages to a compute host, beside doorbells.

History: 1.0 get_console_output, get_diagnostics, list_guests; 1.1 can_extend_volume,
extend_volume, copy_volume; 1.2 call_agent
"""

from typing import Any

from mycloud.common import rpc

TOPIC = "compute"
VERSION = "1.2"
#: A copy of a whole disk takes as long as the disk is big.
_COPY_SECONDS = 3600
#: Beyond what a verb may take, until the caller gives up.
_ANSWER_SECONDS = 5


class ComputeAPI(rpc.Client):
    """Questions that only a compute host can answer. Changes are operations of the journal."""

    topic = TOPIC
    version = VERSION
    binary = "mycloud-compute"
    understood = {1: "1.0", 2: "1.1", 3: "1.2"}

    def get_console_output(
        self, context: Any, host: str, server_id: str, length: int | None
    ) -> str:
        """The last ``length`` lines of the guest's console; all there is for None.

        :raises ServiceUnavailable: when the host does not answer
        """
        output: str = self.call(
            context,
            "get_console_output",
            host=host,
            version="1.0",
            server_id=server_id,
            length=length,
            timeout=15,
        )
        return output

    def get_diagnostics(self, context: Any, host: str, server_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call(
            context, "get_diagnostics", host=host, version="1.0", server_id=server_id, timeout=15
        )
        return found

    def list_guests(self, context: Any, host: str) -> dict[str, Any]:
        """What the host really has: ``guests`` (server id to power state), and ``leftovers`` (ids
        of servers that it has files of, but no guest), ``volumes`` (server id to volume id to how
        the guest has it)."""
        found: dict[str, Any] = self.call(
            context, "list_guests", host=host, version="1.0", timeout=15
        )
        return found

    def can_extend_volume(
        self, context: Any, host: str, server_id: str, volume_id: str
    ) -> bool:
        """Whether a volume can grow while the server's guest has it."""
        found: bool = self.call(
            context, "can_extend_volume", host=host, version="1.1", server_id=server_id,
            volume_id=volume_id, timeout=15,
        )
        return found

    def extend_volume(
        self, context: Any, host: str, server_id: str, volume: dict[str, Any]
    ) -> None:
        """Let the guest see that a volume (``id``) has grown to ``size_bytes``; may be called
        again."""
        self.call(
            context, "extend_volume", host=host, version="1.1", server_id=server_id,
            volume=volume, timeout=60,
        )

    def copy_volume(
        self, context: Any, host: str, server_id: str, target: dict[str, Any]
    ) -> bool | None:
        """Copy what a volume (``volume_id``) holds at one moment to a file (``path``, ``format``)
        that the host sees, while the guest goes on; whether its file systems were at rest."""
        quiesced: bool | None = self.call(
            context, "copy_volume", host=host, version="1.1", server_id=server_id,
            target=target, timeout=_COPY_SECONDS,
        )
        return quiesced

    def call_agent(
        self, context: Any, host: str, verb: str, params: dict[str, Any], *, timeout: float = 30
    ) -> Any:
        """What a verb of the host's agent gives, within ``timeout`` seconds.

        :raises VerbNotFound: :raises BadField: :raises VerbTimedOut: :raises TooManyTasks:
        :raises MycloudError: what the verb raises
        :raises PeerTooOld: a compute service has no agent yet
        """
        return self.call(
            context, "call_agent", host=host, version="1.2", verb=verb, params=params,
            seconds=timeout, timeout=timeout + _ANSWER_SECONDS,
        )
