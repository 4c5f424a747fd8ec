"""What goes wrong when a host is asked about its network."""

from mycloud.common.exceptions.base import Conflict, MycloudError, NotFound, Unavailable


class NetlinkFailed(MycloudError):
    code = "netlink_failed"
    template = "The kernel does not tell of its network: %(reason)s"


class NoSuchInterface(NotFound):
    code = "interface_not_found"
    template = "The host has no network interface %(interface)s; it has %(known)s."


class LinkStayedDown(Unavailable):
    code = "link_stayed_down"
    template = (
        "Interface %(interface)s was not up after %(seconds)g s (it is %(found)s); look at its "
        "cable and at the switch."
    )


class NoVirtualFunctions(Conflict):
    code = "no_virtual_functions"
    template = (
        "Interface %(interface)s can have %(total)d virtual functions, not %(wanted)d; ask for at "
        "most that many."
    )


class LldpUnavailable(Unavailable):
    code = "lldp_unavailable"
    template = (
        "No LLDP daemon answers on this host: %(reason)s Install lldpd (or lldpad) and start it."
    )
