"""Every error of the domain, with its HTTP status and a stable code.

A class gives a message with named gaps; whoever raises it fills them:
``raise ServerNotFound(server_id=...)``. Messages tell the field and the remedy and are shown to
the person who asked, so they hold no secret and no path of a host.
"""

from typing import Any


class MycloudError(Exception):
    """The base of all domain errors.

    ``status`` is the HTTP status, ``code`` a stable word for programs, ``message`` the text.
    """

    status = 500
    code = "internal_error"
    template = "An unknown error occurred."

    def __init__(self, message: str | None = None, **kwargs: Any):
        self.kwargs = kwargs
        self.message = message if message is not None else self.template % kwargs
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.kwargs)


def _rebuild(cls: type[MycloudError], message: str, kwargs: dict[str, Any]) -> MycloudError:
    return cls(message, **kwargs)


# -- the families that map to a status ---------------------------------------------------------


class Invalid(MycloudError):
    status, code = 400, "invalid"
    template = "The request is not valid: %(reason)s"


class NotAuthenticated(MycloudError):
    status, code = 401, "unauthorized"
    template = "The request you have made requires authentication."


class Forbidden(MycloudError):
    status, code = 403, "forbidden"
    template = "Policy doesn't allow %(action)s to be performed."


class NotFound(MycloudError):
    status, code = 404, "not_found"
    template = "%(resource)s %(id)s could not be found."


class MethodNotAllowed(MycloudError):
    status, code = 405, "method_not_allowed"
    template = "%(method)s is not allowed here; allowed: %(allowed)s."


class NotAcceptable(MycloudError):
    status, code = 406, "not_acceptable"
    template = "Version %(version)s is not supported; from %(minimum)s to %(maximum)s is."


class Conflict(MycloudError):
    status, code = 409, "conflict"
    template = "The request conflicts with the state of the resource: %(reason)s"


class Gone(MycloudError):
    status, code = 410, "gone"
    template = "The resource is no longer available."


class TooLarge(MycloudError):
    status, code = 413, "too_large"
    template = "%(reason)s"


class UnsupportedMediaType(MycloudError):
    status, code = 415, "unsupported_media_type"
    template = "Content-Type %(given)s is not supported; send %(wanted)s."


class RangeNotSatisfiable(MycloudError):
    status, code = 416, "range_not_satisfiable"
    template = "The requested range %(range)s is outside of the %(size)s bytes there are."


class NotImplementedHere(MycloudError):
    status, code = 501, "not_implemented"
    template = "%(what)s is not available on this cloud."


class Unavailable(MycloudError):
    status, code = 503, "unavailable"
    template = "%(what)s is not available at the moment; try again later."


# -- requests ----------------------------------------------------------------------------------


class BadField(Invalid):
    code = "bad_field"
    template = "Invalid input for field/attribute %(field)s: %(reason)s"


class MalformedBody(Invalid):
    code = "malformed_body"
    template = "The request body is not valid JSON: %(reason)s"


class UnknownMarker(Invalid):
    code = "unknown_marker"
    template = "marker [%(marker)s] not found"


class QuotaExceeded(Forbidden):
    code = "quota_exceeded"
    template = (
        "Quota exceeded for %(resource)s: Requested %(requested)s, but already used %(used)s of "
        "%(limit)s %(resource)s. Delete what is not needed or ask for a larger quota."
    )


class IdempotencyConflict(Conflict):
    status, code = 422, "idempotency_conflict"
    template = (
        "The Idempotency-Key was used for another request (%(kind)s); use a new key for a new "
        "request."
    )


# -- programs ----------------------------------------------------------------------------------


class ConfigError(MycloudError):
    code = "config_error"
    template = "Option %(option)s: %(reason)s"


class DatabaseNotAllowed(MycloudError):
    code = "database_not_allowed"
    template = (
        "Code in the role %(role)s tried to use the database directly; it must call a remotable "
        "object method."
    )


class DatabaseVersion(MycloudError):
    code = "database_version"
    template = (
        "The database has the schema version %(have)s, this code wants %(want)s; run "
        "'mycloud-manage db sync' with the newest code of the two."
    )


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    template = "The database does not answer; try again in a moment."


class IndirectionMissing(MycloudError):
    code = "indirection_missing"
    template = (
        "Code in the role %(role)s called a remotable method, but no conductor client is set."
    )


class BusUnavailable(Unavailable):
    code = "bus_unavailable"
    template = "The message bus does not answer; try again in a moment."


