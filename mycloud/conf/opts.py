"""The options as oslo.config's sample generator wants them."""

from typing import Any

from mycloud import conf


def list_opts() -> list[tuple[str, list[Any]]]:
    """(group, options) pairs."""
    return [(module.GROUP, list(module.OPTS)) for module in conf.GROUPS]
