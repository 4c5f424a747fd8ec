"""Who may do what with backups of volumes."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("volume:backups:all_projects", ADMIN, "See and change the backups of every project."),
    rule("volume:backups:show_owner", ADMIN, "See whose a backup is."),
    rule("volume:backups:list", READER, "List backups."),
    rule("volume:backups:show", READER, "Show a backup."),
    rule("volume:backups:create", MEMBER, "Create a backup."),
    rule("volume:backups:update", MEMBER, "Change name, description or metadata of a backup."),
    rule("volume:backups:restore", MEMBER, "Restore a backup."),
    rule("volume:backups:delete", MEMBER, "Delete a backup."),
    rule("volume:backups:force_delete", ADMIN, "Delete a backup whatever its status is."),
    rule("volume:backups:reset_status", ADMIN, "Say what status a backup has."),
    rule("volume:backups:export", ADMIN, "Read the record that a backup can be imported by."),
    rule("volume:backups:import", ADMIN, "Take a backup that lies in the repository."),
]
