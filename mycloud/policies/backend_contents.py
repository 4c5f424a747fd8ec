"""Who may ask a storage backend what it really has."""

from mycloud.policies.base import ADMIN, rule

RULES = [
    rule("cloud:backend_contents:show", ADMIN, "See what a storage backend really has."),
]