class ServiceUnavailable(Unavailable):
    code = "service_unavailable"
    template = "The %(service)s service does not answer; try again in a moment."


class PeerTooOld(NotImplementedHere, NotImplementedError):
    """A NotImplementedError too: objects then fall back to what older conductors offer."""

    code = "peer_too_old"
    template = (
        "A %(service)s service is too old for this (%(method)s); upgrade it and try again."
    )


class DriverNotFound(ConfigError):
    code = "driver_not_found"
    template = "Option %(option)s: there is no driver %(name)s; known: %(known)s."


# -- the journal -------------------------------------------------------------------------------


class OperationNotFound(NotFound):
    code = "operation_not_found"
    template = "Operation %(operation_id)s could not be found."


class OperationLost(MycloudError):
    """Another worker owns the operation now; this one must stop without a trace."""

    code = "operation_lost"
    template = "Operation %(operation_id)s belongs to another worker."


class OperationCancelled(MycloudError):
    code = "operation_cancelled"
    template = "Operation %(operation_id)s was cancelled by a later request."


class OperationTimedOut(MycloudError):
    code = "operation_timed_out"
    template = "The operation did not end by its deadline of %(seconds)s s."


class StateConflict(Conflict):
    code = "state_conflict"
    template = (
        "Cannot '%(action)s' %(resource)s %(id)s while it is in %(attribute)s %(state)s"
    )


class OperationInProgress(Conflict):
    code = "operation_in_progress"
    template = (
        "Cannot '%(action)s' %(resource)s %(id)s while it is in task_state %(task_state)s: "
        "operation %(operation_id)s (%(kind)s) is not finished yet."
    )


# -- compute -----------------------------------------------------------------------------------


class ServerNotFound(NotFound):
    code = "server_not_found"
    template = "Instance %(server_id)s could not be found."


class ServerLocked(Conflict):
    code = "server_locked"
    template = "Instance %(server_id)s is locked; unlock it first."


class ServerMetadataNotFound(NotFound):
    code = "server_metadata_not_found"
    template = "Metadata item %(key)s of server %(server_id)s was not found."


class ServerTagNotFound(NotFound):
    code = "server_tag_not_found"
    template = "Tag %(tag)s of server %(server_id)s was not found."


class ServerAddressesNotFound(NotFound):
    code = "server_addresses_not_found"
    template = "Server %(server_id)s has no network %(label)s."


class InstanceActionNotFound(NotFound):
    code = "instance_action_not_found"
    template = "Action for request_id %(request_id)s on instance %(server_id)s not found."


class ServerNotReady(Conflict):
    code = "server_not_ready"
    template = "Instance %(server_id)s is not ready: it is on no host yet."


class LockedByOperator(Forbidden):
    code = "locked_by_operator"
    template = "Instance %(server_id)s was locked by an administrator, who must unlock it."


class FlavorNotFound(NotFound):
    code = "flavor_not_found"
    template = "Flavor %(flavor_id)s could not be found."


class ImageNotFound(NotFound):
    code = "image_not_found"
    template = "Image %(image_id)s could not be found."


class ImageNotActive(Invalid):
    code = "image_not_active"
    template = (
        "Image %(image_id)s is %(status)s, not active; take another image or wait until its data "
        "is uploaded."
    )


class FlavorExists(Conflict):
    code = "flavor_exists"
    template = "Flavor with %(field)s %(value)s already exists."


class FlavorAccessExists(Conflict):
    code = "flavor_access_exists"
    template = (
        "Flavor access already exists for flavor %(flavor_id)s and project %(project_id)s "
        "combination."
    )


class FlavorAccessNotFound(NotFound):
    code = "flavor_access_not_found"
    template = "Flavor access not found for %(flavor_id)s / %(project_id)s combination."


class FlavorExtraSpecNotFound(NotFound):
    code = "flavor_extra_spec_not_found"
    template = "Flavor %(flavor_id)s has no extra specs with key %(key)s."


class KeypairExists(Conflict):
    code = "keypair_exists"
    template = "Key pair '%(name)s' already exists."


class ServerGroupNotFound(NotFound):
    code = "server_group_not_found"
    template = "Instance group %(group_id)s could not be found."


class ImageExists(Conflict):
    code = "image_exists"
    template = "There is or was an image with the ID %(image_id)s; choose another ID or none."


class ImageProtected(Forbidden):
    code = "image_protected"
    template = "Image %(image_id)s is protected; set protected to false before deleting it."


