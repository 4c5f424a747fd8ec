"""Errors of servers and all that belongs to them, and of hypervisors."""

from mycloud.common.exceptions.base import (
    Conflict,
    Forbidden,
    Invalid,
    MycloudError,
    NotFound,
    Unavailable,
)


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


class AggregateNotFound(NotFound):
    code = "aggregate_not_found"
    template = "Aggregate %(aggregate_id)s could not be found."


class AggregateExists(Conflict):
    code = "aggregate_exists"
    template = "Aggregate %(name)s already exists."


class AggregateInUse(Invalid):
    code = "aggregate_in_use"
    template = (
        "Cannot delete aggregate %(aggregate_id)s. Reason: Host aggregate is not empty; remove "
        "its hosts first."
    )


class AggregateHostExists(Conflict):
    code = "aggregate_host_exists"
    template = "Aggregate %(aggregate_id)s already has host %(host)s."


class AggregateHostNotFound(NotFound):
    code = "aggregate_host_not_found"
    template = "Aggregate %(aggregate_id)s has no host %(host)s."


class ServerGroupNotFound(NotFound):
    code = "server_group_not_found"
    template = "Instance group %(group_id)s could not be found."


class KeypairNotFound(NotFound):
    code = "keypair_not_found"
    template = "Keypair %(name)s not found for user %(user_id)s"


class ServiceNotFound(NotFound):
    code = "service_not_found"
    template = "Service %(service_id)s could not be found."


class HostNotFound(NotFound):
    code = "host_not_found"
    template = "Compute host %(host)s could not be found."


class HostSilent(Conflict):
    """Not Unavailable: clients would ask again and again, though the host may be gone for good."""

    code = "host_silent"
    template = "Compute host %(host)s does not answer: %(reason)s"


class ClaimContended(Unavailable):
    """Other placements were quicker, again and again; nothing was claimed."""

    code = "claim_contended"
    template = "Too many servers are being placed on the same hosts; try again in a moment."


class NoValidHost(MycloudError):
    status, code = 500, "no_valid_host"
    template = "No valid host was found. %(reason)s"




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
        "disk space there, or let it be made on another host."
    )
