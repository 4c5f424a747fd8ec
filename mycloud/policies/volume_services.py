"""Who may see volume services, pools and zones, and change them."""

from mycloud.policies.base import ANYONE, rule

RULES = [
    rule("volume:availability_zones:list", ANYONE, "List availability zones of volumes."),
]
