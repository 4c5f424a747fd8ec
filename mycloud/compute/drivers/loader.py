"""Find a compute driver by the name in the options."""

from __future__ import annotations

from mycloud.common import plugins
from mycloud.compute.drivers.base import ComputeDriver, DriverSettings

NAMESPACE = "mycloud.compute.drivers"


def load(name: str, settings: DriverSettings) -> ComputeDriver:
    """Make the driver called ``name``.

    :raises DriverNotFound: there is none; the message lists those there are
    :raises ImportError: the driver needs a library that is not installed
    """
    made: ComputeDriver = plugins.find(NAMESPACE, name, "compute.driver")(settings)
    return made
