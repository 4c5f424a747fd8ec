"""The ports of the host agents of a cloud on this machine: chosen once, and remembered."""

import dataclasses
import socket

from mycloud.local.settings import Settings

#: As [agent]/port has it; the next host of the machine gets the next.
FIRST = 54321


def assigned(settings: Settings) -> Settings:
    """The settings with a port for the agent of each host, and for no others.

    What a host has had it keeps. Another program may take a port before the agent has it; the
    agent then takes any, and says so.
    """
    kept = {
        host: port for host, port in settings.agent_ports.items() if host in settings.hosts
    }
    for number, host in enumerate(settings.hosts):
        if host not in kept:
            kept[host] = _choose(settings.listen, FIRST + number, set(kept.values()))
    return dataclasses.replace(settings, agent_ports=kept)


def _choose(address: str, wanted: int, taken: set[int]) -> int:
    while True:
        for port in (wanted, 0):
            if port in taken:
                continue
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError:
                    # the start of the API tells of an address that there is not
                    continue
                found: int = probe.getsockname()[1]
            if found not in taken:
                return found
        if wanted not in taken:
            return wanted
        wanted += 1
