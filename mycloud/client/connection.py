"""The client: one cloud, one identity, a collection for each noun."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from mycloud.client import auth, config
from mycloud.client.backups import Backups
from mycloud.client.domains import Domains
from mycloud.client.flavors import Flavors
from mycloud.client.host_networks import HostNetworks
from mycloud.client.hosts import Hosts
from mycloud.client.images import Images
from mycloud.client.keypairs import Keypairs
from mycloud.client.nodes import Nodes, NodeTokens
from mycloud.client.operations import Operations
from mycloud.client.projects import Projects
from mycloud.client.quotas import Quotas
from mycloud.client.retry import Repeater, RetryPolicy
from mycloud.client.roles import Roles
from mycloud.client.server_volumes import ServerVolumes
from mycloud.client.servers import Servers
from mycloud.client.services import Services
from mycloud.client.snapshots import Snapshots
from mycloud.client.transport import Transport
from mycloud.client.users import Users
from mycloud.client.volume_attachments import VolumeAttachments
from mycloud.client.volume_services import VolumeMessages, VolumeServices
from mycloud.client.volume_transfers import VolumeTransfers
from mycloud.client.volume_types import QosSpecsCollection, VolumeTypes
from mycloud.client.volumes import Volumes


class Client:
    """Everything that one identity can do in one cloud; made by ``mycloud.client.connect``."""

    def __init__(self, transport: Transport):
        self.transport = transport

    @classmethod
    def from_config(
        cls,
        cloud: str | None,
        overrides: Mapping[str, Any],
        *,
        token_folder: Path | None = None,
        retry: RetryPolicy | None = None,
    ) -> "Client":
        """:param token_folder: keep tokens there between runs; None: in memory only
        :raises ConfigError: if there is no such cloud, or something needed is missing
        """
        chosen = config.load(cloud, overrides)
        session = auth.make_session(chosen, auth.make_plugin(chosen))
        return cls(
            Transport(
                chosen,
                session,
                tokens=auth.TokenCache(token_folder) if token_folder is not None else None,
                repeater=Repeater(retry or RetryPolicy()),
            )
        )

    @property
    def project_id(self) -> str:
        """The project that this client works in."""
        return self.transport.project_id

    @cached_property
    def servers(self) -> Servers:
        return Servers(self.transport, self.operations)

    @cached_property
    def flavors(self) -> Flavors:
        return Flavors(self.transport)

    @cached_property
    def images(self) -> Images:
        return Images(self.transport)

    @cached_property
    def keypairs(self) -> Keypairs:
        return Keypairs(self.transport)

    @cached_property
    def domains(self) -> Domains:
        return Domains(self.transport)

    @cached_property
    def projects(self) -> Projects:
        return Projects(self.transport)

    @cached_property
    def users(self) -> Users:
        return Users(self.transport)

    @cached_property
    def roles(self) -> Roles:
        return Roles(self.transport)

    @cached_property
    def quotas(self) -> Quotas:
        return Quotas(self.transport)

    @cached_property
    def hosts(self) -> Hosts:
        return Hosts(self.transport)

    @cached_property
    def host_networks(self) -> HostNetworks:
        return HostNetworks(self.transport)

    @cached_property
    def node_tokens(self) -> NodeTokens:
        return NodeTokens(self.transport)

    @cached_property
    def nodes(self) -> Nodes:
        return Nodes(self.transport)

    @cached_property
    def services(self) -> Services:
        return Services(self.transport)

    @cached_property
    def operations(self) -> Operations:
        return Operations(self.transport)

    # -- volumes -------------------------------------------------------------------------------

    @cached_property
    def volumes(self) -> Volumes:
        return Volumes(self.transport, self.operations)

    @cached_property
    def snapshots(self) -> Snapshots:
        return Snapshots(self.transport, self.operations)

    @cached_property
    def backups(self) -> Backups:
        return Backups(self.transport, self.operations)

    @cached_property
    def volume_types(self) -> VolumeTypes:
        return VolumeTypes(self.transport)

    @cached_property
    def qos_specs(self) -> QosSpecsCollection:
        return QosSpecsCollection(self.transport)

    @cached_property
    def volume_transfers(self) -> VolumeTransfers:
        return VolumeTransfers(self.transport)

    @cached_property
    def volume_attachments(self) -> VolumeAttachments:
        return VolumeAttachments(self.transport)

    @cached_property
    def volume_services(self) -> VolumeServices:
        return VolumeServices(self.transport)

    @cached_property
    def volume_messages(self) -> VolumeMessages:
        return VolumeMessages(self.transport)

    @cached_property
    def server_volumes(self) -> ServerVolumes:
        return ServerVolumes(self.transport, self.operations)
