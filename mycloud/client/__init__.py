"""The Python client library of mycloud.

    import mycloud.client

    cloud = mycloud.client.connect("mycloud")
    flavor, image = cloud.flavors.find("m1.tiny"), cloud.images.find("tiny")
    accepted = cloud.servers.create(NewServer("web", flavor.id, image.id))
    server = cloud.servers.wait(accepted)

It speaks the OpenStack APIs, so it also works against other clouds; what only mycloud has
(operations, steps, ``why``) is used where the catalog offers it. Importing this package is
cheap: HTTP and authentication are loaded by ``connect``.
"""

from typing import Any

from mycloud.client.connection import Client
from mycloud.client.errors import ApiError, ClientError, NotFound, OperationFailed
from mycloud.client.servers import NewServer

__all__ = [
    "ApiError",
    "Client",
    "ClientError",
    "NewServer",
    "NotFound",
    "OperationFailed",
    "connect",
]


def connect(cloud: str | None = None, **overrides: Any) -> Client:
    """A client of the cloud called ``cloud`` in clouds.yaml, or of the one in the environment.

    ``overrides`` are keys of clouds.yaml (``region_name``, ``verify``, ...) or of its ``auth``
    part (``auth_url``, ``username``, ``password``, ``project_name``, ``token``, ...), and win over
    both. Nothing is sent before the first request.

    :raises ConfigError: if there is no such cloud, or something needed is missing
    """
    return Client.from_config(cloud, overrides)
