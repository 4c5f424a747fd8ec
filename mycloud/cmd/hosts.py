"""Makes the manager of a compute host from the options."""

from pathlib import Path

from oslo_config import cfg

from mycloud.compute.drivers import loader
from mycloud.compute.drivers.base import DriverSettings
from mycloud.compute.manager import ComputeManager


def state_dir(host: str) -> Path:
    """Where a compute host of that name keeps its things."""
    return Path(cfg.CONF.state_path) / "hosts" / host


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
        pki_dir=Path(cfg.CONF.volume.pki_dir or Path(cfg.CONF.state_path, "pki")),
        fake_vcpus=options.fake_vcpus,
        fake_memory_mb=options.fake_memory_mb,
        fake_disk_gb=options.fake_disk_gb,
    )
    return ComputeManager(host, loader.load(options.driver, settings))
