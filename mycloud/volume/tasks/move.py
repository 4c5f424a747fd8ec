"""The part that the destination of a move does: it makes the volume anew and fetches its bytes.

Where a guest has the volume, its host does the rest: see mycloud/compute/tasks/move.py. What is
left over at the end, there or here, is removed by ``discard``.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mycloud.common import exceptions
from mycloud.compute.rpcapi import TOPIC as COMPUTE
from mycloud.journal.runner import Plan, Step
from mycloud.objects.operation import Operation
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports import fetching
from mycloud.volume.exports.board import Board
from mycloud.volume.exports.copying import CopyFailed
from mycloud.volume.rpcapi import VolumeAPI
from mycloud.volume.tasks.backup import pulse_of

LOG = logging.getLogger(__name__)

_RAW = "raw"


def plan(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.migrate, and of volume.retype where it moves; both may be begun anew
    at any time. The new place calls the volume by the operation's id."""
    payload, name = operation.payload, operation.id

    def then() -> dict[str, Any]:
        if "compute_host" not in payload:
            return {}
        return {
            "topic": COMPUTE,
            "host": payload["compute_host"],
            # its host does one thing after another to a server
            "payload": {**payload, "turn": payload["server_id"]},
        }

    steps = [
        Step(
            "create",
            do=lambda: _create(driver, operation),
            done=lambda: driver.exists(name),
            undo=lambda: driver.delete(name),
        )
    ]
    if "compute_host" not in payload:
        steps.append(Step("copy", do=lambda: _fetch(driver, board, context, operation)))
    return Plan(steps=steps, then=then)


def _create(driver: VolumeDriver, operation: Operation) -> None:
    volume, name = operation.volume, operation.id
    driver.create(name, volume.size_gb, pool=operation.payload["pool"] or None)
    if volume.encrypted and driver.source(name).format != _RAW:
        raise exceptions.BackendFailed(
            backend=driver.settings.name, verb="take the volume",
            reason="it is encrypted, and this backend has no raw volumes",
        )


def _fetch(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> None:
    """Copy all of it; what an earlier try has copied is copied again."""
    volume, target = operation.volume, driver.source(operation.id)
    try:
        with _lent(board, context, operation) as info:
            fetching.fetch(
                place_of(driver, operation.id), info, target, pki_dir=board.pki_dir,
                pulse=pulse_of(operation),
            )
    except CopyFailed as error:
        raise exceptions.BackendFailed(
            backend=driver.settings.name, verb=f"copy volume {volume.id} to it",
            reason=str(error),
        ) from error


def place_of(driver: VolumeDriver, operation_id: str) -> Path:
    """The directory of the process that copies for an operation."""
    return driver.settings.state_dir / "moves" / operation_id


@contextlib.contextmanager
def _lent(board: Board, context: Any, operation: Operation) -> Iterator[dict[str, Any]]:
    """How the volume is read where it lies, for the block."""
    host, api = operation.volume.service_host, VolumeAPI()
    info = api.open_copy(
        context, host, operation.id, name=operation.volume.backend_name,
        connector=board.connector(str(operation.host)),
    )
    try:
        yield info
    finally:
        try:
            api.close_copy(context, host, operation.id)
        except exceptions.ServiceUnavailable as error:
            LOG.warning("The export of move %s is ended later: %s", operation.id, error)


def discard(driver: VolumeDriver, board: Board, context: Any, operation: Operation) -> Plan:
    """The steps of volume.discard: remove what a move has left here. Nothing is ever undone."""
    name, volume = operation.payload["name"], operation.volume
    exports: list[str] = operation.payload["exports"]

    def remove() -> None:
        for key in exports:
            board.remove(key)
        _forget(driver, name)
        lies_here = volume.deleted_at is None and volume.service_host == operation.host
        if name is None or (lies_here and volume.backend_name == name):
            return
        driver.delete(name)

    return Plan(steps=[Step("discard", do=remove)])


def _forget(driver: VolumeDriver, name: str | None) -> None:
    if name is None:
        return
    try:
        fetching.forget(place_of(driver, name))
    except CopyFailed as error:
        raise exceptions.BackendFailed(
            backend=driver.settings.name, verb="end a copy", reason=str(error)
        ) from error
