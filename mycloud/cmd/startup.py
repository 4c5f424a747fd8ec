"""The steps from a command line to a running service; each program calls them in order.

``Program.steps`` records the names of the steps that were taken.
"""

import functools
import logging
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any, TypeVar, cast

import oslo_messaging as messaging
from oslo_concurrency import lockutils
from oslo_config import cfg

from mycloud import conf, objects
from mycloud.common import backdoor, concurrency, exceptions, launcher, log_setup, reports, rpc
from mycloud.common.service import Manager, Service
from mycloud.conductor.rpcapi import ConductorAPI
from mycloud.conf import agent as conf_agent
from mycloud.conf import privileged as conf_privileged
from mycloud.conf import volume as conf_volume
from mycloud.db import engine
from mycloud.db.migrations import version as db_version
from mycloud.journal.hooks import ServiceHooks
from mycloud.objects import base as objects_base
from mycloud.objects import service as objects_service
from mycloud.privileged import client as privileged

LOG = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])


def step(method: F) -> F:
    """Record that the step was taken."""

    @functools.wraps(method)
    def recorded(self: "Program", *args: Any, **kwargs: Any) -> Any:
        self.steps.append(method.__name__)
        return method(self, *args, **kwargs)

    return cast(F, recorded)


class Program:
    """One program on its way up."""

    def __init__(self, name: str, argv: list[str] | None):
        self.name = name
        self.steps: list[str] = []
        self._argv = sys.argv[1:] if argv is None else argv
        self._conductor: ConductorAPI | None = None
        self._part = ""

    @step
    def choose_concurrency(self) -> None:
        """Green or native threads: chosen when mycloud.cmd was imported."""
        concurrency.patch()

    @step
    def parse_config(self, *, volume: bool = False, agent: bool = False) -> None:
        """Read command line and files. ``volume``: --backend_name is understood too; ``agent``:
        --list-verbs and --verbs-schema.

        :raises SystemExit: naming the option whose value is wrong
        """
        conf.register_all()
        if volume:
            conf_volume.register_command_line()
        if agent:
            conf_agent.register_command_line()
        log_setup.register()
        reports.register()
        try:
            cfg.CONF(self._argv, project="mycloud", prog=self.name, version=_version())
            check_values()
        except (cfg.Error, exceptions.ConfigError) as error:
            self._refuse(error)
        # nothing connects yet
        privileged.configure(conf_privileged.socket_path())

    @step
    def set_up_logging(self) -> None:
        log_setup.set_up()
        LOG.info("%s %s starts (%s)", self.name, _version(), concurrency.wanted_mode())

    @step
    def set_lock_path(self) -> None:
        """Locks between processes lie under the state directory."""
        lockutils.set_defaults(f"{cfg.CONF.state_path}/locks")

    @step
    def register_objects(self) -> None:
        objects.register_all()

    @step
    def enable_reports(self) -> None:
        reports.enable(self.name)

    @step
    def open_bus(self) -> None:
        """Nothing connects yet."""
        rpc.init(
            objects_base.Serializer(),
            oldest=objects_service.oldest_version,
            name=f"{self.name}-{cfg.CONF.host}{self._part}",
        )
        if messaging.TransportURL.parse(cfg.CONF).transport == "kombu+memory":
            # they warn of a host and a heartbeat, which a bus in memory has not
            for name in ("kombu.connection", "oslo.messaging._drivers.impl_rabbit"):
                logging.getLogger(name).setLevel(logging.ERROR)

    @step
    def open_database(self) -> None:
        """:raises SystemExit: the database's schema is not the one of this code"""
        open_database()
        try:
            db_version.check()
        except exceptions.MycloudError as error:
            self._refuse(error)

    @step
    def deny_database(self) -> None:
        """This program's code must not even know where the database is."""
        engine.unconfigure()
        place = cfg.CONF.get_location("connection", "database")
        if place is not None and place.location.is_user_controlled:
            LOG.warning("[database]/connection is set, but %s does not use it", self.name)
        cfg.CONF.set_override("connection", None, group="database")

    @step
    def reach_conductor(self) -> None:
        """Remotable methods of roles without a database go through the conductor."""
        self._conductor = ConductorAPI()
        objects_base.set_indirection(self._conductor)

    def rename(self, part: str) -> None:
        """This process is a part of the program: its log and its queues bear that name."""
        self._part = f"-{part}"

    @step
    def chosen_backends(self, enabled: list[str], wanted: str | None) -> list[str]:
        """The storage backends that this process is to run.

        :raises SystemExit: there are none, or the wanted one is not enabled
        """
        if not enabled:
            self._refuse(
                exceptions.ConfigError(
                    option="[volume]/enabled_backends",
                    reason="no backend is enabled; name at least one section",
                )
            )
        if wanted and wanted not in enabled:
            self._refuse(
                exceptions.Invalid(
                    f"--backend_name: there is no backend {wanted!r}; enabled are "
                    f"{', '.join(enabled)}."
                )
            )
        return [wanted] if wanted else enabled

    def service(self, manager: Manager, *, host: str | None = None) -> Service:
        """The service of a manager, on this host unless told."""
        hooks: Any = ServiceHooks(self._conductor)
        return Service(manager, host or cfg.CONF.host, hooks)

    @step
    def launch(
        self, make: Callable[[], list[launcher.Launchable]], *, workers: int = 1
    ) -> launcher.ServiceLauncher | launcher.ProcessLauncher:
        """Start the services; several workers only for one service.

        :raises SystemExit: one can't start; an option that is to blame is named
        """
        try:
            services = make()
            running = launcher.launch(services[0], workers=workers)
            for service in services[1:]:
                running.launch_service(service)
        except exceptions.MycloudError as error:
            self._refuse(error)
        self.open_backdoor()
        return running

    def open_backdoor(self) -> None:
        """Only when asked for; one port serves one process."""
        if cfg.CONF.backdoor_port is not None:
            try:
                backdoor.open_door(cfg.CONF.backdoor_port)
            except OSError as error:
                self._refuse(exceptions.ConfigError(option="backdoor_port", reason=str(error)))

    @step
    def wait(self, running: launcher.ServiceLauncher | launcher.ProcessLauncher) -> int:
        """Serve until told to end; gives the exit status."""
        return running.wait()

    def _refuse(self, error: Exception) -> None:
        message = error.message if isinstance(error, exceptions.MycloudError) else str(error)
        raise SystemExit(f"{self.name}: {message}") from None


def _version() -> str:
    return metadata.version("mycloud")


def check_values() -> None:
    """Look at every option once, so that a wrong value stops the start and not a request.

    :raises cfg.ConfigFileValueError: naming the option
    """
    for module in conf.GROUPS:
        section = cfg.CONF if module.GROUP == "DEFAULT" else cfg.CONF[module.GROUP]
        for opt in module.OPTS:
            getattr(section, opt.dest)
    pool = cfg.CONF.database
    _ = (pool.connection, pool.max_pool_size)


def open_database() -> None:
    """Configure this process's database; nothing connects yet."""
    options = cfg.CONF.database
    if not options.connection:
        raise exceptions.ConfigError(option="[database]/connection", reason="it is not set")
    if options.connection.startswith("sqlite"):
        engine.configure(options.connection)
    else:
        engine.configure(
            options.connection,
            max_pool_size=options.max_pool_size,
            max_overflow=options.max_overflow,
            pool_timeout=options.pool_timeout,
            connection_recycle_time=options.connection_recycle_time,
        )
