"""What a machine must have before it may join: looked at before anything is changed."""

import re
import shutil
import socket
from pathlib import Path

from mycloud.common import exceptions, pki
from mycloud.common.node_token import NodeToken
from mycloud.compute.drivers import hostinfo
from mycloud.compute.hypervisor import connection
from mycloud.local.layout import Layout
from mycloud.local.node.cloud import Cloud
from mycloud.local.node.record import Wanted
from mycloud.local.settings import LocalError, Tell

_KVM = Path("/dev/kvm")
#: Debian's package of each program.
_PROGRAMS = {
    "libvirtd": "libvirt-daemon",
    "virtlogd": "libvirt-daemon",
    f"qemu-system-{hostinfo.architecture()}": "qemu-system",
    "qemu-img": "qemu-utils",
}
_ROOT_PATHS = "/usr/sbin:/sbin"
#: Seconds by which clocks may differ: as far as the cloud believes signatures, and less than
#: certificates are valid before they were made.
_SKEW = 240
_CONNECT_SECONDS = 5


def machine(layout: Layout, wanted: Wanted, tell: Tell) -> None:
    """Everything that can be known without the cloud.

    :raises LocalError: all that is missing, with the remedy
    """
    missing = []
    try:
        pki.check_name(wanted.name)
    except exceptions.CertificatesBroken:
        missing.append(
            f"{wanted.name!r} can't be the name of a host; choose one of letters, digits, dots, "
            "dashes and underscores by --name"
        )
    if layout.settings.exists():
        missing.append(
            f"{layout.state} is that of a cloud on this machine; choose another by --state"
        )
    if wanted.hypervisor == "libvirt":
        missing += _libvirt()
        if not _KVM.exists():
            tell("There is no /dev/kvm here: guests will be slow")
    if missing:
        raise LocalError("This machine can't join: " + "; ".join(missing))


def _libvirt() -> list[str]:
    absent = {
        package
        for program, package in _PROGRAMS.items()
        if not (shutil.which(program) or shutil.which(program, path=_ROOT_PATHS))
    }
    found = []
    if absent:
        found.append(f"programs are missing (apt-get install {' '.join(sorted(absent))})")
    try:
        connection.require()
    except exceptions.HypervisorUnavailable as error:
        found.append(error.message)
    return found


def network(token: NodeToken, cloud: Cloud, wanted: Wanted) -> None:
    """The way to the cloud's API and its message bus, and the clocks.

    :raises LocalError:
    """
    skew = cloud.skew()
    if abs(skew) > _SKEW:
        raise LocalError(
            f"This machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} "
            "the cloud's; set it (an NTP client keeps it right)"
        )
    failures = [failure for broker in token.brokers if (failure := _connect(broker))]
    if token.brokers and len(failures) == len(token.brokers):
        raise LocalError(
            f"The cloud's message bus can't be reached ({'; '.join(failures)}). Let this machine "
            "through, or set [node]/transport_url there"
        )
    _check_own(wanted.address)


def _connect(broker: str) -> str | None:
    """Why it can't be reached; None if it can."""
    found = re.fullmatch(r"\[?([^\]]*)\]?:([0-9]+)", broker)
    if found is None:
        return f"{broker} is no HOST:PORT"
    try:
        socket.create_connection((found[1], int(found[2])), _CONNECT_SECONDS).close()
    except OSError as error:
        return f"{broker}: {error.strerror or error}"
    return None


def _check_own(address: str) -> None:
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except OSError as error:
        raise LocalError(
            f"--address {address}: it is no address of this machine ({error.strerror or error})"
        ) from error
