"""Every error of the domain, with its HTTP status and a stable code.

A class gives a message with named gaps; whoever raises it fills them:
``raise ServerNotFound(server_id=...)``. Messages tell the field and the remedy and are shown to
the person who asked, so they hold no secret and no path of a host.

One module a part of the cloud; all their names are here too, and no others.
"""

from mycloud.common.exceptions import (
    agent,
    base,
    compute,
    control,
    host_facts,
    host_network,
    identity,
    image,
    node,
    volume,
)
from mycloud.common.exceptions.agent import *  # noqa: F403
from mycloud.common.exceptions.base import *  # noqa: F403
from mycloud.common.exceptions.compute import *  # noqa: F403
from mycloud.common.exceptions.control import *  # noqa: F403
from mycloud.common.exceptions.host_facts import *  # noqa: F403
from mycloud.common.exceptions.host_network import *  # noqa: F403
from mycloud.common.exceptions.identity import *  # noqa: F403
from mycloud.common.exceptions.image import *  # noqa: F403
from mycloud.common.exceptions.node import *  # noqa: F403
from mycloud.common.exceptions.volume import *  # noqa: F403

#: Names of the modules whose errors may cross the bus.
MODULES = tuple(
    module.__name__
    for module in (
        agent, base, compute, control, host_facts, host_network, identity, image, node, volume
    )
)
