"""Options of the message bus; they are oslo.messaging's own."""

import os

from oslo_config import cfg
from oslo_messaging import opts

_RABBIT = "oslo_messaging_rabbit"


def name_process(name: str) -> None:
    """What this process is called in the names of its queues for answers.

    To be called before there is a transport: it reads the name when it is made.
    """
    cfg.CONF.register_opts(dict(opts.list_opts())[_RABBIT], group=_RABBIT)
    # a file in /dev/shm, which all users of the machine share, has the name, too
    cfg.CONF.set_default("processname", f"{name}-{os.getuid()}", group=_RABBIT)
    # the pauses between attempts grow up to this many seconds: after an outage a service is back
    # that soon
    cfg.CONF.set_default("rabbit_interval_max", 3, group=_RABBIT)
    # a listener can hang on a queue that has no leader yet, just after the broker is back: the
    # broker ends such a silent connection after this many seconds, and it begins anew
    cfg.CONF.set_default("heartbeat_timeout_threshold", 20, group=_RABBIT)
