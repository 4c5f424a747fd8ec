"""The Python client library of mycloud.

    import mycloud.client

    cloud = mycloud.client.connect("mycloud")
    flavor, image = cloud.flavors.find("m1.tiny"), cloud.images.find("tiny")
    (accepted,) = cloud.servers.create(mycloud.client.NewServer("web", flavor.id, image.id))
    server = cloud.servers.wait(accepted)

It speaks the OpenStack APIs, so it also works against other clouds; what only mycloud has
(operations, steps, ``why``) is used where the catalog offers it. Importing this package is
cheap: its names are loaded when they are first used, HTTP and authentication by ``connect``.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mycloud.client.backups import NewBackup as NewBackup
    from mycloud.client.connection import Client as Client
    from mycloud.client.errors import ApiError as ApiError
    from mycloud.client.errors import ClientError as ClientError
    from mycloud.client.errors import NotFound as NotFound
    from mycloud.client.errors import OperationFailed as OperationFailed
    from mycloud.client.images import NewImage as NewImage
    from mycloud.client.images import guess_disk_format as guess_disk_format
    from mycloud.client.roles import Scope as Scope
    from mycloud.client.servers import NewServer as NewServer
    from mycloud.client.volumes import NewVolume as NewVolume

_HOMES = {
    "ApiError": "errors",
    "Client": "connection",
    "ClientError": "errors",
    "NewBackup": "backups",
    "NewImage": "images",
    "NewServer": "servers",
    "NewVolume": "volumes",
    "NotFound": "errors",
    "OperationFailed": "errors",
    "Scope": "roles",
    "guess_disk_format": "images",
}

__all__ = ["connect", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def connect(cloud: str | None = None, **overrides: Any) -> "Client":
    """A client of the cloud called ``cloud`` in clouds.yaml, or of the one in the environment.

    ``overrides`` are keys of clouds.yaml (``region_name``, ``verify``, ...) or of its ``auth``
    part (``auth_url``, ``username``, ``password``, ``project_name``, ``token``, ...), and win over
    both. Nothing is sent before the first request.

    :raises ConfigError: if there is no such cloud, or something needed is missing
    """
    connection = importlib.import_module(f"{__name__}.connection")
    client: Client = connection.Client.from_config(cloud, overrides)
    return client
