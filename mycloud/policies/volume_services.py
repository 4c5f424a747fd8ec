"""Who may see volume services, pools and zones, and change them."""

from mycloud.policies.base import ADMIN, ANYONE, rule

RULES = [
    rule("volume:availability_zones:list", ANYONE, "List availability zones of volumes."),
    rule("volume:services:list", ADMIN, "List the services of block storage."),
    rule("volume:services:update", ADMIN, "Enable, disable and freeze volume services."),
    rule("volume:services:log_levels", ADMIN, "Read and set the log levels of services."),
    rule("volume:services:cleanup", ADMIN, "Let services take up the work that waits for them."),
    rule("volume:pools:list", ADMIN, "List the storage pools."),
    rule("volume:pools:capabilities", ADMIN, "See what a storage backend can do."),
    rule("volume:hosts:list", ADMIN, "List the hosts of block storage."),
    rule("volume:hosts:show", ADMIN, "See what projects have on a host of block storage."),
    rule("volume:extensions:list", ANYONE, "Read the list of extensions."),
    rule("volume:resource_filters:list", ANYONE, "Read which filters lists take."),
]
