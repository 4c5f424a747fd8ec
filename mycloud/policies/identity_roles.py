"""Roles, who has them, and which implies which."""

from mycloud.policies import base

RULES = [
    base.rule("identity:roles:list", base.ADMIN, "List roles."),
    base.rule("identity:roles:show", base.ADMIN, "See a role."),
    base.rule("identity:roles:create", base.ADMIN, "Make a role."),
    base.rule("identity:roles:update", base.ADMIN, "Change a role."),
    base.rule("identity:roles:delete", base.ADMIN, "Delete a role."),
    base.rule("identity:implied_roles:list", base.ADMIN, "See which role implies which."),
    base.rule("identity:implied_roles:update", base.ADMIN, "Let a role imply another."),
    base.rule("identity:grants:show", base.ADMIN, "See who has a role where."),
    base.rule("identity:grants:update", base.ADMIN, "Give a role or take it back."),
    base.rule("identity:role_assignments:list", base.ADMIN, "List all role assignments."),
]
