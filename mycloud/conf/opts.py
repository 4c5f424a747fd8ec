"""The options as oslo.config's sample generator wants them."""

from typing import Any

from mycloud import conf
from mycloud.conf import volume


def list_opts() -> list[tuple[str, list[Any]]]:
    """(group, options) pairs."""
    found = [(module.GROUP, list(module.OPTS)) for module in conf.GROUPS]
    # the section of a backend has the name that enabled_backends gives it
    return [*found, ("BACKEND", list(volume.BACKEND_OPTS))]
