"""What brings a host's network from one state to another."""

from mycloud.agent.network.backends.base import Backend
from mycloud.agent.network.backends.netlink import Netlink
from mycloud.agent.network.backends.nmstate import Nmstate

#: by their names in the option ``[agent] network_backend``
BACKENDS: dict[str, type[Backend]] = {each.name: each for each in (Netlink, Nmstate)}
