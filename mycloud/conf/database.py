"""Options of the database. ``connection`` and the pool's options are oslo.db's own."""

from oslo_config import cfg
from oslo_db import options as oslo_db_options

GROUP = "database"

OPTS: list[cfg.Opt] = []

oslo_db_options.set_defaults(cfg.CONF, connection="sqlite:////var/lib/mycloud/mycloud.db")
