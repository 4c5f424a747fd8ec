"""Who may do what with volumes and their snapshots."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("volume:volumes:all_projects", ADMIN, "See and change the volumes of every project."),
    rule("volume:volumes:show_host", ADMIN, "See on which backend a volume is, and the like."),
    rule("volume:volumes:list", READER, "List the volumes of the project."),
    rule("volume:volumes:show", READER, "Show a volume."),
    rule("volume:volumes:create", MEMBER, "Create a volume."),
    rule("volume:volumes:update", MEMBER, "Change a volume's name and description."),
    rule("volume:volumes:delete", MEMBER, "Delete a volume."),
    rule("volume:volumes:extend", MEMBER, "Let a volume grow."),
    rule("volume:snapshots:list", READER, "List the snapshots of the project."),
    rule("volume:snapshots:show", READER, "Show a snapshot."),
    rule("volume:snapshots:create", MEMBER, "Take a snapshot of a volume."),
    rule("volume:snapshots:update", MEMBER, "Change a snapshot's name and description."),
    rule("volume:snapshots:delete", MEMBER, "Delete a snapshot."),
]
