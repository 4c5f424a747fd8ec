"""Tokens and what can be reached with them."""

from mycloud.policies import base

RULES = [
    base.rule("identity:any_user", base.ANYONE, "Begin to look at what may be one's own."),
    base.rule(
        "identity:tokens:show",
        "rule:admin or role:service or user_id:%(user_id)s",
        "Validate a token: one's own, or anybody's.",
    ),
    base.rule(
        "identity:tokens:delete", "rule:admin or user_id:%(user_id)s", "Revoke a token."
    ),
    base.rule("identity:auth:catalog", base.ANYONE, "See the catalog of the own token."),
    base.rule("identity:auth:projects", base.ANYONE, "List the projects one has roles in."),
    base.rule("identity:auth:domains", base.ANYONE, "List the domains one has roles on."),
    base.rule("identity:auth:system", base.ANYONE, "See whether one has a role on the system."),
]
