"""Prefer hosts as the soft policies of server groups want it."""

from typing import ClassVar

from mycloud.db import group_claims
from mycloud.scheduler.host_state import HostState, Request
from mycloud.scheduler.weighers.base import Weigher


class _Members(Weigher):
    policy: ClassVar[str]
    sign: ClassVar[int]

    def figure(self, host: HostState, request: Request) -> float:
        group = request.group
        if group is None or group.policy != self.policy:
            return 0.0
        return self.sign * group.members.get(host.host, 0)


class SoftAffinityWeigher(_Members):
    multiplier = "soft_affinity_weight_multiplier"
    policy, sign = group_claims.SOFT_AFFINITY, 1


class SoftAntiAffinityWeigher(_Members):
    multiplier = "soft_anti_affinity_weight_multiplier"
    policy, sign = group_claims.SOFT_ANTI_AFFINITY, -1
