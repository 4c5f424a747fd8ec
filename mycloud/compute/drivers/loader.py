"""Find a compute driver by the name in the options."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from stevedore import driver
from stevedore.exception import NoMatches

from mycloud.common import exceptions
from mycloud.compute.drivers.base import ComputeDriver, DriverSettings

NAMESPACE = "mycloud.compute.drivers"


def load(name: str, settings: DriverSettings) -> ComputeDriver:
    """Make the driver called ``name``.

    :raises DriverNotFound: there is none; the message lists those there are
    :raises ImportError: the driver needs a library that is not installed
    """
    try:
        manager: driver.DriverManager[Any] = driver.DriverManager(
            NAMESPACE, name, on_load_failure_callback=_explain, warn_on_missing_entrypoint=False
        )
    except NoMatches as error:
        raise exceptions.DriverNotFound(
            option="compute.driver", name=name, known=", ".join(known())
        ) from error
    made: ComputeDriver = manager.driver(settings)
    return made


def known() -> list[str]:
    """Names of the drivers that are installed, whether their libraries are there or not."""
    return sorted({point.name for point in metadata.entry_points(group=NAMESPACE)})


def _explain(_manager: object, _entry_point: object, error: BaseException) -> None:
    raise error
