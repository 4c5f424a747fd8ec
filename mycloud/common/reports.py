"""The Guru Meditation report: SIGUSR2 prints threads, options and versions to stderr.

With ``[oslo_reports]/log_dir`` it is a file there instead.
"""

from importlib import metadata

from oslo_config import cfg
from oslo_reports import guru_meditation_report as gmr
from oslo_reports import opts


class _Version:
    """What oslo.reports asks of a version."""

    def vendor_string(self) -> str:
        return "mycloud"

    def product_string(self) -> str:
        return "mycloud"

    def version_string_with_package(self) -> str:
        return metadata.version("mycloud")


def register() -> None:
    """Register the report's options."""
    opts.set_defaults(cfg.CONF)


def enable(program: str) -> None:
    """Print a report whenever SIGUSR2 comes."""
    gmr.TextGuruMeditation.setup_autorun(_Version(), program, conf=cfg.CONF)


def text() -> str:
    """The report as it is now."""
    return str(gmr.TextGuruMeditation(_Version()).run())
