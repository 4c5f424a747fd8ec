"""Application credentials and their access rules."""

from mycloud.policies import base

_OWN = "rule:admin or user_id:%(user_id)s"

RULES = [
    base.rule("identity:application_credentials:show", _OWN, "See application credentials."),
    base.rule(
        "identity:application_credentials:create", base.ANYONE, "Make one for oneself."
    ),
    base.rule("identity:application_credentials:delete", _OWN, "Delete them."),
    base.rule("identity:access_rules:show", _OWN, "See access rules."),
    base.rule("identity:access_rules:delete", _OWN, "Delete access rules."),
]
