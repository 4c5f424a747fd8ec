"""Find a driver by the name in an option, among the entry points of what is installed."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from stevedore import driver
from stevedore.exception import NoMatches

from mycloud.common import exceptions


def find(namespace: str, name: str, option: str) -> Any:
    """The class (or function) called ``name`` in a group of entry points.

    :param option: that holds the name, for the error
    :raises DriverNotFound: there is none; the message lists those there are
    :raises ImportError: it needs a library that is not installed
    """
    try:
        manager: driver.DriverManager[Any] = driver.DriverManager(
            namespace, name, on_load_failure_callback=_explain, warn_on_missing_entrypoint=False
        )
    except NoMatches as error:
        raise exceptions.DriverNotFound(
            option=option, name=name, known=", ".join(known(namespace))
        ) from error
    return manager.driver


def known(namespace: str) -> list[str]:
    """Names in the group, whether the libraries that they need are there or not."""
    return sorted({point.name for point in metadata.entry_points(group=namespace)})


def _explain(_manager: object, _entry_point: object, error: BaseException) -> None:
    raise error
