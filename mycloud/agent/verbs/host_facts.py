"""What the host is."""

from __future__ import annotations

from typing import Any

from mycloud.agent.facts import document
from mycloud.agent.host import Host
from mycloud.agent.registry import verb


@verb("host.facts")
def facts(host: Host) -> dict[str, Any]:
    """Tell what the host is: processors, memory, disks, hardware and versions.

    - ``cpu``: ``model``, ``vendor``, ``architecture``, ``cpus``, ``sockets``,
      ``cores_per_socket``, ``threads_per_core``, ``flags``
    - ``numa``: nodes with ``cpus`` and ``memory_bytes``; ``memory``: bytes by name, and
      ``huge_pages``
    - ``disks``: ``device``, ``size_bytes``, ``model``, ``vendor``, ``rotational``, ``read_only``
    - ``file_systems``: where the host keeps its servers
    - ``hardware``: ``manufacturer``, ``product``, ``serial``, ``uuid`` ...; ``reason``: why the
      last two are not known
    - ``versions``: of ``mycloud``, ``kernel``, ``python``, ``libvirt``, ``qemu``
    - ``hypervisor``: ``answers``, and the ``reason`` why not
    """
    return document.facts(host)
