"""Who may do what with server groups."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("compute:server_groups:list", READER, "List the project's server groups."),
    rule("compute:server_groups:list_all", ADMIN, "List the server groups of every project."),
    rule("compute:server_groups:show", READER, "Show a server group."),
    rule("compute:server_groups:create", MEMBER, "Create a server group."),
    rule("compute:server_groups:delete", MEMBER, "Delete a server group."),
]
