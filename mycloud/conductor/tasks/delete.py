"""Delete a server that has no host, or whose host is down."""

from typing import Any

from mycloud.common.states import Power
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation


def plan(context: Any, operation: Operation) -> Plan:
    """Nothing is to be done on a host; the end of the operation frees the claims."""
    return Plan(
        steps=[Step("forget", do=lambda: None)],
        result=lambda: {"power_state": Power.NOSTATE},
    )
