"""Whether a machine that has joined is of use: looked at from the cloud's side and from here."""

import dataclasses
from typing import Any

import requests

from mycloud.common import clock, concurrency, pki
from mycloud.compute.hypervisor import proof
from mycloud.local import privileged
from mycloud.local.layout import Layout
from mycloud.local.node import daemons
from mycloud.local.node.cloud import CloudRefuses, Member
from mycloud.local.node.record import Record
from mycloud.local.settings import LocalError, Tell
from mycloud.privileged import client, errors

#: Within which the agent's port is published.
_AGENT_SECONDS = 15


@dataclasses.dataclass(frozen=True)
class Result:
    """:ivar problem: what is wrong, and the remedy; None: nothing"""

    check: str
    detail: str
    problem: str | None = None


def run(layout: Layout, record: Record, tell: Tell) -> list[Result]:
    """Wait until the cloud knows this machine as a host, then look at every part.

    :raises LocalError: a program has ended, or the cloud does not hear of it in time
    """
    known = _wait_listed(layout, record, tell)
    return [
        _service(known), _hypervisor(layout, record, known), _agent(layout, record),
        _helper(layout),
    ]


def _wait_listed(layout: Layout, record: Record, tell: Tell) -> dict[str, Any]:
    member = Member(layout, record)
    found: dict[str, Any] = {}

    def listed() -> bool:
        try:
            found.update(member.status())
        except CloudRefuses:
            raise
        except LocalError:
            # it is out of reach for a moment
            return False
        return bool(found["listed"] and found["service"] and found["service"]["up"])

    tell("Waiting until the cloud lists this host")
    daemons.wait(layout, record, tell, listed)
    return found


def _helper(layout: Layout) -> Result:
    """Where root has started one, it must answer this user."""
    if not layout.of_root.exists():
        return Result("root helper", "none, since root has not started this machine")
    client.configure(layout.state)
    try:
        found = client.call.helper_ping()
    except errors.PrivilegedError as error:
        return Result(
            "root helper", "",
            f"{error.message}; see {privileged.log(layout)}, and as root run 'mycloud node start'",
        )
    return Result("root helper", f"{found['verbs']} verbs")


def _agent(layout: Layout, record: Record) -> Result:
    """It must answer on its own port, with the certificate that the cloud has signed."""
    member, until = Member(layout, record), clock.monotonic() + _AGENT_SECONDS
    while True:
        url = member.status()["agent_url"]
        problem = f"it listens nowhere; see {layout.logs}" if url is None else None
        if url is not None:
            problem = _answers(layout, url)
        if problem is None or clock.monotonic() > until:
            return Result("agent", str(url), problem)
        concurrency.sleep(0.5)


def _answers(layout: Layout, url: str) -> str | None:
    """Why it does not answer as it should; None: it does."""
    folder = layout.certificates
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                f"{url}/healthz", timeout=5, verify=str(folder / pki.CA_CERTIFICATE),
                cert=(str(folder / pki.CLIENT_CERTIFICATE), str(folder / pki.CLIENT_KEY)),
            )
    except (requests.RequestException, OSError) as error:
        return f"{url} does not answer ({error})"
    return None if answer.ok else f"{url} answers with {answer.status_code}"


def _service(known: dict[str, Any]) -> Result:
    service = known["service"]
    problem = None
    if service["trouble"]:
        problem = f"it is up and takes no servers: {service['trouble']}"
    elif service["disabled"]:
        problem = f"it is disabled ({service['disabled_reason'] or 'no reason given'})"
    return Result("service", "up", problem)


def _hypervisor(layout: Layout, record: Record, known: dict[str, Any]) -> Result:
    kind = str(known["hypervisor_type"])
    if record.wanted.hypervisor != "libvirt":
        return Result("hypervisor", kind)
    proved = proof.recall(layout.state)
    detail = proved.reason if proved is not None else "KVM was not tried, guests are emulated"
    return Result("hypervisor", f"{kind}: {detail}")
