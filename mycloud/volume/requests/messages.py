"""Messages: why something that was accepted failed later."""


from mycloud.common import policy
from mycloud.common.context import RequestContext
from mycloud.db import engine
from mycloud.db import volume_message_list as db_messages


def whose(context: RequestContext) -> str | None:
    """The project whose messages the caller reaches by id; None: everybody's."""
    if policy.allowed(context, "volume:messages:all_projects"):
        return None
    return context.project_id


@engine.retried
def delete(context: RequestContext, message_id: str) -> None:
    """:raises VolumeMessageNotFound: also for a message of another project"""
    with engine.writer() as conn:
        row = db_messages.get(conn, message_id, project_id=whose(context))
        db_messages.delete(conn, row["id"])
