"""Groups of users."""

from mycloud.policies import base

RULES = [
    base.rule("identity:groups:list", base.ADMIN, "List all groups."),
    base.rule("identity:groups:show", base.ADMIN, "See a group."),
    base.rule("identity:groups:create", base.ADMIN, "Make a group."),
    base.rule("identity:groups:update", base.ADMIN, "Change a group."),
    base.rule("identity:groups:delete", base.ADMIN, "Delete a group."),
    base.rule("identity:groups:members", base.ADMIN, "See who is in a group."),
    base.rule("identity:groups:members_update", base.ADMIN, "Change who is in a group."),
]
