"""A service as it reports in: who runs where, in which epoch."""

import datetime
from typing import Any

from oslo_versionedobjects import fields

from mycloud.common import clock
from mycloud.common import context as mycontext
from mycloud.db import engine
from mycloud.db import services as db_services
from mycloud.objects import base

#: The version of this code's RPC and objects, as a number that only grows.
CURRENT_VERSION = 3


@base.Registry.register
class Service(base.MycloudObject):
    #: 1.1: report_trouble
    VERSION = "1.1"
    TRAVELS = frozenset({"id", "epoch"})
    fields = {
        "id": fields.StringField(),
        "host": fields.StringField(),
        "binary": fields.StringField(),
        "topic": fields.StringField(),
        "epoch": fields.StringField(),
        "version": fields.IntegerField(),
        "report_count": fields.IntegerField(),
        "last_seen_at": base.UtcField(nullable=True),
        "disabled": fields.BooleanField(),
        "disabled_reason": fields.StringField(nullable=True),
        "forced_down": fields.BooleanField(),
        "availability_zone": fields.StringField(nullable=True),
        "created_at": base.UtcField(),
        "updated_at": base.UtcField(nullable=True),
    }

    @classmethod
    @base.remotable
    def register(cls, context: Any, values: dict[str, Any]) -> "Service":
        """A process takes the service over, in a new epoch.

        ``values``: host, binary, topic, epoch and maybe availability_zone.
        """
        now = clock.now()
        with engine.writer() as conn:
            row = db_services.register(
                conn,
                {
                    "id": clock.new_id(),
                    "version": CURRENT_VERSION,
                    "last_seen_at": now,
                    "created_at": now,
                    **values,
                },
            )
        return cls.from_row(context, row)

    @base.remotable
    def heartbeat(self) -> bool:
        """Note a sign of life; False if another process has taken the service over."""
        with engine.writer() as conn:
            return db_services.heartbeat(conn, self.id, self.epoch, clock.now())

    @classmethod
    @base.remotable
    def report_trouble(cls, context: Any, service_id: str, trouble: str | None) -> None:
        """Note why a service that is up refuses work; None: it does not."""
        with engine.writer() as conn:
            db_services.update(
                conn, service_id, {"trouble": trouble, "updated_at": clock.now()}
            )

    @classmethod
    @base.remotable
    def minimum_version(cls, context: Any, binary: str) -> int:
        """The version of the oldest service of a program; 0 if there is none."""
        with engine.reader() as conn:
            return db_services.minimum_version(conn, binary)

    def is_up(self, now: datetime.datetime, down_after: float) -> bool:
        """Whether it has been seen in the last ``down_after`` seconds and is not forced down."""
        if self.forced_down or self.last_seen_at is None:
            return False
        return (now - self.last_seen_at).total_seconds() <= down_after


def oldest_version(binary: str) -> int:
    """``Service.minimum_version`` on nobody's behalf; what ``rpc.init`` wants."""
    version: int = Service.minimum_version(mycontext.admin_context(), binary)
    return version
