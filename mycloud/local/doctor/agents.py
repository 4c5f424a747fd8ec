"""Checks of the agents of compute hosts."""

import socket
from urllib.parse import urlsplit

from mycloud.compute.requests import hosts
from mycloud.local.doctor.patient import Finding, Findings, Patient

_PATIENCE_SECONDS = 3.0
_PORTS = {"http": 80, "https": 443}


def agents(patient: Patient) -> Findings:
    """Hosts that report, but whose agent can't be reached at the address that it has told."""
    for row in hosts.every():
        url = (row["capabilities"] or {}).get("agent_url")
        # of one that does not report, the service is the finding
        if not url or not hosts.is_up(row):
            continue
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
        try:
            socket.create_connection(address, _PATIENCE_SECONDS).close()
        except OSError as error:
            yield Finding(
                f"The agent of host {row['host']} does not answer at {url} "
                f"({error.strerror or error}): nobody can read its metrics",
                "See [agent]/listen, port and address of that host, and what stands between: "
                f"mycloud host show {row['host']}",
            )
