"""Options of the image service."""

from oslo_config import cfg

GROUP = "image"

OPTS = [
    cfg.IntOpt(
        "size_limit_gb", default=1024, min=1, help="GiB that one image may have at most."
    ),
]
