"""The personas that other rules are made of.

admin implies member, member implies reader; tokens carry the implied roles already.
"""

from oslo_policy import policy

ADMIN = "rule:admin"
MEMBER = "rule:member"
READER = "rule:reader"
ANYONE = "@"

RULES = [
    policy.RuleDefault("admin", "role:admin", description="An administrator of the cloud."),
    policy.RuleDefault(
        "member",
        "rule:admin or role:member",
        description="Somebody who may change things in a project.",
    ),
    policy.RuleDefault(
        "reader",
        "rule:admin or role:reader",
        description="Somebody who may look at things in a project.",
    ),
    policy.RuleDefault("any_user", "@", description="Anybody with a valid token."),
]


def rule(name: str, check: str, description: str) -> policy.RuleDefault:
    """A rule of a noun's module."""
    return policy.RuleDefault(name, check, description=description)