class ImageNotOwned(Forbidden):
    code = "image_not_owned"
    template = "Image %(image_id)s belongs to another project, so only that one may change it."


class ImageDeactivated(Forbidden):
    code = "image_deactivated"
    template = "Image %(image_id)s is deactivated; its data can't be downloaded."


class ImageAttributeFixed(Forbidden):
    code = "image_attribute_fixed"
    template = "Attribute '%(name)s' %(reason)s."


class ImagePropertyMissing(Conflict):
    code = "image_property_missing"
    template = "Property %(name)s does not exist."


class ImageTooLarge(TooLarge):
    code = "image_too_large"
    template = "An image may have at most %(limit)s bytes on this cloud."


class ImageQuotaExceeded(QuotaExceeded):
    status, code = 413, "image_quota_exceeded"


class ImageUploadBroken(Invalid):
    code = "image_upload_broken"
    template = (
        "The upload of image %(image_id)s broke off after %(received)s bytes; nothing was kept. "
        "Upload it again."
    )


class ImageUploadLost(Gone):
    code = "image_upload_lost"
    template = (
        "The upload of image %(image_id)s was given up: the image was deleted, or nothing came "
        "for %(timeout)s s."
    )


class ImageTagNotFound(NotFound):
    code = "image_tag_not_found"
    template = "Image %(image_id)s has no tag %(tag)s."


class ImageNotShared(Forbidden):
    code = "image_not_shared"
    template = (
        "Image %(image_id)s is %(visibility)s; only images with the visibility shared have "
        "members."
    )


class ImageMemberNotFound(NotFound):
    code = "image_member_not_found"
    template = "Project %(member)s is no member of image %(image_id)s."


class ImageMemberExists(Conflict):
    code = "image_member_exists"
    template = "Project %(member)s is a member of image %(image_id)s already."


class ImageAnswerNotYours(Forbidden):
    code = "image_answer_not_yours"
    template = "Only project %(member)s itself may accept or reject image %(image_id)s."


class KeypairNotFound(NotFound):
    code = "keypair_not_found"
    template = "Keypair %(name)s not found for user %(user_id)s"


class ServiceNotFound(NotFound):
    code = "service_not_found"
    template = "Service %(service_id)s could not be found."


class HostNotFound(NotFound):
    code = "host_not_found"
    template = "Compute host %(host)s could not be found."


class ClaimContended(Unavailable):
    """Other placements were quicker, again and again; nothing was claimed."""

    code = "claim_contended"
    template = "Too many servers are being placed on the same hosts; try again in a moment."


class NoValidHost(MycloudError):
    status, code = 500, "no_valid_host"
    template = "No valid host was found. %(reason)s"


# -- identity ----------------------------------------------------------------------------------


class LoginFailed(NotAuthenticated):
    """Says nothing of what was wrong: who guesses shall not learn whether a user exists."""

    code = "login_failed"


class TokenInvalid(NotAuthenticated):
    code = "token_invalid"
    template = "The token is not valid: it has expired or was revoked. Log in again."


class TokenNotFound(NotFound):
    code = "token_not_found"
    template = "The token in X-Subject-Token could not be found."


class IdentityNotFound(NotFound):
    """A domain, project, user, group, role ... that isn't there, or not for this caller."""

    code = "identity_not_found"
    template = "Could not find %(noun)s: %(id)s."


class NameTaken(Conflict):
    code = "name_taken"
    template = "There is a %(noun)s named '%(name)s' already; choose another name."


class StillInUse(Forbidden):
    code = "still_in_use"
    template = "Cannot delete %(noun)s %(id)s: %(reason)s"


# -- hypervisor --------------------------------------------------------------------------------


class GuestNotFound(NotFound):
    code = "guest_not_found"
    template = "The hypervisor knows no guest of server %(server_id)s."


class GuestOperationFailed(MycloudError):
    code = "guest_operation_failed"
    template = "The hypervisor could not %(verb)s server %(server_id)s: %(reason)s"


class HypervisorUnavailable(Unavailable):
    code = "hypervisor_unavailable"
    template = "The hypervisor can't be reached: %(reason)s. %(remedy)s"


class ImageRejected(MycloudError):
    status, code = 400, "image_rejected"
    template = "Image %(image_id)s can't be used: %(reason)s"


class DiskFull(MycloudError):
    status, code = 507, "disk_full"
    template = (
        "The host has no room for %(what)s: %(needed)s MiB needed, %(free)s MiB free. Free some "
        "disk space there or take a smaller flavor."
    )
