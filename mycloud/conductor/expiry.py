"""Takes away what is kept for a time only."""

import logging
from typing import Any

from mycloud.common import clock
from mycloud.db import engine, volume_message_list

LOG = logging.getLogger(__name__)


def delete_expired(ctxt: Any) -> None:
    """Messages whose time is over. Any number of conductors may do it at once."""
    with engine.writer() as conn:
        gone = volume_message_list.delete_expired(conn, clock.now())
    if gone:
        LOG.info("%s expired messages are gone", gone)
