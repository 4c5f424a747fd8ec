"""Puts the agent of a host together: its parts, in the order in which they start."""

from __future__ import annotations

import functools
from pathlib import Path

from oslo_config import cfg

from mycloud.agent.agent import Agent
from mycloud.agent.dhcp import monitor as dhcp
from mycloud.agent.dhcp.monitor import DhcpMonitor
from mycloud.agent.executor import Executor
from mycloud.agent.hooks import Hooks
from mycloud.agent.host import Host
from mycloud.agent.hypervisor import Hypervisor
from mycloud.agent.metrics import Metrics
from mycloud.agent.netinfo.facts import Facts
from mycloud.agent.netinfo.monitor import Monitor
from mycloud.agent.port import own_metrics, rpc, settings
from mycloud.agent.port.acceptor import Acceptor
from mycloud.agent.port.http.pages import pages
from mycloud.agent.port.http.server import Http
from mycloud.agent.port.jsonrpc import JsonRpc
from mycloud.agent.scheduler import Scheduler
from mycloud.agent.statistics import metrics as statistics
from mycloud.agent.statistics.sampler import Sampler, Sampling
from mycloud.agent.transfer import cached_images
from mycloud.agent.transfer.cached_images import CachedImages
from mycloud.agent.transfer.tickets import Tickets


def make(host: Host, pki_dir: Path) -> Agent:
    """The agent of a host, by the options; nothing of it runs yet.

    A verb finds a part by its class: ``host.part(Scheduler)``.

    :param host: has its hypervisor already, as ``part(Hypervisor)``
    :param pki_dir: where the certificates of the host are
    :raises VerbBroken: a verb can't be offered
    """
    agent = Agent(host)
    _add_base(agent)
    _add_statistics(agent)
    _add_transfers(agent)
    _add_network(agent)
    # what others ask for comes last: it is gone first
    if cfg.CONF.agent.enabled:
        agent.add(_port(agent, pki_dir))
    return agent


def _add_base(agent: Agent) -> None:
    options = cfg.CONF.agent
    scheduler = Scheduler()
    agent.add(scheduler)
    agent.add(
        Executor(
            scheduler, workers=options.workers, queue_size=options.queue_size,
            max_stuck=options.max_stuck,
        )
    )
    agent.add(Metrics())
    agent.add(
        Hooks(Path(options.hooks_dir), agent.host.name, timeout=options.hook_timeout)
    )


def _add_statistics(agent: Agent) -> None:
    host, interval = agent.host, cfg.CONF.agent.statistics_interval
    hypervisor = host.part(Hypervisor)  # type: ignore[type-abstract]
    sampler = Sampler(hypervisor, host.state_dir, max_age=3 * interval)
    host.parts[Sampler] = sampler
    agent.add(Sampling(host.part(Scheduler), host.part(Executor), sampler.take, interval))
    host.part(Metrics).add(lambda: statistics.render(host)[1])


def _add_network(agent: Agent) -> None:
    monitor = Monitor()
    facts = Facts(monitor=monitor)
    agent.add(monitor)
    agent.add(facts)
    agent.add(DhcpMonitor(facts, monitor, agent.host.state_dir / dhcp.SOCKET))


def _add_transfers(agent: Agent) -> None:
    host = agent.host
    # guests' disks, cached images, and what comes to be either
    roots = tuple(host.state_dir / name for name in ("instances", cached_images.DIRECTORY))
    longest = cfg.CONF.agent.ticket_seconds
    agent.add(Tickets(host.part(Scheduler), roots, longest=longest))
    agent.add(CachedImages(host.state_dir))


def _port(agent: Agent, pki_dir: Path) -> Acceptor:
    options, host = cfg.CONF.agent, agent.host
    patience = settings.Patience(
        options.idle_timeout, options.request_timeout, options.max_request_bytes
    )
    dispatcher = rpc.Dispatcher(
        agent,
        frozenset({host.name, *options.allowed_names}),
        rpc.Limits(options.max_batch, options.verb_timeout),
    )
    tls = functools.partial(
        settings.tls_context, pki_dir, client_certificates=options.client_certificates
    )
    acceptor = Acceptor(
        settings.of_host(host.name),
        [JsonRpc(dispatcher, patience), Http(pages(host, dispatcher, patience), patience)],
        host.part(Scheduler),
        tls=tls if options.tls else None,
    )
    show_own(host, acceptor)
    return acceptor


def show_own(host: Host, acceptor: Acceptor) -> None:
    """Let ``/metrics`` tell of the port and of the workers."""
    host.part(Metrics).add(functools.partial(own_metrics.page, host.part(Executor), acceptor))
