"""What lives as long as the agent of a host, in the order in which it starts."""

from __future__ import annotations

from pathlib import Path

from oslo_config import cfg

from mycloud.agent.agent import Part
from mycloud.agent.executor import Executor
from mycloud.agent.host import Host
from mycloud.agent.hypervisor import Hypervisor
from mycloud.agent.scheduler import Scheduler
from mycloud.agent.statistics.sampler import Sampler, Sampling


def parts(host: Host, pki_dir: Path) -> list[Part]:
    """The parts of a host's agent, by the options; nothing of them runs yet.

    A verb finds a part by its class: ``host.part(Scheduler)``.

    :param host: has its hypervisor already, as ``part(Hypervisor)``
    :param pki_dir: where the certificates of the host are
    """
    options = cfg.CONF.agent
    scheduler = Scheduler()
    executor = Executor(
        scheduler, workers=options.workers, queue_size=options.queue_size,
        max_stuck=options.max_stuck,
    )
    interval = options.statistics_interval
    hypervisor = host.part(Hypervisor)  # type: ignore[type-abstract]
    sampler = Sampler(hypervisor, host.state_dir, max_age=3 * interval)
    host.parts[Sampler] = sampler
    return [scheduler, executor, Sampling(scheduler, executor, sampler.take, interval)]
