"""Set a server's state by hand: an operator's last resort."""

from mycloud.common import clock
from mycloud.common.context import RequestContext
from mycloud.common.states import Vm
from mycloud.compute.requests import listing, submit
from mycloud.db import engine, journal, server_list, servers

#: What the API may ask for.
STATES = {"active": Vm.ACTIVE, "error": Vm.ERROR}


@engine.retried
def reset(context: RequestContext, server_id: str, state: str) -> str:
    """Take the server away from whatever works on it, and say that it is in that state.

    The operation is asked to stop; what it still reports no longer touches the server. Returns
    the id of the operation that says who did this.

    :raises ServerNotFound:
    """
    with engine.writer() as conn:
        server = server_list.hold(conn, server_id, project_id=listing.project_of(context))
        if server["operation_id"] is not None:
            journal.request_cancel(conn, server["operation_id"])
        servers.update(
            conn,
            server_id,
            {
                "vm_state": STATES[state],
                "task_state": None,
                "operation_id": None,
                "updated_at": clock.now(),
            },
        )
        return submit.record(conn, context, server, "server.reset_state")
