"""Who may see and change the networks of hosts."""

from mycloud.policies.base import ADMIN, rule

RULES = [
    rule("cloud:host_network:show", ADMIN, "See how the networks of a host are set up."),
    rule("cloud:host_network:apply", ADMIN, "Change the networks of a host, or plan to."),
]
