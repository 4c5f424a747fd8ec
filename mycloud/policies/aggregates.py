"""Who may group hosts: operators."""

from mycloud.policies.base import ADMIN, rule

RULES = [
    rule("compute:aggregates:list", ADMIN, "List host aggregates."),
    rule("compute:aggregates:show", ADMIN, "Show a host aggregate."),
    rule("compute:aggregates:create", ADMIN, "Create a host aggregate."),
    rule("compute:aggregates:update", ADMIN, "Rename a host aggregate or change its zone."),
    rule("compute:aggregates:delete", ADMIN, "Delete an empty host aggregate."),
    rule("compute:aggregates:add_host", ADMIN, "Put a host into an aggregate."),
    rule("compute:aggregates:remove_host", ADMIN, "Take a host out of an aggregate."),
    rule("compute:aggregates:set_metadata", ADMIN, "Change an aggregate's metadata."),
]
