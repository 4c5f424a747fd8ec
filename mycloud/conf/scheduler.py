"""Options of the scheduler."""

from oslo_config import cfg

GROUP = "scheduler"

OPTS = [
    cfg.FloatOpt(
        "cpu_allocation_ratio",
        default=4.0,
        min=0.1,
        help="Virtual CPUs that may be claimed per CPU of a host.",
    ),
    cfg.FloatOpt(
        "ram_allocation_ratio", default=1.0, min=0.1, help="Memory that may be claimed per MiB."
    ),
    cfg.FloatOpt(
        "disk_allocation_ratio",
        default=1.0,
        min=0.1,
        help="Disk space that may be claimed per GiB.",
    ),
    cfg.IntOpt(
        "max_attempts",
        default=3,
        min=1,
        help="Hosts that a create tries at most before the server goes to error.",
    ),
]
