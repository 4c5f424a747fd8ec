"""Options of the root helper: where its callers find it, and how a cloud starts its own."""

from oslo_config import cfg

GROUP = "privileged"

OPTS = [
    cfg.StrOpt(
        "socket",
        help="The socket of the root helper; unset, run/privileged/socket under state_path.",
    ),
    cfg.StrOpt(
        "service_user",
        default="mycloud",
        help="The user whom the services run as, and whom the root helper serves.",
    ),
    cfg.StrOpt(
        "verbs_dir",
        help="A folder of an operator's own verbs, which only root may write to. Unset, the "
        "helper offers mycloud's alone.",
    ),
    cfg.StrOpt(
        "verbs_prefix",
        default="site",
        help="What the names of the operator's verbs begin with.",
    ),
]


def socket_path() -> str:
    """Of the root helper that this process calls."""
    conf = cfg.CONF
    return str(conf.privileged.socket or f"{conf.state_path}/run/privileged/socket")
