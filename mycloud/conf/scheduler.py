"""Options of the scheduler."""

from oslo_config import cfg

GROUP = "scheduler"

FILTERS = (
    "service", "destination", "zone", "memory", "vcpus", "disk", "capabilities", "image", "group",
    "same_host", "different_host", "near_host",
)
WEIGHERS = ("memory", "vcpus", "disk", "soft_affinity", "soft_anti_affinity")

OPTS = [
    cfg.ListOpt(
        "enabled_filters",
        default=list(FILTERS),
        help="Names of the filters that a host must pass, in the order in which they are asked "
        "(entry points of mycloud.scheduler.filters).",
    ),
    cfg.ListOpt(
        "enabled_weighers",
        default=list(WEIGHERS),
        help="Names of the weighers that rank the hosts which pass the filters (entry points of "
        "mycloud.scheduler.weighers).",
    ),
    cfg.FloatOpt(
        "ram_weight_multiplier",
        default=1.0,
        help="How much free memory counts; above 0 spreads servers over the hosts, below 0 "
        "packs them onto few.",
    ),
    cfg.FloatOpt(
        "cpu_weight_multiplier", default=1.0, help="How much free virtual CPUs count; see above."
    ),
    cfg.FloatOpt(
        "disk_weight_multiplier", default=1.0, help="How much free disk space counts; see above."
    ),
    cfg.FloatOpt(
        "soft_affinity_weight_multiplier",
        default=10.0,
        min=0,
        help="How much the members of a soft-affinity group on a host count. The default "
        "outweighs free memory, CPUs and disk together.",
    ),
    cfg.FloatOpt(
        "soft_anti_affinity_weight_multiplier",
        default=10.0,
        min=0,
        help="How much the members of a soft-anti-affinity group on a host count against it.",
    ),
    cfg.IntOpt(
        "host_subset_size",
        default=1,
        min=1,
        help="A server goes to a random one of that many best hosts. More than 1 makes many "
        "schedulers that work at once meet less often on the same host.",
    ),
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
    cfg.IntOpt(
        "host_patience",
        default=60,
        min=0,
        help="Seconds that a create waits for a host that would fit but has been silent for "
        "service_down_time, before it fails. After an outage of the message bus or the "
        "database every host has been silent.",
    ),
]
