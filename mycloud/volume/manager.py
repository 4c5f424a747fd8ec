"""One backend of a volume host: runs operations, exports volumes, tells what there is."""

import dataclasses
import logging
from typing import Any

import oslo_messaging as messaging
from oslo_config import cfg

from mycloud.common import context, exceptions
from mycloud.journal import rpcapi as doorbell
from mycloud.journal.runner import Owner, Plan, Planner, Runner, Turns
from mycloud.objects.attachment import Attachment
from mycloud.objects.operation import Operation
from mycloud.objects.service import Service
from mycloud.objects.volume import VolumePool
from mycloud.volume import rpcapi, tasks
from mycloud.volume.drivers.base import VolumeDriver
from mycloud.volume.exports.board import Board
from mycloud.volume.tasks import backend

LOG = logging.getLogger(__name__)


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
        self.trouble = backend.start(self.driver)

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
            backend.export_again(ctxt, self.host, self.driver, self.board)
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
            (cfg.CONF.volume.stats_interval, self.tidy_exports),
            (cfg.CONF.volume.export_watch_interval, self.watch_exports),
        ]

    # -- operations ----------------------------------------------------------------------------

    def run_operation(self, ctxt: Any, operation_id: str) -> None:
        assert self.runner is not None
        self.runner.run(ctxt, operation_id)

    # -- connections ---------------------------------------------------------------------------

    def initialize_connection(
        self, ctxt: Any, attachment_id: str, connector: dict[str, Any], name: str | None = None
    ) -> dict[str, Any]:
        self._check_ready()
        attachment = Attachment.get(ctxt, attachment_id)
        source = self.driver.source(name or attachment.volume_name)
        return self.board.ensure(attachment, source, connector)

    def terminate_connection(self, ctxt: Any, attachment_id: str) -> None:
        self.board.remove(attachment_id)

    def open_copy(
        self, ctxt: Any, operation_id: str, name: str, connector: dict[str, Any]
    ) -> dict[str, Any]:
        self._check_ready()
        return self.board.lend(operation_id, self.driver.source(name), connector)

    def close_copy(self, ctxt: Any, operation_id: str) -> None:
        self.board.remove(operation_id)

    def list_exports(self, ctxt: Any) -> dict[str, Any]:
        self._check_ready()
        return {
            "volumes": self.driver.names(),
            "snapshots": self.driver.snapshot_names(),
            "exports": self.board.all(),
        }

    def list_manageable(self, ctxt: Any) -> list[dict[str, Any]]:
        self._check_ready()
        return [dataclasses.asdict(each) for each in self.driver.manageable()]

    def watch_exports(self, ctxt: Any) -> None:
        """Start again the exports whose process has died; compute hosts go on by themselves."""
        for key in self.board.revive():
            LOG.warning("The export of attachment %s had died and is there again", key)

    def tidy_exports(self, ctxt: Any) -> None:
        """End the exports that nothing needs any more."""
        backend.tidy_exports(ctxt, self.board)

    # -- the backend ---------------------------------------------------------------------------

    def publish(self, ctxt: Any) -> None:
        """Tell the scheduler what the backend has; a backend in trouble is tried again first."""
        if self.trouble is not None:
            before = self.trouble
            self.trouble = backend.start(self.driver)
            if self.trouble != before:
                self._tell_trouble(ctxt)
        pools = [] if self.trouble is not None else self.driver.pools()
        VolumePool.publish(
            ctxt, self.host, [backend.told(self.driver, pool) for pool in pools]
        )
