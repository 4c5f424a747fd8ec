"""Who may do what with volumes and their snapshots."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("volume:volumes:all_projects", ADMIN, "See and change the volumes of every project."),
    rule("volume:volumes:show_host", ADMIN, "See on which backend a volume is, and the like."),
    rule("volume:volumes:show", READER, "Show and list volumes."),
    rule("volume:volumes:create", MEMBER, "Create a volume."),
    rule("volume:volumes:update", MEMBER, "Change what a volume is called and marked as."),
    rule("volume:volumes:delete", MEMBER, "Delete a volume."),
    rule("volume:volumes:extend", MEMBER, "Let a volume grow."),
    rule("volume:volumes:force_delete", ADMIN, "Delete a volume whatever its status is."),
    rule("volume:volumes:reset_status", ADMIN, "Set the status of a volume by hand."),
    rule("volume:snapshots:show", READER, "Show and list snapshots."),
    rule("volume:snapshots:create", MEMBER, "Take a snapshot."),
    rule("volume:snapshots:update", MEMBER, "Change what a snapshot is called and marked as."),
    rule("volume:snapshots:delete", MEMBER, "Delete a snapshot."),
    rule("volume:snapshots:force_delete", ADMIN, "Delete a snapshot whatever its status is."),
    rule("volume:snapshots:reset_status", ADMIN, "Set the status of a snapshot by hand."),
    rule("volume:snapshots:report", MEMBER, "Say how far a snapshot is that is made elsewhere."),
]
