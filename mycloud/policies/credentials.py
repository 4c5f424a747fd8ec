"""Credentials that users keep for other programs."""

from mycloud.policies import base

RULES = [
    base.rule(
        "identity:credentials:use",
        "rule:admin or user_id:%(user_id)s",
        "See, make, change and delete credentials: one's own, or anybody's.",
    ),
]
