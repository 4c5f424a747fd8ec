"""The part that a guest's host does when one of its volumes moves to another backend or gets
another type: the guest changes over to the new place while it goes on.

From the moment on when it might have changed over, only the guest itself says where its bytes are:
no deadline ends the operation any more, and whatever becomes of it the record follows the guest.
"""

import dataclasses
import logging
from typing import Any

from mycloud.common import connection_info, exceptions
from mycloud.compute.drivers.base import ComputeDriver, PowerState, VolumeDisk
from mycloud.compute.tasks import volumes
from mycloud.journal.runner import Plan, Step
from mycloud.objects.attachment import Attachment
from mycloud.objects.operation import Operation
from mycloud.volume.rpcapi import VolumeAPI

LOG = logging.getLogger(__name__)

#: in the payload: the guest may have changed over
_CHANGING = "changing"
_ON = (PowerState.RUNNING, PowerState.PAUSED)


class NewPlace(volumes.Connection):
    """The attachment's volume where it moves to. ``place``: that service and its name there."""

    def __init__(
        self, driver: ComputeDriver, context: Any, operation: Operation, place: tuple[str, str]
    ):
        super().__init__(
            driver, context, str(operation.host), operation.payload["attachment_id"]
        )
        self._service, self._name = place

    def open(self) -> None:
        self._info = VolumeAPI().initialize_connection(
            self._context, self._service, self.attachment_id, self._driver.connector(),
            name=self._name,
        )

    def close(self) -> None:
        try:
            VolumeAPI().terminate_connection(self._context, self._service, self.attachment_id)
        except exceptions.ServiceUnavailable as error:
            LOG.warning("The export to %s is ended later: %s", self._service, error)


class Change:
    """One guest's disk that changes over, or only its bounds."""

    def __init__(self, driver: ComputeDriver, context: Any, operation: Operation):
        self._driver = driver
        self._operation = operation
        self._context = context
        payload = operation.payload
        self._server_id: str = payload["server_id"]
        self._volume_id = operation.resource_id
        self._iotune: dict[str, int] | None = payload.get("iotune")
        place = (payload["to"].partition("#")[0], operation.id) if "to" in payload else None
        self._new = NewPlace(driver, context, operation, place) if place else None

    def steps(self) -> list[Step]:
        """Change over to the new place if there is one, and set the bounds if they change."""
        found = []
        if self._new is not None and not self._has_new():
            found += [
                Step("connect", do=self._new.open, undo=self._let_go),
                Step("swap", do=self._swap, done=self._swapped, undo=self._abort),
            ]
        return found

    def end(self) -> dict[str, Any]:
        """What the record needs to know; until it does this may be asked for again."""
        found: dict[str, Any] = {}
        if self._new is not None:
            disk = self._disk()
            if not self._driver.swapped(self._server_id, disk):
                # a killed process had changed the running guest over, and not yet its definition
                self._driver.swap_volume(self._server_id, self._volume_id, disk)
            found |= self._told("new")
        if self._iotune is not None:
            self._driver.tune_volume(self._server_id, self._volume_id, self._iotune)
        return found

    def after_failure(self) -> dict[str, Any]:
        """Which place the guest has after all.

        :raises ServiceUnavailable: nobody can tell; the operation waits until somebody can
        """
        if self._new is None:
            return {}
        return volumes.asked(lambda: self._told("new" if self._has_new() else "old"))

    def _told(self, place: str) -> dict[str, Any]:
        if place != "new" or self._new is None:
            return {"guest": place}
        info = connection_info.without_secrets(self._new.info)
        return {
            "guest": place,
            "attachment": {"id": self._new.attachment_id, "connection_info": info},
        }

    def _disk(self) -> VolumeDisk:
        assert self._new is not None
        disk = self._new.disk()
        if self._iotune is not None:
            disk = dataclasses.replace(disk, iotune=self._iotune)
        return disk

    def _has_new(self) -> bool:
        if not self._operation.payload.get(_CHANGING):
            # nobody has asked it to
            return False
        return self._driver.uses(self._server_id, self._disk())

    def _swapped(self) -> bool:
        # nobody else brings it there, whatever it looks like
        return self._has_new() and self._driver.swapped(self._server_id, self._disk())

    def _swap(self) -> None:
        guest = self._driver.guest(self._server_id)
        if guest is None or guest.power_state not in _ON:
            raise exceptions.InvalidVolume(
                reason=f"server {self._server_id} is off, so its guest can't change over to "
                "another place; start it, or detach the volume, and try again."
            )
        disk = self._disk()
        self._operation.take_all_time(**{_CHANGING: True})
        if disk.secret is not None:
            self._driver.prepare_encryption(disk)
        self._driver.swap_volume(self._server_id, self._volume_id, disk, only_live=True)

    def _abort(self) -> None:
        if not self._has_new():
            self._driver.abort_swap(self._server_id, self._volume_id)

    def _let_go(self) -> None:
        assert self._new is not None
        if not self._has_new():
            self._new.close()


def plan(driver: ComputeDriver, context: Any, operation: Operation) -> Plan:
    """The steps of volume.migrate and volume.retype on the host of a guest that has the volume.
    Its undo leaves the guest with the old place, unless it has the new one already."""
    # the volume is nobody's to move who has it no more
    Attachment.get(context, operation.payload["attachment_id"])
    change = Change(driver, context, operation)
    return Plan(
        steps=change.steps(), result=change.end, after_failure=change.after_failure
    )
