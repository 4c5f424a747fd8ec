"""Who may do what with volumes and their snapshots."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("volume:volumes:all_projects", ADMIN, "See and change the volumes of every project."),
    rule("volume:volumes:show_host", ADMIN, "See on which backend a volume is, and the like."),
    rule("volume:volumes:show", READER, "Show a volume."),
    rule("volume:volumes:create", MEMBER, "Create a volume."),
    rule("volume:volumes:delete", MEMBER, "Delete a volume."),
]
