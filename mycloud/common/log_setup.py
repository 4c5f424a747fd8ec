"""Logging by oslo.log: request id and operation id on every line, secrets masked."""

import logging
import re

from oslo_config import cfg
from oslo_log import log as oslo_log
from oslo_utils import strutils

#: The ids come from the request context of the thread; "-" where there is none.
_PREFIX = "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s "
CONTEXT_FORMAT = (
    _PREFIX + "[%(request_id)s %(operation_id)s %(user_identity)s] %(instance)s%(message)s"
)
DEFAULT_FORMAT = _PREFIX + "[- - -] %(instance)s%(message)s"

_QUIET = (
    "amqp=WARNING",
    "kombu=WARNING",
    "oslo.messaging=WARNING",
    "oslo_messaging=WARNING",
    "sqlalchemy=WARNING",
    "stevedore=WARNING",
    "urllib3=WARNING",
    "requests=WARNING",
    "waitress=WARNING",
    "mycloud.eventlet_wsgi=WARNING",
    "oslo_policy=WARNING",
    "oslo.service=INFO",
)

#: What oslo.utils does not know of: passwords in URLs, bearer and Fernet tokens.
_SECRETS = (
    (re.compile(r"(://[^/\s:@]*:)[^@/\s]+(@)"), r"\1***\2"),
    (re.compile(r"\bgAAAAA[\w=-]{20,}"), "***"),
    (re.compile(r"((?:X-(?:Auth|Subject)-Token|Authorization)\W{1,4})[^,'\"]+", re.I), r"\1***"),
)


def register(options: cfg.ConfigOpts = cfg.CONF) -> None:
    """Register oslo.log's options, with defaults of our own."""
    oslo_log.register_options(options)
    set_defaults()


def set_defaults() -> None:
    """Our own defaults of oslo.log's options (oslo-config-generator asks for them, too)."""
    oslo_log.set_defaults(
        logging_context_format_string=CONTEXT_FORMAT, default_log_levels=list(_QUIET)
    )
    cfg.set_defaults(
        oslo_log._options.log_opts, logging_default_format_string=DEFAULT_FORMAT
    )


def set_up() -> None:
    """Log as the options say."""
    oslo_log.setup(cfg.CONF, "mycloud")
    logging.captureWarnings(True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Masking(handler.formatter))


def mask(text: str) -> str:
    """The text without passwords and tokens."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return str(strutils.mask_password(text))


class Masking(logging.Formatter):
    """Formats as another formatter does, then masks secrets, tracebacks included."""

    def __init__(self, inner: logging.Formatter | None):
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        # contexts of other libraries know no operations
        record.__dict__.setdefault("operation_id", "-")
        return mask(self._inner.format(record))
