"""Messages to a compute host, beside doorbells.

History: 1.0 get_console_output, get_diagnostics, list_guests
"""

from typing import Any

from mycloud.common import rpc

TOPIC = "compute"
VERSION = "1.0"


class ComputeAPI(rpc.Client):
    """Questions that only a compute host can answer. Changes are operations of the journal."""

    topic = TOPIC
    version = VERSION
    binary = "mycloud-compute"
    understood = {1: "1.0"}

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
        of servers that it has files of, but no guest)."""
        found: dict[str, Any] = self.call(
            context, "list_guests", host=host, version="1.0", timeout=15
        )
        return found
