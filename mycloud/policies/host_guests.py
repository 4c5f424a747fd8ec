"""Who may see what a compute host really has."""

from mycloud.policies.base import ADMIN, rule

RULES = [
    rule("cloud:host_guests:list", ADMIN, "Ask a compute host which guests and files it has."),
]
