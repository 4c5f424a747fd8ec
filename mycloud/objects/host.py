"""A compute host: what it has, and what is claimed on it."""

from typing import Any

from oslo_versionedobjects import fields

from mycloud.common import clock
from mycloud.db import engine
from mycloud.db import hosts as db_hosts
from mycloud.objects import base


@base.Registry.register
class Host(base.MycloudObject):
    VERSION = "1.0"
    fields = {
        "id": fields.StringField(),
        "host": fields.StringField(),
        "hypervisor_hostname": fields.StringField(),
        "hypervisor_type": fields.StringField(),
        "hypervisor_version": fields.IntegerField(),
        "vcpus": fields.IntegerField(),
        "memory_mb": fields.IntegerField(),
        "disk_gb": fields.IntegerField(),
        "free_disk_gb": fields.IntegerField(),
        "vcpus_used": fields.IntegerField(),
        "memory_mb_used": fields.IntegerField(),
        "disk_gb_used": fields.IntegerField(),
        "running_vms": fields.IntegerField(),
        "generation": fields.IntegerField(),
        "cpu_info": base.JsonField(nullable=True),
        "capabilities": base.JsonField(nullable=True),
        "host_ip": fields.StringField(nullable=True),
        "uptime": fields.StringField(),
    }

    @classmethod
    @base.remotable
    def publish(cls, context: Any, host: str, inventory: dict[str, Any]) -> "Host":
        """Record what a host has (vcpus, memory_mb, disk_gb, capabilities ...)."""
        with engine.writer() as conn:
            row = db_hosts.upsert(conn, host, inventory, clock.now())
        return cls.from_row(context, row)
