"""Options of the embedded cloud: all services in one process."""

from oslo_config import cfg

GROUP = "embedded"

OPTS = [
    cfg.ListOpt(
        "compute_hosts",
        default=[],
        help="The names of the compute hosts that mycloud-all runs; unset, one that is called "
        "as [DEFAULT]/host says.",
    ),
]
