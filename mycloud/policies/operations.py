"""Who may look into the operation journal."""

from mycloud.policies.base import ADMIN, READER, rule

RULES = [
    rule("cloud:operations:all_projects", ADMIN, "See the operations of every project."),
    rule("cloud:operations:list", READER, "List the operations of the project."),
    rule("cloud:operations:show", READER, "Show an operation with its steps."),
    rule("cloud:why:show", READER, "Ask why a server or an operation is as it is."),
]
