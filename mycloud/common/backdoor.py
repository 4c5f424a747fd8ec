"""A port on loopback that answers every connection with the process's report, when asked for.

It gives no shell: whoever may connect is any user of the machine, and this process may be root's.
"""

import logging
import socket

from mycloud.common import concurrency, reports

LOG = logging.getLogger(__name__)

HOST = "127.0.0.1"


def open_door(port: int) -> int:
    """Answer from now on; returns the port, which for 0 is a free one.

    :raises OSError: the port can't be had
    """
    sock = socket.create_server((HOST, port), backlog=5)
    found: int = sock.getsockname()[1]
    concurrency.spawn(_answer, sock)
    LOG.info("Backdoor listens on %s port %d", HOST, found)
    return found


def _answer(sock: socket.socket) -> None:
    while True:
        connection, _ = sock.accept()
        with connection:
            connection.settimeout(5)
            try:
                connection.sendall(reports.text().encode())
            except OSError as error:
                LOG.info("Backdoor: %s", error)
