"""Find a storage backend's driver by the name in the options."""

from __future__ import annotations

from mycloud.common import plugins
from mycloud.volume.drivers.base import BackendSettings, VolumeDriver

NAMESPACE = "mycloud.volume.drivers"


def load(name: str, settings: BackendSettings) -> VolumeDriver:
    """Make the driver called ``name`` for one backend.

    :raises DriverNotFound: there is none; the message lists those there are
    :raises ImportError: the driver needs a library that is not installed
    """
    option = f"{settings.name}.volume_driver"
    made: VolumeDriver = plugins.find(NAMESPACE, name, option)(settings)
    return made
