"""Give volumes to guests and take them away; what of it building and ending a server shares."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from oslo_config import cfg

from mycloud.common import clock, concurrency, connection_info, exceptions, states
from mycloud.common.states import Vol
from mycloud.compute import guest_spec
from mycloud.compute.drivers.base import ComputeDriver, GuestSpec, VolumeDisk
from mycloud.journal.runner import Plan, Step
from mycloud.objects.attachment import Attachment, AttachmentList
from mycloud.objects.operation import Operation
from mycloud.objects.server import Server
from mycloud.objects.volume_key import VolumeKey
from mycloud.volume.rpcapi import VolumeAPI

LOG = logging.getLogger(__name__)

T = TypeVar("T")

DEFAULT_BUS = "virtio"
#: Seconds between two looks whether a volume is there.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_MAKING = frozenset({Vol.CREATING, Vol.DOWNLOADING})


class Connection:
    """One attachment, as this host knows it.

    What a killed worker knew of it is asked for again: a connection is the same every time.
    """

    def __init__(
        self,
        driver: ComputeDriver,
        context: Any,
        host: str,
        attachment_id: str,
        *,
        attachment: Attachment | None = None,
    ):
        self._driver = driver
        self._context = context
        self._host = host
        self.attachment_id = attachment_id
        self._attachment = attachment
        self._info: dict[str, Any] | None = None

    @property
    def attachment(self) -> Attachment:
        """:raises AttachmentNotFound:"""
        if self._attachment is None:
            self._attachment = Attachment.get(self._context, self.attachment_id)
        return self._attachment

    def open(self) -> None:
        """Have the volume exported to this host, and write down how, before anything is done with
        it: whoever takes over must be able to forget it again.

        :raises ServiceUnavailable: :raises ExportFailed: :raises BackendNotReady:
        """
        connector = self._driver.connector()
        self._attachment = Attachment.begin(
            self._context, self.attachment_id, {"host": self._host, "connector": connector}
        )
        self._info = VolumeAPI().initialize_connection(
            self._context, self._attachment.service_host, self.attachment_id, connector
        )
        kept = {
            "mountpoint": self._attachment.device_name or self._attachment.mountpoint,
            "connection_info": connection_info.without_secrets(self._info),
        }
        Attachment.change(self._context, self.attachment_id, kept)

    @property
    def info(self) -> dict[str, Any]:
        """How this host reaches the volume, secrets included."""
        if self._info is None:
            self.open()
        assert self._info is not None
        return self._info

    def disk(self) -> VolumeDisk:
        """The volume as a disk of the guest."""
        attachment = self.attachment
        secret = None
        if attachment.encrypted:
            secret = VolumeKey.passphrase(self._context, attachment.id)
        info = self.info
        return VolumeDisk(
            volume_id=attachment.volume_id,
            connection=info,
            device=(attachment.device_name or attachment.mountpoint or "").rpartition("/")[2],
            bus=attachment.disk_bus or DEFAULT_BUS,
            device_type=attachment.device_type or "disk",
            boot_index=attachment.boot_index,
            read_only=info.get("access_mode") == "ro",
            shareable=attachment.multiattach,
            tag=attachment.tag,
            iotune=info.get("qos_specs") or {},
            secret=secret.encode() if secret else None,
        )

    def close(self) -> None:
        """Let the host and then the volume's backend forget it.

        A backend that does not answer forgets it by itself, once the attachment is gone.
        """
        known = self._info or self.attachment.connection_info
        try:
            if known is not None:
                self._driver.disconnect_volume(known)
        finally:
            end_export(self._context, self.attachment)


def end_export(context: Any, attachment: Attachment) -> None:
    """Let the volume's backend end an export. One that does not answer finds out by itself that
    the attachment is gone."""
    try:
        VolumeAPI().terminate_connection(context, attachment.service_host, attachment.id)
    except (exceptions.ServiceUnavailable, exceptions.BackendNotReady) as error:
        LOG.warning("The export of attachment %s is not ended: %s", attachment.id, error)


def attach(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.attach_volume."""
    server_id, payload = operation.resource_id, operation.payload
    host = str(operation.host)
    connection = Connection(driver, context, host, payload["attachment_id"])

    def give() -> None:
        disk = connection.disk()
        if disk.secret is not None:
            driver.prepare_encryption(disk)
        driver.attach_volume(server_id, disk)

    def take() -> None:
        driver.detach_volume(server_id, payload["volume_id"], cfg.CONF.volume.detach_timeout)

    def close() -> None:
        if not given():
            connection.close()

    def given() -> bool:
        return payload["volume_id"] in driver.volumes(server_id)

    def after_failure() -> dict[str, Any]:
        # a guest that would not let go of it goes on using it
        return {"given": asked(given)}

    return Plan(
        steps=[
            Step("connect", do=connection.open, undo=close),
            Step(
                "attach",
                do=give,
                done=lambda: driver.has_volume(server_id, payload["volume_id"]),
                undo=take,
            ),
        ],
        after_failure=after_failure,
    )


