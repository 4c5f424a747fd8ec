"""Quotas of volumes that hold where neither the project nor the default class says otherwise."""

from oslo_config import cfg

GROUP = "volume_quota"

_LIMITS = (
    ("volumes", 10, "Volumes of a project."),
    ("snapshots", 10, "Snapshots of a project's volumes."),
    ("gigabytes", 1000, "GiB of a project's volumes and snapshots together."),
    ("per_volume_gigabytes", -1, "GiB of one volume."),
    ("backups", 10, "Backups of a project."),
    ("backup_gigabytes", 1000, "GiB of a project's backups, by the sizes of their volumes."),
    ("groups", 10, "Groups of volumes of a project."),
)

OPTS = [
    cfg.IntOpt(name, default=default, min=-1, max=2147483647, help=f"{text} -1: no limit.")
    for name, default, text in _LIMITS
]
