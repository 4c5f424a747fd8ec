"""Options of compute hosts."""

from oslo_config import cfg

GROUP = "compute"

OPTS = [
    cfg.StrOpt("driver", default="libvirt", help="The hypervisor driver: libvirt or fake."),
    cfg.StrOpt(
        "libvirt_uri",
        help="The libvirt to use; unset, a private libvirtd is started under state_path.",
    ),
    cfg.StrOpt(
        "virt_type",
        default="auto",
        choices=["auto", "kvm", "qemu"],
        help="auto uses KVM only where a timed boot has proved that it works.",
    ),
    cfg.StrOpt(
        "boot_files",
        help="A directory with vmlinuz and initrd.img of the tiny guest, to prove KVM with.",
    ),
    cfg.StrOpt(
        "address",
        default="127.0.0.1",
        help="The address of this host, as volume services are told it.",
    ),
    cfg.IntOpt("fake_vcpus", default=64, min=1, help="CPUs of a fake host."),
    cfg.IntOpt("fake_memory_mb", default=262144, min=64, help="MiB of memory of a fake host."),
    cfg.IntOpt("fake_disk_gb", default=4096, min=1, help="GiB of disk of a fake host."),
    cfg.IntOpt(
        "shutdown_timeout",
        default=60,
        min=0,
        help="Seconds that a guest gets to power off by itself before it is cut off.",
    ),
    cfg.IntOpt(
        "reconcile_interval",
        default=60,
        min=1,
        help="Seconds between two comparisons of the guests on the host with the database.",
    ),
    cfg.IntOpt(
        "inventory_interval",
        default=60,
        min=1,
        help="Seconds between two reports of what the host has.",
    ),
    cfg.IntOpt(
        "image_prune_interval",
        default=3600,
        min=1,
        help="Seconds between two looks for cached images that are not used any more; at most "
        "periodic_interval_max.",
    ),
    cfg.IntOpt(
        "image_unused_seconds",
        default=86400,
        min=0,
        help="Seconds after which a cached image leaves the host if no server of the host uses "
        "it and none was made from it.",
    ),
    cfg.StrOpt(
        "generated_key_type",
        default="rsa",
        choices=["rsa", "ed25519"],
        help="The kind of key pairs that are made for users who bring no public key. ed25519 "
        "is better and made in no time, but some old clients read only rsa.",
    ),
]
