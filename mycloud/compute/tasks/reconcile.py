"""Compare what the host really has with what the database says of it."""

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

from mycloud.common import exceptions, states
from mycloud.compute.drivers.base import ComputeDriver, GuestInfo
from mycloud.journal.runner import Turns
from mycloud.objects.attachment import AttachmentList
from mycloud.objects.server import Server, ServerList

LOG = logging.getLogger(__name__)

#: Seconds that a guest gets to let go of a volume that it should not have.
_STRAY_SECONDS = 20


def run(context: Any, host: str, driver: ComputeDriver) -> None:
    """Adopt running guests, record power states, remove what belongs to no server any more."""
    # the database first: a server that is placed here after this has no guest below
    servers = {server.id: server for server in ServerList.on_host(context, host)}
    guests = {guest.server_id: guest for guest in driver.guests()}
    for server in servers.values():
        guest = guests.get(server.id)
        if server.operation_id is None and guest is not None:
            power = states.power_number(guest.power_state.value)
            if power != server.power_state:
                server.observe_power(power)
        elif server.operation_id is None and server.vm_state == states.Vm.ACTIVE:
            LOG.warning("The guest of server %s is gone from host %s", server.id, host)
            server.observe_power(states.Power.NOSTATE)
    _remove_strangers(context, driver, set(guests) | set(driver.leftovers()), set(servers))


def volumes_of(
    driver: ComputeDriver, guests: Sequence[GuestInfo]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The volumes that guests really have: by server, and by volume as plain values."""
    found = {}
    for guest in guests:
        has = driver.volumes(guest.server_id)
        if has:
            found[guest.server_id] = {
                volume_id: dataclasses.asdict(state) for volume_id, state in has.items()
            }
    return found


def take_stray_volumes(context: Any, driver: ComputeDriver, turns: Turns) -> None:
    """Take away the volumes that guests have and servers have not: of an attach whose worker lost
    it when its deadline had passed, say. Somebody else may be given them already."""
    for server_id, has in volumes_of(driver, driver.guests()).items():
        with turns.of(server_id):
            # an attachment is there before its disk, and until after it
            wanted = {
                each.volume_id for each in AttachmentList.of_server(context, server_id)
            }
            for volume_id in sorted(set(has) - wanted):
                LOG.warning(
                    "Guest %s has volume %s, which is not attached to it: taking it away",
                    server_id, volume_id,
                )
                driver.detach_volume(server_id, volume_id, _STRAY_SECONDS)


def _remove_strangers(
    context: Any, driver: ComputeDriver, found: set[str], expected: set[str]
) -> None:
    strangers = sorted(found - expected)
    if not strangers:
        return
    # placed here since the list was read, or on its way to another host
    living = set(ServerList.existing(context, strangers))
    for server_id in strangers:
        if server_id in living:
            continue
        LOG.warning("Removing what is left of server %s, which does not exist", server_id)
        driver.destroy(server_id)
        driver.delete_disk(server_id)


def observe(context: Any, server_id: str, power_state: int) -> None:
    """A guest changed by itself: record it, unless an operation is at work on the server."""
    try:
        server = Server.get(context, server_id)
    except exceptions.ServerNotFound:
        return
    if server.operation_id is None and server.power_state != power_state:
        LOG.info("Guest %s is now in power state %s", server_id, power_state)
        server.observe_power(power_state)
