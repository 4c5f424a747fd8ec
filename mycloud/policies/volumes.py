"""Who may do what with volumes and their snapshots."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

#: The cloud's own services, and who may do what they may.
_SERVICE = "rule:admin or role:service"

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
    rule("volume:volumes:retype", MEMBER, "Give a volume another type."),
    rule("volume:volumes:migrate", ADMIN, "Bring a volume to another backend."),
    rule("volume:volumes:reserve", MEMBER, "Keep a volume for who is going to attach it."),
    rule("volume:volumes:attach", MEMBER, "Say that a server or a host has a volume."),
    rule("volume:volumes:detach", MEMBER, "Say that nobody has a volume any more."),
    rule("volume:volumes:force_detach", ADMIN, "End an attachment that is stuck."),
    rule("volume:volumes:upload", MEMBER, "Make an image of a volume."),
    rule("volume:volumes:reimage", MEMBER, "Write another image to a volume."),
    rule("volume:volumes:revert", MEMBER, "Let a volume hold what its snapshot holds."),
    rule("volume:volumes:list_manageable", ADMIN, "See what lies on a storage."),
    rule("volume:volumes:manage", ADMIN, "Take what lies on a storage as a volume."),
    rule("volume:volumes:unmanage", ADMIN, "Forget a volume, and leave it on its storage."),
    rule("volume:volumes:complete_extend", _SERVICE, "Say that a volume in use has grown."),
    rule("volume:volumes:connect", _SERVICE, "Export a volume to a host, and end that."),
    rule("volume:attachments:show", READER, "Show and list attachments."),
    rule("volume:attachments:create", MEMBER, "Reserve a volume for a server or a host."),
    rule("volume:attachments:update", MEMBER, "Connect a reserved volume, and complete that."),
    rule("volume:attachments:delete", MEMBER, "End an attachment that is no server's."),
    rule("volume:attachments:of_servers", "role:service", "Change the attachments of servers."),
    rule("volume:snapshots:show", READER, "Show and list snapshots."),
    rule("volume:snapshots:create", MEMBER, "Take a snapshot."),
    rule("volume:snapshots:update", MEMBER, "Change what a snapshot is called and marked as."),
    rule("volume:snapshots:delete", MEMBER, "Delete a snapshot."),
    rule("volume:snapshots:force_delete", ADMIN, "Delete a snapshot whatever its status is."),
    rule("volume:snapshots:reset_status", ADMIN, "Set the status of a snapshot by hand."),
    rule("volume:snapshots:report", MEMBER, "Say how far a snapshot is that is made elsewhere."),
    rule("volume:transfers:show", READER, "Show and list transfers of volumes."),
    rule("volume:transfers:create", MEMBER, "Offer a volume to another project."),
    rule("volume:transfers:accept", MEMBER, "Take a volume that another project offers."),
    rule("volume:transfers:delete", MEMBER, "Take back the offer of a volume."),
]
