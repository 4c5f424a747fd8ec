"""Errors of volumes, snapshots, backups and their backends."""

from mycloud.common.exceptions.base import (
    Conflict,
    Forbidden,
    Invalid,
    MycloudError,
    NotFound,
    TooLarge,
    Unavailable,
)


class VolumeNotFound(NotFound):
    code = "volume_not_found"
    template = "Volume %(volume_id)s could not be found."


class SnapshotNotFound(NotFound):
    code = "snapshot_not_found"
    template = "Snapshot %(snapshot_id)s could not be found."


class AttachmentNotFound(NotFound):
    code = "attachment_not_found"
    template = "Volume attachment %(attachment_id)s could not be found."


class TransferNotFound(NotFound):
    code = "transfer_not_found"
    template = "Transfer %(transfer_id)s could not be found."


class TransferNotAccepted(NotFound):
    """Who has no right to it learns nothing of it."""

    code = "transfer_not_accepted"
    template = (
        "Transfer %(transfer_id)s could not be found, or the key is not that of the transfer."
    )


class VolumeMetadataNotFound(NotFound):
    code = "volume_metadata_not_found"
    template = "Metadata of %(type)s %(id)s has no key %(key)s."


class VolumeTypeNotFound(NotFound):
    code = "volume_type_not_found"
    template = "Volume type %(type_id)s could not be found."


class BackupNotFound(NotFound):
    code = "backup_not_found"
    template = "Backup %(backup_id)s could not be found."


class InvalidVolume(Invalid):
    """The volume's state does not allow it: the API's 400, as block storage has it."""

    code = "invalid_volume"
    template = "Invalid volume: %(reason)s"


class NoRoomToGrow(InvalidVolume):
    """Of a volume's backend, as the scheduler counts."""

    code = "no_room_to_grow"
    template = (
        "Volume %(volume)s can't grow by %(more)s GiB: its storage backend has room for %(room)s "
        "GiB. Ask for less, or retype the volume to one that lies elsewhere."
    )


class VolumeNotMade(InvalidVolume):
    """Of a server that was to have it."""

    final = True
    code = "volume_not_made"
    template = (
        "Volume %(volume_id)s, which the server is to have, could not be made; its messages tell "
        "why."
    )


class InvalidSnapshot(Invalid):
    code = "invalid_snapshot"
    template = "Invalid snapshot: %(reason)s"


class InvalidBackup(Invalid):
    code = "invalid_backup"
    template = "Invalid backup: %(reason)s"


class BackupsDisabled(Unavailable):
    code = "backups_disabled"
    template = "This cloud makes no backups; an administrator can set [backup]/enabled."


class BackupNotStored(NotFound):
    code = "backup_not_stored"
    template = (
        "The backup repository of this host has no backup %(backup_id)s. Where several hosts have "
        "volumes they need one [backup]/backup_dir together."
    )


class BackupDamaged(MycloudError):
    """Nothing of it can be trusted."""

    code = "backup_damaged"
    template = "Backup %(backup_id)s is damaged: %(reason)s. Restore another backup."


class RepositoryFull(MycloudError):
    status, code = 507, "repository_full"
    template = (
        "The backup repository has no room for backup %(backup_id)s: %(free)s MiB are free. "
        "Delete backups, or let an administrator give it more room."
    )


class RepositoryFailed(MycloudError):
    code = "repository_failed"
    template = "The backup repository failed at backup %(backup_id)s: %(reason)s"


class VolumeInUse(Conflict):
    code = "volume_in_use"
    template = "Volume %(volume_id)s is in use: %(reason)s"


class VolumeNotRevertible(Conflict):
    code = "volume_not_revertible"
    template = "The volume can't be reverted: %(reason)s"


class AttachmentOfServer(Conflict):
    """Only the server's own detach removes it (CVE-2023-2088)."""

    code = "attachment_of_server"
    template = (
        "Attachment %(attachment_id)s belongs to server %(server_id)s: detach the volume from the "
        "server instead."
    )


class ServiceOnly(Forbidden):
    code = "service_only"
    template = "%(action)s is for services and administrators only."


class BackendFull(MycloudError):
    status, code = 507, "backend_full"
    template = (
        "The storage backend %(backend)s has no room for %(what)s: %(needed)s MiB needed, "
        "%(free)s MiB free. Delete volumes or snapshots there, or choose another volume type."
    )


class BackendFailed(MycloudError):
    code = "backend_failed"
    template = "The storage backend %(backend)s could not %(verb)s: %(reason)s"


class VolumeGroupNotFound(BackendFailed):
    code = "volume_group_not_found"
    template = (
        "The storage backend %(backend)s could not %(verb)s: there is no volume group %(group)s "
        "on this host. Create it (vgcreate), or name another one in the option volume_group."
    )


class BackendNotReady(Unavailable):
    """It could not start; its service is up and says why."""

    code = "backend_not_ready"
    template = "The storage backend %(backend)s is not ready: %(reason)s"


class VolumeNotOnBackend(NotFound):
    code = "volume_not_on_backend"
    template = "The storage backend %(backend)s has no %(what)s %(name)s."


class InvalidReference(Invalid):
    code = "invalid_reference"
    template = "The reference %(reference)s can't be managed: %(reason)s"


