"""Users."""

from mycloud.policies import base

_OWN = "rule:admin or user_id:%(user_id)s"

RULES = [
    base.rule("identity:users:list", base.ADMIN, "List all users."),
    base.rule("identity:users:show", _OWN, "See a user: oneself, or any."),
    base.rule("identity:users:create", base.ADMIN, "Make a user."),
    base.rule("identity:users:update", base.ADMIN, "Change a user."),
    base.rule("identity:users:delete", base.ADMIN, "Delete a user."),
    base.rule("identity:users:projects", _OWN, "List the projects of a user."),
    base.rule("identity:users:groups", _OWN, "List the groups of a user."),
]
