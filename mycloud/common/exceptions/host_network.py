"""Errors of setting up the networks of a host."""

from mycloud.common.exceptions.base import Conflict, MycloudError, NotFound


class HostNetworkInUse(Conflict):
    code = "host_network_in_use"
    template = (
        "The network of the host can't be changed so: %(reason)s. Move what uses it elsewhere, or "
        "leave it in the document."
    )


class HostNetworkBusy(Conflict):
    code = "host_network_busy"
    template = "%(reason)s"


class HostNetworkNotApplied(MycloudError):
    """The host is as it was before."""

    code = "host_network_not_applied"
    template = "The network of the host is as it was: %(reason)s"


class HostNetworkNotRestored(MycloudError):
    """The host is neither as it was nor as it shall be."""

    code = "host_network_not_restored"
    template = (
        "The network of the host could be neither changed (%(reason)s) nor wholly restored: "
        "%(problems)s"
    )


class HostUnreached(MycloudError):
    """The control plane does not reach a host."""

    code = "host_unreached"
    template = "The control plane does not reach %(host)s %(way)s: %(reason)s"


class HostNetworkUnproved(MycloudError):
    """The host is as it was before."""

    code = "host_network_unproved"
    template = (
        "The control plane did not reach the host within %(seconds)d s after its networks were "
        "changed, so they are as they were: %(reason)s"
    )


class CheckpointNotOpen(NotFound):
    code = "checkpoint_not_open"
    template = "%(reason)s"
