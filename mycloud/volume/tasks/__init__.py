"""What a volume host does for an operation: one planner a kind."""

import functools
from collections.abc import Callable
from typing import Any

from mycloud.journal.runner import Planner
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board
from mycloud.volume.tasks import (
    backup,
    create,
    delete,
    extend,
    image,
    manage,
    move,
    revert,
    snapshot,
)

#: operation kind -> plan(driver, board, context, operation)
PLANS: dict[str, Callable[..., Any]] = {
    "backup.create": backup.create,
    "backup.delete": backup.delete,
    "backup.import": backup.take,
    "backup.restore": backup.restore,
    "volume.create": create.plan,
    "volume.delete": delete.plan,
    "volume.discard": move.discard,
    "volume.extend": extend.plan,
    "volume.manage": manage.manage,
    "volume.reimage": image.reimage,
    "volume.revert": revert.plan,
    "volume.unmanage": manage.unmanage,
    "volume.upload_image": image.upload,
    "volume.migrate": move.plan,
    "volume.retype": move.plan,
    "snapshot.create": snapshot.create,
    "snapshot.delete": snapshot.delete,
    "snapshot.manage": manage.manage_snapshot,
    "snapshot.unmanage": manage.unmanage_snapshot,
}


def planners(driver: VolumeDriver, board: Board) -> dict[str, Planner]:
    """The planners of a backend."""
    return {kind: functools.partial(plan, driver, board) for kind, plan in PLANS.items()}
