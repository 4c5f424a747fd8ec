"""The compute host's side: answers questions, runs operations, watches its guests."""

import logging
from typing import Any

import oslo_messaging as messaging
from oslo_config import cfg

from mycloud.agent.agent import Agent
from mycloud.agent.statistics import view
from mycloud.agent.statistics.sampler import Sampler
from mycloud.common import concurrency, context, exceptions, states
from mycloud.compute import rpcapi, tasks
from mycloud.compute.drivers import base as driver_base
from mycloud.compute.drivers import diagnostics
from mycloud.compute.tasks import reconcile, stalled, volumes
from mycloud.journal import rpcapi as doorbell
from mycloud.journal.runner import Owner, Runner, Turns
from mycloud.objects.host import Host

LOG = logging.getLogger(__name__)


class ComputeManager:
    """One compute host: its driver, its agent, its runner, its periodic work."""

    target = messaging.Target(version=rpcapi.VERSION)
    topic = rpcapi.TOPIC
    binary = "mycloud-compute"
    role = context.COMPUTE

    def __init__(self, host: str, driver: driver_base.ComputeDriver, agent: Agent):
        self.host = host
        self.driver = driver
        self.agent = agent
        self.turns = Turns()
        self.runner: Runner | None = None
        self.stalled = stalled.Stalled(driver, self._observe)

    # -- life ----------------------------------------------------------------------------------

    def init_host(self, owner: Owner) -> None:
        """Connect to the hypervisor; what runs on it goes on."""
        self.driver.init_host(self.host, self._on_event)
        self.agent.start()
        planners = tasks.planners(self.driver, self.agent)
        self.runner = Runner(owner, planners, doorbell.ring, turns=self.turns)

    def after_start(self) -> None:
        """Say what the host has, and adopt what runs on it; operations are left alone."""
        self.publish_inventory(context.admin_context())
        self.reconcile(context.admin_context())
        self.stalled.look()

    def stop(self) -> None:
        if self.runner is not None:
            self.runner.stop()
        self.stalled.stop()
        self.agent.stop()
        self.driver.close()

    def periodic_tasks(self) -> list[tuple[float, Any]]:
        """(interval in seconds, function of a context) pairs."""
        return [
            (cfg.CONF.compute.inventory_interval, self.publish_inventory),
            (cfg.CONF.compute.reconcile_interval, self.reconcile),
            (cfg.CONF.compute.image_prune_interval, self._prune_images),
        ]

    # -- operations ----------------------------------------------------------------------------

    def run_operation(self, ctxt: Any, operation_id: str) -> None:
        assert self.runner is not None
        self.runner.run(ctxt, operation_id)

    # -- questions -----------------------------------------------------------------------------

    def get_console_output(self, ctxt: Any, server_id: str, length: int | None) -> str:
        return self.driver.console_log(server_id, length)

    def get_diagnostics(self, ctxt: Any, server_id: str) -> dict[str, Any]:
        found = view.guest(server_id, *self.agent.host.part(Sampler).current())
        return diagnostics.with_rates(self.driver.diagnostics(server_id), found)

    def list_guests(self, ctxt: Any) -> dict[str, Any]:
        guests = self.driver.guests()
        return {
            "guests": {guest.server_id: guest.power_state.value for guest in guests},
            "volumes": reconcile.volumes_of(self.driver, guests),
            "leftovers": self.driver.leftovers(),
        }

    def call_agent(self, ctxt: Any, verb: str, params: dict[str, Any], seconds: float) -> Any:
        return self.agent.call(verb, params, timeout=seconds)

    # -- volumes of guests ---------------------------------------------------------------------

    def can_extend_volume(self, ctxt: Any, server_id: str, volume_id: str) -> bool:
        return self.driver.can_extend(server_id, volume_id)

    def extend_volume(self, ctxt: Any, server_id: str, volume: dict[str, Any]) -> None:
        with self.turns.of(server_id):
            self.driver.extend_volume(server_id, volume["id"], volume["size_bytes"])

    def copy_volume(self, ctxt: Any, server_id: str, target: dict[str, Any]) -> bool | None:
        with self.turns.of(server_id):
            return volumes.copy(self.driver, ctxt, server_id, target)

    # -- the host ------------------------------------------------------------------------------

    def publish_inventory(self, ctxt: Any) -> None:
        """Tell the database what the host has."""
        found = self.driver.inventory()
        Host.publish(
            ctxt,
            self.host,
            {
                "hypervisor_hostname": found.hypervisor_hostname,
                "hypervisor_type": found.hypervisor_type,
                "hypervisor_version": found.hypervisor_version,
                "vcpus": found.vcpus,
                "memory_mb": found.memory_mb,
                "disk_gb": found.disk_gb,
                "free_disk_gb": found.free_disk_gb,
                "cpu_info": found.cpu_info,
                "capabilities": {**found.capabilities, **self.agent.published()},
                "host_ip": self.driver.settings.address,
                "uptime": self.driver.uptime(),
            },
        )

    def reconcile(self, ctxt: Any) -> None:
        reconcile.run(ctxt, self.host, self.driver)
        reconcile.take_stray_volumes(ctxt, self.driver, self.turns)

    def _prune_images(self, ctxt: Any) -> None:
        """Make room of cached images that no guest uses."""
        self.driver.prune_images(cfg.CONF.compute.image_unused_seconds)

    def _on_event(self, event: driver_base.GuestEvent) -> None:
        """From the driver's event loop: the state in the API follows in well under 2 s."""
        if event.io_error:
            self.stalled.resume(event.server_id)
        concurrency.spawn(self._record, event.server_id, event.power_state)

    def _observe(self, server_id: str) -> None:
        """Record what a guest is doing now."""
        try:
            guest = self.driver.guest(server_id)
        except exceptions.MycloudError as error:
            LOG.warning("Guest %s can't be looked at: %s", server_id, error)
            return
        if guest is not None:
            self._record(server_id, guest.power_state)

    def _record(self, server_id: str, power_state: driver_base.PowerState) -> None:
        with context.role(self.role):
            try:
                reconcile.observe(
                    context.admin_context(), server_id, states.power_number(power_state.value)
                )
            except exceptions.MycloudError as error:
                # the periodic comparison will see it
                LOG.warning("The state of guest %s is not recorded: %s", server_id, error)
