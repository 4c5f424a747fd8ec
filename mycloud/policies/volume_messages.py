"""Who may see and delete the messages that tell why something failed."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("volume:messages:list", READER, "List the project's messages."),
    rule("volume:messages:show", READER, "See a message."),
    rule("volume:messages:delete", MEMBER, "Delete a message."),
    rule("volume:messages:all_projects", ADMIN, "See and delete messages of all projects."),
]
