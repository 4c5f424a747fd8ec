"""Options of the conductor and its journal sweeper."""

from oslo_config import cfg

GROUP = "conductor"

OPTS = [
    cfg.IntOpt(
        "sweep_interval",
        default=2,
        min=1,
        help="Seconds between two looks at operations that nobody works on.",
    ),
    cfg.IntOpt(
        "ring_again_after",
        default=4,
        min=1,
        help="Seconds after which the bell of a pending operation is rung again.",
    ),
    cfg.IntOpt(
        "copy_deadline",
        default=14400,
        min=1,
        help="Seconds after which an operation that may copy a whole disk has failed; those on "
        "volumes, snapshots and backups, for example.",
    ),
    cfg.IntOpt(
        "operation_deadline",
        default=600,
        min=10,
        help="Seconds that an operation may take before it counts as failed.",
    ),
    cfg.IntOpt("workers", default=1, min=1, help="Processes of the conductor."),
]
