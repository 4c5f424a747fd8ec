"""Options of the API."""

from oslo_config import cfg

GROUP = "api"

OPTS = [
    cfg.HostAddressOpt("listen", default="127.0.0.1", help="The address to listen on."),
    cfg.PortOpt("port", default=8774, help="The port to listen on; 0 takes a free one."),
    cfg.IntOpt(
        "workers", default=1, min=1, help="Processes that answer requests (1: in the launcher)."
    ),
    cfg.IntOpt(
        "max_limit", default=1000, min=1, help="The longest page of a list, and the default one."
    ),
    cfg.StrOpt(
        "public_url",
        help="The URL that clients reach the API at, for links and the catalog; unset, it is "
        "made of what the request says.",
    ),
    cfg.StrOpt("paste_config", help="The api-paste.ini to use; unset, the one that is shipped."),
]
