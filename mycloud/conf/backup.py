"""Options of the backups of volumes."""

from oslo_config import cfg

GROUP = "backup"

OPTS = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether new backups are made; those that there are can be restored and deleted "
        "all the same.",
    ),
    cfg.StrOpt(
        "repository",
        default="directory",
        help="Where backups are kept: the name of an entry point of mycloud.backup_repositories.",
    ),
    cfg.StrOpt(
        "backup_dir",
        help="directory: the directory; unset, $state_path/backups. Where several hosts have "
        "volumes it is a directory that all of them share.",
    ),
    cfg.IntOpt(
        "chunk_size_kb",
        default=4096,
        min=4,
        max=1 << 20,
        help="KiB of a volume that are hashed and stored together. A backup on top of another "
        "one goes on with that one's.",
    ),
    cfg.StrOpt(
        "compression",
        default="zlib",
        choices=["zlib", "none"],
        help="How chunks are stored; those that become no smaller are stored as they are.",
    ),
]
