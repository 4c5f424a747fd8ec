"""Certificates of the hosts on this machine, so that volumes can be given over the network."""

from oslo_config import cfg

from mycloud.common import exceptions, pki
from mycloud.local.layout import Layout
from mycloud.local.settings import Settings, Tell

_HERE = ("127.0.0.1", "::1", "localhost")


def ensure(layout: Layout, settings: Settings, tell: Tell) -> None:
    """Make the authority and what each host needs; what is good is kept.

    Where an operator has put certificates elsewhere (``[volume]pki_dir``), or has brought them
    from another authority, nothing is made. What can't be made is told: volumes of this machine
    are there for its own servers all the same.
    """
    options = cfg.CONF.volume
    if settings.hypervisor == "fake" or options.pki_dir:
        return
    if layout.certificates.exists() and not layout.authority.exists():
        return
    addresses = dict.fromkeys((*_HERE, options.export_address, cfg.CONF.compute.address))
    try:
        bundles = {
            host: pki.ensure_host(layout.authority, host, addresses) for host in settings.hosts
        }
    except exceptions.CertificatesBroken as error:
        tell(f"Volumes can't be given over the network; {layout.authority}: {error.message}")
        return
    for host, bundle in bundles.items():
        pki.install(bundle, layout.host_certificates(host))
    # the volume service is part of the first host
    pki.install(bundles[settings.hosts[0]], layout.certificates)
