"""Makes the manager of a compute host, and its agent, from the options."""

from pathlib import Path

from oslo_config import cfg

from mycloud.agent import parts
from mycloud.agent.agent import Agent
from mycloud.agent.host import Host
from mycloud.agent.hypervisor import Hypervisor
from mycloud.compute.drivers import loader
from mycloud.compute.drivers.base import DriverSettings
from mycloud.compute.manager import ComputeManager


def state_dir(host: str) -> Path:
    """Where a compute host of that name keeps its things."""
    return Path(cfg.CONF.state_path) / "hosts" / host


def pki_dir(host: str) -> Path:
    """Where the certificates of a compute host are, or may come to be: as the options say, or its
    own of several hosts on one machine, or this machine's."""
    if cfg.CONF.volume.pki_dir:
        return Path(cfg.CONF.volume.pki_dir)
    own = state_dir(host) / "pki"
    return own if own.is_dir() else Path(cfg.CONF.state_path) / "pki"


def manager(host: str) -> ComputeManager:
    """:raises DriverNotFound: [compute]/driver names one that there is not"""
    options = cfg.CONF.compute
    settings = DriverSettings(
        state_dir=state_dir(host),
        libvirt_uri=options.libvirt_uri,
        virt_type=options.virt_type,
        boot_files=Path(options.boot_files) if options.boot_files else None,
        proof_dir=Path(cfg.CONF.state_path),
        address=options.address,
        pki_dir=pki_dir(host),
        fake_vcpus=options.fake_vcpus,
        fake_memory_mb=options.fake_memory_mb,
        fake_disk_gb=options.fake_disk_gb,
    )
    driver = loader.load(options.driver, settings)
    return ComputeManager(host, driver, agent(host, driver))


def agent(host: str, hypervisor: Hypervisor) -> Agent:
    """The agent of a compute host; nothing of it runs yet.

    :raises VerbBroken: a verb can't be offered
    """
    about = Host(host, state_dir(host), {Hypervisor: hypervisor})
    return parts.make(about, pki_dir(host))
