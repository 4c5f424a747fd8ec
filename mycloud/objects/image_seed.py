"""A compute host that has an image in its cache and gives it to another one."""

import logging
from typing import Any

from oslo_config import cfg
from oslo_versionedobjects import fields

from mycloud.common import clock, exceptions
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.db import engine
from mycloud.db import hosts as db_hosts
from mycloud.objects import base

LOG = logging.getLogger(__name__)

#: Hosts that are asked at most, and seconds for each to answer.
_HOSTS, _SECONDS = 2, 5.0


@base.Registry.register
class ImageSeed(base.MycloudObject):
    VERSION = "1.0"
    SECRET = frozenset({"token"})
    fields = {
        "host": fields.StringField(),
        # of a ticket for this one transfer, which ``token`` opens
        "url": fields.StringField(),
        "token": fields.StringField(),
        "size": fields.IntegerField(),
    }

    @classmethod
    @base.remotable
    def find(cls, context: Any, checksum: str, for_host: str) -> "ImageSeed | None":
        """A host that gives an image of that sha512 to ``for_host``; None if none does."""
        with engine.reader() as conn:
            names = _holders(conn, checksum, for_host)
        for name in clock.shuffled(names)[:_HOSTS]:
            try:
                told = ComputeAPI().call_agent(
                    context, name, "image.offer", {"checksum": checksum, "peer": for_host},
                    timeout=_SECONDS,
                )
            except exceptions.MycloudError as error:
                # it has left the cache, or the host is busy or gone: another one, or none
                LOG.info("Host %s does not give an image to %s: %s", name, for_host, error)
                continue
            return cls(
                context, host=name, url=told["url"], token=told["token"], size=told["size"]
            )
        return None


def _holders(conn: Any, checksum: str, for_host: str) -> list[str]:
    now, down_after = clock.now(), cfg.CONF.service_down_time
    return [
        row["host"]
        for row in db_hosts.every(conn)
        if row["host"] != for_host
        and checksum in (row["capabilities"] or {}).get("cached_images", ())
        # one that is only disabled may well give what it has
        and db_hosts.out_of_service(row, now, down_after) != db_hosts.SILENT
    ]
