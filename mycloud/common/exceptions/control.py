"""Errors of programs, the bus, the database and the operation journal."""

from mycloud.common.exceptions.base import (
    Conflict,
    MycloudError,
    NotFound,
    NotImplementedHere,
    Unavailable,
)


class ConfigError(MycloudError):
    code = "config_error"
    template = "Option %(option)s: %(reason)s"


class CertificatesBroken(ConfigError):
    code = "certificates_broken"
    template = "Certificates of hosts: %(reason)s."


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


#: The bus, the conductor or its database can't be reached: what was asked for may have happened
#: or not, and is to be asked for again.
CONTROL_PLANE_GONE = (BusUnavailable, DatabaseUnavailable, ServiceUnavailable)


class PeerTooOld(NotImplementedHere, NotImplementedError):
    """A NotImplementedError too: objects then fall back to what older conductors offer."""

    code = "peer_too_old"
    template = (
        "A %(service)s service is too old for this (%(method)s); upgrade it and try again."
    )


class DriverNotFound(ConfigError):
    code = "driver_not_found"
    template = "Option %(option)s: there is no %(name)s; known: %(known)s."




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
