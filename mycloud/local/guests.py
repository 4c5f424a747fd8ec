"""What runs under a compute host's private libvirtd, when the cloud is stopped."""

from typing import Any

from mycloud.common import clock, concurrency, exceptions
from mycloud.compute.hypervisor import connection
from mycloud.compute.hypervisor.supervisor import PrivateLibvirtd
from mycloud.local.former import RootLibvirtd
from mycloud.local.layout import Layout
from mycloud.local.settings import Tell

#: Seconds that guests get to power off by themselves.
PATIENCE = 20
#: Seconds after which the button is pressed again: a guest that still boots does not hear it.
_PRESS_AGAIN = 3


def daemon(layout: Layout, host: str) -> PrivateLibvirtd | None:
    """The host's private libvirtd; None if it has never had one."""
    state = layout.host(host)
    return PrivateLibvirtd(state) if (state / "libvirt").is_dir() else None


def end(layout: Layout, host: str, tell: Tell) -> list[str]:
    """Power guests off, the hard way if they don't react, then stop libvirtd.

    Returns the names of what has ended.
    """
    former = RootLibvirtd(layout.host(host))
    libvirtd = former if former.runs() else daemon(layout, host)
    if libvirtd is None:
        return []
    status = libvirtd.status()
    if status.guests:
        tell(f"{host}: powering {status.guests} guest(s) off")
        if status.libvirtd is not None:
            _shut_down(libvirtd)
    if status.libvirtd is None and status.virtlogd is None and not status.guests:
        return []
    libvirtd.stop(kill_guests=True)
    for link in layout.run.glob("*.pid"):
        if link.is_symlink() and not link.exists():
            link.unlink()
    tell(f"{host}: libvirtd has ended")
    return [f"libvirtd of {host}"]


def _shut_down(libvirtd: PrivateLibvirtd | RootLibvirtd) -> None:
    try:
        conn = connection.open_uri(libvirtd.uri())
    except exceptions.HypervisorUnavailable:
        return
    try:
        press = clock.monotonic()
        until = press + PATIENCE
        while libvirtd.status().guests and clock.monotonic() < until:
            if clock.monotonic() >= press:
                press = clock.monotonic() + _PRESS_AGAIN
                for domain in conn.listAllDomains():
                    _press_power_button(domain)
            concurrency.sleep(0.1)
    finally:
        conn.close()


def _press_power_button(domain: Any) -> None:
    try:
        if domain.isActive():
            domain.shutdownFlags(connection.libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    except connection.libvirt.libvirtError:
        pass  # it is ended the hard way


def show_pids(layout: Layout, host: str) -> None:
    """Let the cloud's pid files name the host's daemons, too; the host starts them by itself."""
    for pid_file in sorted((layout.host(host) / "run").glob("*.pid")):
        link = layout.pid_file(f"{pid_file.stem}-{host}")
        if not link.is_symlink():
            link.symlink_to(pid_file)
