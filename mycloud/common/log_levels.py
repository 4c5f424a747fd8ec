"""Levels of this process's loggers, read and set while it runs."""

import logging

from mycloud.common import exceptions

#: What may be set: loggers of ours. Those of libraries could write secrets.
ROOT = "mycloud"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _names(prefix: str) -> list[str]:
    wanted = prefix or ROOT
    return sorted(name for name in logging.root.manager.loggerDict if name.startswith(wanted))


def get(prefix: str) -> dict[str, str]:
    """Logger -> its level, of the loggers whose names begin like that; "": of all of ours."""
    return {
        name: logging.getLevelName(logging.getLogger(name).getEffectiveLevel())
        for name in _names(prefix)
    }


def check(prefix: str) -> None:
    """:raises BadField: when other loggers than ours begin like that"""
    if prefix and not prefix.startswith(ROOT):
        raise exceptions.BadField(
            field="prefix", reason=f"the level is set of loggers that begin with {ROOT} only"
        )


def put(prefix: str, level: str) -> None:
    """Set the level of the loggers whose names begin like that; "": of all of ours.

    :raises BadField: see check
    """
    check(prefix)
    wanted = prefix.rstrip(".") or ROOT
    # those that are made later take it over from their parent
    for name in {*_names(prefix), wanted}:
        logging.getLogger(name).setLevel(level)
