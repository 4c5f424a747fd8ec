"""Who may do what with the volumes of servers."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("compute:volume_attachments:list", READER, "List the volumes of a server."),
    rule("compute:volume_attachments:show", READER, "Show a volume of a server."),
    rule("compute:volume_attachments:create", MEMBER, "Attach a volume to a server."),
    rule("compute:volume_attachments:swap", ADMIN, "Swap a volume of a server for another."),
    rule("compute:volume_attachments:delete", MEMBER, "Detach a volume from a server."),
]
