"""From the body of a create or an update to what the requests take."""

import ipaddress
from typing import Any

from oslo_config import cfg

from mycloud.api.compute.servers import devices
from mycloud.common import clock, exceptions, policy
from mycloud.common.context import RequestContext
from mycloud.compute.requests.create import ServerSpec

_COLUMNS = {
    "name": "name",
    "description": "description",
    "OS-DCF:diskConfig": "disk_config",
    "accessIPv4": "access_ip_v4",
    "accessIPv6": "access_ip_v6",
}


def changes(body: dict[str, Any]) -> dict[str, Any]:
    """The columns that PUT /servers/{id} changes."""
    return {
        _COLUMNS[name]: _address(value) if name.startswith("accessIP") else value
        for name, value in body.items()
    }


def _address(text: str | None) -> str | None:
    """An address in its shortest form, so that two ways of writing it compare equal."""
    return str(ipaddress.ip_address(text)) if text else None


def spec(
    context: RequestContext, body: dict[str, Any], *, multiattach: bool
) -> ServerSpec:
    """The server that a create asks for. ``multiattach``: in this microversion clients know of
    volumes that several servers have.

    :raises BadField: for what the schema can't tell, or what this cloud does not have
    :raises Forbidden: when only operators may ask for it
    """
    server = body["server"]
    _refuse_networks(server.get("networks"))
    _refuse_groups(server.get("security_groups"))
    hints = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints")
    least, most = _counts(server)
    zone, host, node = _place(context, server.get("availability_zone"))
    image, disks = devices.asked(server)
    return ServerSpec(
        name=server["name"],
        flavor_ref=str(server["flavorRef"]),
        image_ref=image,
        min_count=least,
        max_count=most,
        metadata=server.get("metadata") or {},
        key_name=server.get("key_name"),
        user_data=server.get("user_data"),
        config_drive=devices.flag(server.get("config_drive")),
        personality=server.get("personality") or None,
        availability_zone=zone,
        requested_host=host,
        requested_node=node,
        scheduler_hints=hints,
        description=server.get("description"),
        tags=tuple(dict.fromkeys(server.get("tags") or ())),
        access_ip_v4=_address(server.get("accessIPv4")),
        access_ip_v6=_address(server.get("accessIPv6")),
        disk_config=server.get("OS-DCF:diskConfig", "MANUAL"),
        admin_pass=_password(server),
        devices=disks,
        multiattach=multiattach,
    )


def _password(server: dict[str, Any]) -> str | None:
    if not cfg.CONF.api.enable_instance_password:
        return None
    return server.get("adminPass") or clock.secret(9)


def _counts(server: dict[str, Any]) -> tuple[int, int]:
    least = int(server.get("min_count", 1))
    most = int(server.get("max_count", least))
    if least > most:
        raise exceptions.BadField(
            field="min_count", reason=f"min_count {least} must be <= max_count {most}"
        )
    return least, most


def _place(
    context: RequestContext, text: str | None
) -> tuple[str | None, str | None, str | None]:
    """zone, zone:host or zone:host:node; the latter two are for operators."""
    if not text:
        return None, None, None
    zone, *rest = text.split(":")
    if not rest:
        return zone, None, None
    if len(rest) > 2:
        raise exceptions.BadField(
            field="availability_zone", reason="it must be ZONE, ZONE:HOST or ZONE:HOST:NODE"
        )
    policy.enforce(context, "compute:servers:create_on_host")
    node = rest[1] if len(rest) == 2 else None
    return zone or None, rest[0] or None, node or None


def _refuse_networks(networks: Any) -> None:
    """There is no network service: servers boot with none, whether asked for or left open."""
    if not networks or isinstance(networks, str):
        return
    raise exceptions.BadField(
        field="networks",
        reason="this cloud has no network service, so there are no networks and ports to attach; "
        "leave networks out, or send 'none' or 'auto'",
    )


def _refuse_groups(groups: list[dict[str, Any]] | None) -> None:
    """Somebody who asks for a security group must not get a server without its rules."""
    for group in groups or ():
        if group.get("name", "default") != "default":
            raise exceptions.BadField(
                field="security_groups",
                reason=f"there is no security group {group['name']}: this cloud has no network "
                "service yet; leave security_groups out",
            )
