"""Options of the root helper's callers. The helper itself has a command line, and no file that an
ordinary user could change."""

from oslo_config import cfg

GROUP = "privileged"

OPTS = [
    cfg.StrOpt(
        "socket",
        help="The socket of the root helper; unset, run/privileged/socket under state_path.",
    ),
]


def socket_path() -> str:
    """Of the root helper that this process calls."""
    conf = cfg.CONF
    return str(conf.privileged.socket or f"{conf.state_path}/run/privileged/socket")
