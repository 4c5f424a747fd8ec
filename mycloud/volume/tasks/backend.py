"""The life of a backend: its start, its exports, and what it tells of itself."""

import logging
from typing import Any

from mycloud.common import exceptions
from mycloud.common.states import Attach
from mycloud.objects.attachment import AttachmentList
from mycloud.objects.volume import Volume
from mycloud.volume import images
from mycloud.volume.drivers.base import Pool, VolumeDriver
from mycloud.volume.exports.board import Board

LOG = logging.getLogger(__name__)

#: Attachments in these statuses have an export.
_EXPORTED = frozenset(
    {Attach.ATTACHING, Attach.ATTACHED, Attach.DETACHING, Attach.ERROR_DETACHING}
)


def start(driver: VolumeDriver) -> str | None:
    """Get a backend ready; why it can't work, or None."""
    name = driver.settings.name
    if not driver.SUPPORTED:
        LOG.warning("The driver of backend %s is not supported any more", name)
        if not driver.settings.options.get("enable_unsupported_driver"):
            LOG.error("Backend %s stays off", name)
            return (
                "its driver is not supported any more; set enable_unsupported_driver to use it "
                "all the same"
            )
    LOG.info("Starting backend %s, driver version %s", name, driver.VERSION)
    try:
        driver.do_setup()
        driver.check_for_setup_error()
        removed = [*driver.clean_temporary(), *images.clean(driver.settings.state_dir)]
    except exceptions.MycloudError as error:
        LOG.error("Backend %s can't start: %s", name, error.message)
        return error.message
    if removed:
        LOG.info("Removed what was half made in %s: %s", name, ", ".join(removed))
    return None


def export_again(context: Any, host: str, driver: VolumeDriver, board: Board) -> None:
    """Make anew the exports that are in use and have gone. Where that fails, a volume that is in
    use is in error from then on; one that something else is done to is left alone."""
    there = board.all()
    for attachment in AttachmentList.on_backend(context, host):
        if attachment.status not in _EXPORTED or not attachment.connector:
            continue
        if there.get(attachment.id):
            continue
        try:
            source = driver.source(attachment.volume_name)
            board.ensure(attachment, source, attachment.connector)
        except exceptions.MycloudError as error:
            LOG.error(
                "Volume %s can't be exported again: %s", attachment.volume_id, error.message
            )
            Volume.export_lost(context, attachment.volume_id, error.message)


def tidy_exports(context: Any, board: Board) -> None:
    """End the exports that nothing needs any more: of an attachment that was given up while this
    service was away, or that came back by a message that was late."""
    # the exports first: one that is made after this is needed
    there = sorted(board.all())
    if not there:
        return
    needed = set(AttachmentList.needed(context, there))
    for key in there:
        if key not in needed:
            LOG.warning("Ending the export of attachment %s, which is no more", key)
            board.remove(key)


def told(driver: VolumeDriver, pool: Pool) -> dict[str, Any]:
    """What the scheduler is told of a pool."""
    settings = driver.settings
    return {
        "pool": pool.name,
        "backend_name": settings.backend_name,
        "total_gb": pool.total_gb,
        "free_gb": pool.free_gb,
        "provisioned_gb": pool.provisioned_gb,
        "capabilities": {
            "volume_backend_name": settings.backend_name,
            "driver_version": driver.VERSION,
            "vendor_name": "mycloud",
            "storage_protocol": pool.storage_protocol,
            "thin_provisioning_support": pool.thin,
            "thick_provisioning_support": not pool.thin,
            "max_over_subscription_ratio": pool.max_over_subscription_ratio,
            "reserved_percentage": pool.reserved_percentage,
            "multiattach": pool.multiattach,
            "online_extend_support": pool.online_extend,
            "QoS_support": False,
            **pool.capabilities,
        },
    }
