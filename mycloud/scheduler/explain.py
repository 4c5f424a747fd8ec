"""Say why no host fits, and the smallest change that would let one fit."""

from collections.abc import Sequence

from mycloud.scheduler.filters.base import Filter
from mycloud.scheduler.host_state import HostState, Request


def explain(filters: Sequence[Filter], hosts: Sequence[HostState], request: Request) -> str:
    """For each filter how many of the hosts it refuses, and what the closest host lacks.

    Hosts are not named: the text is for the person who asked, who may not know them.
    """
    if not hosts:
        return "There is no compute host yet."
    refused = [
        (host, [each for each in filters if each.refuses(host, request)]) for host in hosts
    ]
    counts = [
        (each.label, sum(each in reasons for _, reasons in refused)) for each in filters
    ]
    said = _listed([f"{label} refuses {count}" for label, count in counts if count])
    closest, reasons = min(
        refused,
        key=lambda pair: (
            sum(each.effort for each in pair[1]),
            sum(each.shortfall(pair[0], request) for each in pair[1]),
        ),
    )
    remedies = "; it ".join(each.remedy(closest, request) for each in reasons)
    total = f"{len(hosts)} hosts" if len(hosts) > 1 else "1 host"
    return f"Of {total}, {said}. The closest one {remedies}."


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
