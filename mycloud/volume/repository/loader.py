"""Find the repository that the options name."""

from __future__ import annotations

from pathlib import Path

from oslo_config import cfg

from mycloud.common import plugins
from mycloud.volume.repository.base import BackupRepository

NAMESPACE = "mycloud.backup_repositories"


def load() -> BackupRepository:
    """The repository of this cloud.

    :raises DriverNotFound: there is none of that name; the message lists those there are
    """
    options = cfg.CONF.backup
    made = plugins.find(NAMESPACE, options.repository, "backup.repository")
    directory = options.backup_dir or Path(cfg.CONF.state_path) / "backups"
    found: BackupRepository = made(Path(directory))
    return found
