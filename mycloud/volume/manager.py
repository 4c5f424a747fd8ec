"""One backend of a volume host: runs operations, exports volumes, tells what there is."""

import logging
from typing import Any

import oslo_messaging as messaging
from oslo_config import cfg

from mycloud.common import context, exceptions
from mycloud.common.states import Attach
from mycloud.journal import rpcapi as doorbell
from mycloud.journal.runner import Owner, Plan, Planner, Runner, Turns
from mycloud.objects.attachment import Attachment, AttachmentList
from mycloud.objects.operation import Operation
from mycloud.objects.service import Service
from mycloud.objects.volume import Volume, VolumePool
from mycloud.volume import rpcapi, tasks
from mycloud.volume.drivers.base import Pool, VolumeDriver
from mycloud.volume.exports.board import Board

LOG = logging.getLogger(__name__)

#: Attachments in these statuses have an export.
_EXPORTED = frozenset(
    {Attach.ATTACHING, Attach.ATTACHED, Attach.DETACHING, Attach.ERROR_DETACHING}
)


class VolumeManager:
    """A backend. One that can't start leaves its service up, which says why and refuses work."""

    target = messaging.Target(version=rpcapi.VERSION)
    topic = rpcapi.TOPIC
    binary = "mycloud-volume"
    role = context.VOLUME

    def __init__(self, host: str, driver: VolumeDriver, board: Board):
        """``host``: HOST@BACKEND."""
        self.host = host
        self.driver = driver
        self.board = board
        self.turns = Turns()
        self.runner: Runner | None = None
        self.trouble: str | None = "it has not started yet"
        self._owner: Owner | None = None

    # -- life ----------------------------------------------------------------------------------

    def init_host(self, owner: Owner) -> None:
        """Start the backend; what cannot start is told and tried again later."""
        self._owner = owner
        planners = {
            kind: self._guarded(plan)
            for kind, plan in tasks.planners(self.driver, self.board).items()
        }
        self.runner = Runner(owner, planners, doorbell.ring, turns=self.turns)
        self._start_backend()

    def _start_backend(self) -> None:
        name, driver = self.driver.settings.name, self.driver
        if not driver.SUPPORTED:
            LOG.warning("The driver of backend %s is not supported any more", name)
            if not driver.settings.options.get("enable_unsupported_driver"):
                self.trouble = (
                    "its driver is not supported any more; set enable_unsupported_driver to use "
                    "it all the same"
                )
                LOG.error("Backend %s stays off: %s", name, self.trouble)
                return
        LOG.info("Starting backend %s, driver version %s", name, driver.VERSION)
        try:
            driver.do_setup()
            driver.check_for_setup_error()
            removed = driver.clean_temporary()
        except exceptions.MycloudError as error:
            self.trouble = error.message
            LOG.error("Backend %s can't start: %s", name, error.message)
            return
        if removed:
            LOG.info("Removed what was half made in %s: %s", name, ", ".join(removed))
        self.trouble = None

    def _guarded(self, plan: Planner) -> Planner:
        """Refuses while the backend is not ready."""

        def guarded(ctxt: Any, operation: Operation) -> Plan:
            self._check_ready()
            return plan(ctxt, operation)

        return guarded

    def _check_ready(self) -> None:
        if self.trouble is not None:
            raise exceptions.BackendNotReady(
                backend=self.driver.settings.name, reason=self.trouble
            )

    def after_start(self) -> None:
        """Bring back the exports that are in use, and say what there is."""
        ctxt = context.admin_context()
        self._tell_trouble(ctxt)
        if self.trouble is None:
            self.board.revive()
            self.export_again(ctxt)
        self.publish(ctxt)

    def _tell_trouble(self, ctxt: Any) -> None:
        assert self._owner is not None
        Service.report_trouble(ctxt, self._owner.service_id, self.trouble)

    def stop(self) -> None:
        """Exports go on without this service."""
        if self.runner is not None:
            self.runner.stop()

    def periodic_tasks(self) -> list[tuple[float, Any]]:
        """(interval in seconds, function of a context) pairs."""
        return [
            (cfg.CONF.volume.stats_interval, self.publish),
            (cfg.CONF.volume.export_watch_interval, self.watch_exports),
        ]

    # -- operations ----------------------------------------------------------------------------

    def run_operation(self, ctxt: Any, operation_id: str) -> None:
        assert self.runner is not None
        self.runner.run(ctxt, operation_id)

    # -- connections ---------------------------------------------------------------------------

    def initialize_connection(
        self, ctxt: Any, attachment_id: str, connector: dict[str, Any]
    ) -> dict[str, Any]:
        self._check_ready()
        attachment = Attachment.get(ctxt, attachment_id)
        source = self.driver.source(attachment.volume_name)
        return self.board.ensure(attachment, source, connector)

    def terminate_connection(self, ctxt: Any, attachment_id: str) -> None:
        self.board.remove(attachment_id)

    def list_exports(self, ctxt: Any) -> dict[str, Any]:
        self._check_ready()
        return {
            "volumes": self.driver.names(),
            "snapshots": self.driver.snapshot_names(),
            "exports": self.board.all(),
        }

    def export_again(self, ctxt: Any) -> None:
        """Make anew the exports that are in use and have gone. Where that fails, a volume that is
        in use is in error from then on; one that something else is done to is left alone."""
        there = self.board.all()
        for attachment in AttachmentList.on_backend(ctxt, self.host):
            if attachment.status not in _EXPORTED or there.get(attachment.id):
                continue
            if not attachment.connector:
                continue
            try:
                source = self.driver.source(attachment.volume_name)
                self.board.ensure(attachment, source, attachment.connector)
            except exceptions.MycloudError as error:
                LOG.error(
                    "Volume %s can't be exported again: %s", attachment.volume_id, error.message
                )
                Volume.export_lost(ctxt, attachment.volume_id, error.message)

    def watch_exports(self, ctxt: Any) -> None:
        """Start again the exports whose process has died; compute hosts go on by themselves."""
        for key in self.board.revive():
            LOG.warning("The export of attachment %s had died and is there again", key)

    # -- the backend ---------------------------------------------------------------------------

    def publish(self, ctxt: Any) -> None:
        """Tell the scheduler what the backend has; a backend in trouble is tried again first."""
        if self.trouble is not None:
            before = self.trouble
            self._start_backend()
            if self.trouble != before:
                self._tell_trouble(ctxt)
        pools = [] if self.trouble is not None else self.driver.pools()
        VolumePool.publish(ctxt, self.host, [self._told(pool) for pool in pools])

    def _told(self, pool: Pool) -> dict[str, Any]:
        settings = self.driver.settings
        return {
            "pool": pool.name,
            "backend_name": settings.backend_name,
            "total_gb": pool.total_gb,
            "free_gb": pool.free_gb,
            "provisioned_gb": pool.provisioned_gb,
            "capabilities": {
                "volume_backend_name": settings.backend_name,
                "driver_version": self.driver.VERSION,
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