class NoValidBackend(MycloudError):
    status, code = 500, "no_valid_backend"
    template = "No valid storage backend was found. %(reason)s"


class ExportFailed(MycloudError):
    code = "export_failed"
    template = (
        "The volume can't be exported by %(protocol)s for attachment %(attachment_id)s: %(reason)s"
    )


class ConnectionFailed(MycloudError):
    code = "connection_failed"
    template = "The host can't connect to volume %(volume_id)s: %(reason)s"


class DetachTimedOut(MycloudError):
    code = "detach_timed_out"
    template = (
        "The guest of server %(server_id)s has not let go of volume %(volume_id)s within "
        "%(seconds)s s. Unmount it in the guest, or stop the server, and detach it again."
    )


class VolumeNotInGuest(NotFound):
    code = "volume_not_in_guest"
    template = "The guest of server %(server_id)s has no disk of volume %(volume_id)s."


class OnlineExtendUnsupported(Conflict):
    """Nothing was touched."""

    code = "online_extend_unsupported"
    template = (
        "Volume %(volume_id)s can't grow while server %(server_id)s uses it: it is connected by "
        "%(protocol)s. Detach it, or stop the server, and extend it then."
    )


class EncryptionRefused(MycloudError):
    code = "encryption_refused"
    template = "Volume %(volume_id)s can't be used as an encrypted disk: %(reason)s"


class VolumeQuotaExceeded(TooLarge):
    """Block storage answers 413 where compute answers 403; the reason starts with the name that
    clients know the case by."""

    code = "quota"
    template = "%(kind)s: %(reason)s"


class VolumeTypeExists(Conflict):
    code = "volume_type_exists"
    template = "Volume type %(name)s already exists; choose another name."


class VolumeTypeInUse(Invalid):
    """The API's 400, as block storage has it."""

    code = "volume_type_in_use"
    template = "Volume type %(type_id)s can't be %(changed)s: %(reason)s"


class VolumeTypeAccessExists(Conflict):
    code = "volume_type_access_exists"
    template = "Project %(project_id)s has access to volume type %(type_id)s already."


class VolumeTypeAccessNotFound(NotFound):
    code = "volume_type_access_not_found"
    template = "Project %(project_id)s has no access to volume type %(type_id)s."


class VolumeTypeExtraSpecNotFound(NotFound):
    code = "volume_type_extra_spec_not_found"
    template = "Volume type %(type_id)s has no extra spec %(key)s."


class VolumeTypeEncryptionExists(Invalid):
    """The API's 400, as block storage has it."""

    code = "volume_type_encryption_exists"
    template = (
        "Volume type %(type_id)s is encrypted already; change its encryption or delete it first."
    )


class VolumeTypeEncryptionNotFound(NotFound):
    code = "volume_type_encryption_not_found"
    template = "Volume type %(type_id)s has no encryption %(key)s."


class NoDefaultVolumeType(NotFound):
    code = "no_default_volume_type"
    template = (
        "There is no default volume type; name one, or let an administrator set "
        "[volume]/default_volume_type or the project's default."
    )


class QosSpecsNotFound(NotFound):
    code = "qos_specs_not_found"
    template = "QoS specs %(specs_id)s could not be found."


class QosSpecsExist(Conflict):
    code = "qos_specs_exist"
    template = "QoS specs %(name)s already exist; choose another name."


class QosSpecsInUse(Invalid):
    """The API's 400, as block storage has it."""

    code = "qos_specs_in_use"
    template = (
        "QoS specs %(specs_id)s still hold for volume types: %(types)s. Disassociate them, or use "
        "force."
    )


class QosKeyNotFound(Invalid):
    """The API's 400, as block storage has it."""

    code = "qos_key_not_found"
    template = "QoS specs %(specs_id)s have no key %(key)s."


class VolumeMessageNotFound(NotFound):
    code = "volume_message_not_found"
    template = "Message %(message_id)s could not be found."


class KeyUnreadable(MycloudError):
    code = "key_unreadable"
    template = (
        "The key of the encrypted volume can't be read: API and conductor hosts must share the "
        "directory [volume]/key_dir; an administrator restores it from a backup."
    )


class InvalidDevicePath(Invalid):
    code = "invalid_device_path"
    template = (
        "The supplied device path (%(path)s) is invalid: it must be like /dev/vdb; leave it out "
        "to have one chosen."
    )


class DeviceInUse(Conflict):
    code = "device_in_use"
    template = (
        "The supplied device path (%(path)s) is in use by another disk of the server; leave it "
        "out to have one chosen."
    )


class ServerHasNoVolume(NotFound):
    code = "server_has_no_volume"
    template = "Instance %(server_id)s is not attached to volume %(volume_id)s."


class RootVolume(Forbidden):
    code = "root_volume"
    template = "Cannot %(action)s a root device volume: the server boots from it."


class MultiattachTooOld(Invalid):
    code = "multiattach_too_old"
    template = (
        "Multiattach volumes are only supported starting with compute API version 2.60; ask with "
        "that version or a later one."
    )


class ServerVolumesExceeded(Forbidden):
    """Compute answers 403 where block storage answers 413."""

    code = "quota"
    template = "%(reason)s"
