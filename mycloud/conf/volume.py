"""Options of volume hosts, and of each of their backends.

A backend has a section of its own, named as ``enabled_backends`` names it.
"""

from oslo_config import cfg

GROUP = "volume"

OPTS = [
    cfg.ListOpt(
        "enabled_backends",
        default=[],
        help="The backends of this volume host: names of sections. mycloud-volume runs a process "
        "for each; the embedded cloud runs all of them.",
    ),
    cfg.IntOpt(
        "stats_interval",
        default=30,
        min=1,
        help="Seconds between two reports of what the backends have.",
    ),
    cfg.IntOpt(
        "export_watch_interval",
        default=2,
        min=1,
        help="Seconds between two looks whether the processes of exports live.",
    ),
    cfg.StrOpt(
        "default_volume_type",
        default="__DEFAULT__",
        help="The name of the type of volumes that are made without one; while there is no such "
        "type, they have none. A new cloud gets it with its first identities.",
    ),
    cfg.IntOpt(
        "ready_timeout",
        default=300,
        min=1,
        help="Seconds for which a new server waits for the volumes that are made for it.",
    ),
    cfg.IntOpt(
        "detach_timeout",
        default=60,
        min=1,
        help="Seconds that a guest gets to let go of a volume.",
    ),
    cfg.StrOpt(
        "export_address",
        default="127.0.0.1",
        help="The address at which other hosts reach the exports of this host.",
    ),
    cfg.StrOpt(
        "pki_dir",
        help="The directory with this host's certificates (see mycloud-manage certificates); "
        "unset, $state_path/pki.",
    ),
    cfg.StrOpt(
        "key_dir",
        help="The directory with the key that encrypts the keys of encrypted volumes; unset, "
        "$state_path/volume-keys. Only API and conductor need it.",
    ),
]

#: The options of a backend's section.
BACKEND_OPTS = [
    cfg.StrOpt("volume_driver", default="file", help="file, lvm, nfs or fake."),
    cfg.StrOpt(
        "volume_backend_name",
        help="What volume types ask for; unset, the section's name.",
    ),
    cfg.BoolOpt(
        "enable_unsupported_driver",
        default=False,
        help="Start a driver that nobody looks after any more.",
    ),
    cfg.StrOpt(
        "export_protocol",
        default="auto",
        choices=["auto", "nbd", "iscsi"],
        help="How hosts reach volumes: auto gives the file itself to a compute host on the same "
        "machine and NBD to others; nbd and iscsi are used everywhere.",
    ),
    cfg.FloatOpt(
        "max_over_subscription_ratio",
        default=20.0,
        min=1.0,
        help="How many times the space of a thin backend may be promised.",
    ),
    cfg.IntOpt(
        "reserved_percentage",
        default=0,
        min=0,
        max=100,
        help="The part of the space that is kept free.",
    ),
    cfg.StrOpt("volume_dir", help="file: the directory; unset, one under the state directory."),
    cfg.StrOpt(
        "volume_format", default="raw", choices=["raw", "qcow2"], help="file, nfs: of new volumes."
    ),
    cfg.StrOpt("nfs_share", help="nfs: what is mounted, SERVER:/PATH."),
    cfg.StrOpt(
        "nfs_mount_point",
        help="nfs: where it is mounted; with nfs_mount it may be left out, and lies below the "
        "state directory or a directory that root allows: privileged/allowed/mount-roots in the "
        "state directory.",
    ),
    cfg.BoolOpt(
        "nfs_mount",
        default=False,
        help="nfs: let mycloud mount the share by the root helper when it is not mounted; else "
        "the operator does.",
    ),
    cfg.ListOpt(
        "nfs_mount_options",
        default=[],
        help="nfs: of the mount that nfs_mount makes, for example vers=4.2,hard,timeo=600.",
    ),
    cfg.StrOpt(
        "volume_group",
        default="mycloud-volumes",
        help="lvm: the volume group. Those whose names don't begin with mycloud- must be allowed "
        "by root: privileged/allowed/volume-groups in the state directory.",
    ),
    cfg.StrOpt(
        "lvm_type",
        default="auto",
        choices=["auto", "default", "thin"],
        help="lvm: auto is thin where thin pools are there and the volume group is empty or has "
        "the pool already.",
    ),
    cfg.StrOpt("lvm_pool_name", help="lvm: of the thin pool; unset, VOLUME_GROUP-pool."),
    cfg.StrOpt(
        "volume_clear",
        default="zero",
        choices=["zero", "none"],
        help="lvm: what becomes of the bytes of a deleted thick volume. A new one is zeroed in "
        "any case, so none is enough where nobody else gets the disks.",
    ),
    cfg.IntOpt(
        "volume_clear_size",
        default=0,
        min=0,
        help="lvm: how many MiB of a deleted thick volume volume_clear overwrites; 0: all.",
    ),
    cfg.IntOpt("fake_capacity_gb", default=1024, min=0, help="fake: GiB in all."),
]


def register_backend(name: str) -> cfg.ConfigOpts.GroupAttr:
    """Register the options of a backend's section and give the section; may be called again."""
    cfg.CONF.register_opts(BACKEND_OPTS, group=name)
    section: cfg.ConfigOpts.GroupAttr = cfg.CONF[name]
    return section


def register_command_line() -> None:
    """Let mycloud-volume understand ``--backend_name``; may be called again."""
    cfg.CONF.register_cli_opt(
        cfg.StrOpt("backend_name", help="Run only this one of the enabled backends.")
    )
