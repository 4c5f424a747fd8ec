"""Opening a connection to libvirt, and what its failures mean."""

from __future__ import annotations

from typing import Any

from mycloud.common import concurrency, exceptions

try:
    import libvirt
except ImportError:  # the extra [libvirt] is not installed; only whoever opens needs it
    libvirt = None


def require() -> None:
    """:raises HypervisorUnavailable: libvirt-python is not installed"""
    if libvirt is None:
        raise exceptions.HypervisorUnavailable(
            reason="the Python library of libvirt is not installed",
            remedy="Run: pip install 'mycloud[libvirt]' (it needs libvirt-dev and gcc).",
        )


def open_uri(uri: str) -> Any:
    """A connection to the libvirt at ``uri``.

    :raises HypervisorUnavailable: nobody answers there, or libvirt-python is not installed
    """
    require()
    try:
        return concurrency.run_native(libvirt.open, uri)
    except libvirt.libvirtError as error:
        raise exceptions.HypervisorUnavailable(
            reason=f"libvirt does not answer ({error})",
            remedy="Check that libvirtd runs; 'mycloud doctor' tells more.",
        ) from error


def silence() -> None:
    """Keep libvirt from writing errors to stderr; they are raised as well."""
    if libvirt is not None:
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