def asked(question: Callable[[], T]) -> T:
    """What the hypervisor says after a failure.

    :raises ServiceUnavailable: nobody can tell; the operation waits until somebody can
    """
    try:
        return question()
    except exceptions.MycloudError as error:
        LOG.error("What the guest uses can't be told yet: %s", error.message)
        raise exceptions.ServiceUnavailable(service="hypervisor") from error


def detach(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of server.detach_volume; none of it is undone: what the guest has let go of stays
    away."""
    server_id, payload = operation.resource_id, operation.payload
    volume_id = payload["volume_id"]
    attachment = Attachment.get(context, payload["attachment_id"])

    def disconnect() -> None:
        if attachment.connection_info is not None:
            driver.disconnect_volume(attachment.connection_info)
        end_export(context, attachment)

    return Plan(
        steps=[
            Step(
                "detach",
                do=lambda: driver.detach_volume(
                    server_id, volume_id, cfg.CONF.volume.detach_timeout
                ),
                done=lambda: volume_id not in driver.volumes(server_id),
            ),
            Step("disconnect", do=disconnect),
        ]
    )


def copy(
    driver: ComputeDriver, context: Any, server_id: str, target: dict[str, Any]
) -> bool:
    """Copy a volume that a guest uses; whether the guest was at rest meanwhile.

    :param target: ``volume_id``, ``path`` and ``format`` of the copy, and ``attachment_id`` of an
        encrypted volume, whose copy is encrypted, too
    """
    secret = None
    if target.get("attachment_id"):
        secret = VolumeKey.passphrase(context, target["attachment_id"])
    made = driver.copy_volume(
        server_id, target["volume_id"], Path(target["path"]), target["format"],
        secret=secret.encode() if secret else None,
    )
    return made.quiesced


def of_server(
    driver: ComputeDriver, context: Any, host: str, server_id: str
) -> list[Connection]:
    """The connections of all volumes of a server, in the order of its devices."""
    return [
        Connection(driver, context, host, attachment.id, attachment=attachment)
        for attachment in AttachmentList.of_server(context, server_id)
    ]


def let_go(driver: ComputeDriver, context: Any, server_id: str) -> None:
    """Forget the volumes of a server whose guest is gone, on this host and where they lie."""
    for attachment in AttachmentList.of_server(context, server_id):
        if attachment.connector is None:
            # no host has ever had it; it may not even have been made
            continue
        if attachment.connection_info is not None:
            driver.disconnect_volume(attachment.connection_info)
        end_export(context, attachment)


def disks(
    driver: ComputeDriver, context: Any, operation: Operation
) -> tuple[VolumeDisk, ...]:
    """The disks of a server that is about to start, connected anew."""
    if not operation.payload.get("volumes"):
        return ()
    host = str(operation.host)
    return tuple(
        each.disk() for each in of_server(driver, context, host, operation.resource_id)
    )


class NewDisks:
    """The volumes of a server that is being made; nothing for one without."""

    def __init__(self, driver: ComputeDriver, context: Any, operation: Operation):
        self._driver = driver
        self._context = context
        self._operation = operation
        self._connections: list[Connection] | None = None

    @property
    def _wanted(self) -> bool:
        return bool(self._operation.payload.get("volumes"))

    def steps(self) -> list[Step]:
        """Wait for them, and have them exported to this host."""
        if not self._wanted:
            return []
        return [
            Step("volumes", do=self._wait),
            Step("connect", do=self._connect, undo=self._disconnect),
        ]

    def added_to(self, spec: GuestSpec) -> GuestSpec:
        """The guest with its volumes."""
        if not self._wanted:
            return spec
        return guest_spec.with_volumes(spec, [each.disk() for each in self._all()])

    def _all(self) -> list[Connection]:
        if self._connections is None:
            operation = self._operation
            self._connections = of_server(
                self._driver, self._context, str(operation.host), operation.resource_id
            )
        return self._connections

    def _wait(self) -> None:
        """Until all of them are there.

        :raises VolumeNotMade: one of them has failed
        :raises InvalidVolume: one of them takes too long
        """
        deadline = clock.monotonic() + cfg.CONF.volume.ready_timeout
        pause = _FIRST_PAUSE
        while True:
            found = AttachmentList.of_server(self._context, self._operation.resource_id)
            making = [each for each in found if each.volume_status in _MAKING]
            broken = [each for each in found if each.volume_status in states.VOLUME_ERRORS]
            if broken:
                raise exceptions.VolumeNotMade(volume_id=broken[0].volume_id)
            if not making:
                return
            self._check_wanted()
            if clock.monotonic() > deadline:
                raise exceptions.InvalidVolume(
                    reason=f"volume {making[0].volume_id}, which the server is to have, is still "
                    f"{making[0].volume_status} after {cfg.CONF.volume.ready_timeout} s."
                )
            concurrency.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _check_wanted(self) -> None:
        """:raises OperationCancelled: the server is another operation's by now"""
        server = Server.get(self._context, self._operation.resource_id)
        if server.operation_id != self._operation.id:
            raise exceptions.OperationCancelled(operation_id=self._operation.id)

    def _connect(self) -> None:
        for each in self._all():
            each.open()
            disk = each.disk()
            if disk.secret is not None:
                self._driver.prepare_encryption(disk)

    def _disconnect(self) -> None:
        for each in self._all():
            each.close()
