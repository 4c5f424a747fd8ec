"""Messages to the conductor.

History: 1.0 object_class_action, object_class_action_versions, object_action, object_backport,
object_backport_versions, ping. The ones without versions are what oslo.versionedobjects falls
back to when the conductor does not know the ones with. 1.1 prove_host
"""

from typing import Any

from oslo_versionedobjects import base as ovo

from mycloud.common import rpc

TOPIC = "conductor"
VERSION = "1.1"

#: Remotable methods that may take long, in seconds; a conductor that dies is noticed sooner.
_TIMEOUTS = {("ImageUpload", "take"): 3600}
#: Beyond what a proof may take, until the caller gives up.
_ANSWER_SECONDS = 2.0


class ConductorAPI(rpc.Client, ovo.VersionedObjectIndirectionAPI):
    """Remotable methods of objects, run where the database is."""

    topic = TOPIC
    version = VERSION

    def ping(self, context: Any, *, timeout: float) -> str:
        """The conductor's answer; for waiting until there is one."""
        answer: str = self.call(context, "ping", version="1.0", timeout=timeout)
        return answer

    def prove_host(self, context: Any, host: str, *, timeout: float) -> dict[str, Any]:
        """That the control plane reaches a compute host: over the bus, and at its agent's port.

        :raises HostUnreached: it does not
        :raises PeerTooOld: a conductor does not know how to prove it
        """
        ways: dict[str, Any] = self.call(
            context, "prove_host", version="1.1", host_name=host, seconds=timeout,
            timeout=timeout + _ANSWER_SECONDS,
        )
        return ways

    def object_class_action_versions(
        self,
        context: Any,
        objname: str,
        objmethod: str,
        object_versions: dict[str, str],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return self.call(
            context,
            "object_class_action_versions",
            version="1.0",
            timeout=_TIMEOUTS.get((objname, objmethod), rpc.CALL_TIMEOUT),
            objname=objname,
            objmethod=objmethod,
            object_versions=object_versions,
            args=args,
            kwargs=kwargs,
        )

    def object_class_action(
        self,
        context: Any,
        objname: str,
        objmethod: str,
        objver: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return self.call(
            context,
            "object_class_action",
            version="1.0",
            objname=objname,
            objmethod=objmethod,
            objver=objver,
            args=args,
            kwargs=kwargs,
        )

    def object_action(
        self,
        context: Any,
        objinst: Any,
        objmethod: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return self.call(
            context,
            "object_action",
            version="1.0",
            objinst=objinst.travelling(),
            objmethod=objmethod,
            args=args,
            kwargs=kwargs,
        )

    def object_backport_versions(
        self, context: Any, objinst: Any, object_versions: dict[str, str]
    ) -> Any:
        return self.call(
            context,
            "object_backport_versions",
            version="1.0",
            objinst=objinst,
            object_versions=object_versions,
        )

    def object_backport(self, context: Any, objinst: Any, target_version: str) -> Any:
        return self.call(
            context,
            "object_backport",
            version="1.0",
            objinst=objinst,
            target_version=target_version,
        )
