"""Who may see hosts and services, and change them."""

from mycloud.policies.base import ADMIN, ANYONE, rule

RULES = [
    rule("compute:availability_zones:list", ANYONE, "List availability zones."),
    rule("compute:availability_zones:detail", ADMIN, "See the hosts in availability zones."),
    rule("compute:services:list", ADMIN, "List services."),
    rule("compute:services:update", ADMIN, "Enable, disable or force down a service."),
    rule("compute:services:delete", ADMIN, "Forget a service that is gone."),
    rule("compute:hypervisors:list", ADMIN, "List compute hosts."),
    rule("compute:hypervisors:detail", ADMIN, "List compute hosts in detail."),
    rule("compute:hypervisors:show", ADMIN, "Show a compute host."),
    rule("compute:hypervisors:uptime", ADMIN, "See how long a compute host has been up."),
    rule("compute:hypervisors:search", ADMIN, "Find compute hosts by name."),
    rule("compute:hypervisors:servers", ADMIN, "List the servers of compute hosts."),
    rule("compute:hypervisors:statistics", ADMIN, "See the sums over all compute hosts."),
    rule("cloud:hosts:list", ADMIN, "List compute hosts with what the database knows of them."),
    rule("cloud:hosts:show", ADMIN, "Let a compute host tell what it is."),
    rule("cloud:hosts:stats", ADMIN, "Let a compute host tell how busy it is."),
    rule("cloud:hosts:logs", ADMIN, "Get the logs and facts of a compute host, without secrets."),
]
