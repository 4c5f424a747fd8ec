"""All options of mycloud, one module per group. Nobody registers options elsewhere."""

from oslo_config import cfg

from mycloud.conf import (
    agent,
    api,
    backup,
    compute,
    conductor,
    database,
    embedded,
    identity,
    image,
    node,
    pki,
    privileged,
    quota,
    scheduler,
    service,
    volume,
    volume_quota,
)

GROUPS = (
    agent,
    api,
    backup,
    compute,
    conductor,
    database,
    embedded,
    identity,
    image,
    node,
    pki,
    privileged,
    quota,
    scheduler,
    service,
    volume,
    volume_quota,
)

CONF = cfg.CONF


def register_all() -> None:
    """Register every group with the global ``cfg.CONF``; may be called again."""
    for module in GROUPS:
        if module.GROUP == "DEFAULT":
            CONF.register_opts(module.OPTS)
        else:
            CONF.register_opts(module.OPTS, group=module.GROUP)


register_all()
