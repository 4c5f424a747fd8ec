"""mycloud-all: the embedded cloud, every service in one process."""

import sys

from oslo_config import cfg

from mycloud.api.service import ApiService
from mycloud.cmd import backends, hosts, startup
from mycloud.common.launcher import Launchable
from mycloud.conductor.manager import ConductorManager
from mycloud.scheduler.manager import SchedulerManager


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    program = startup.Program("mycloud-all", argv)
    program.choose_concurrency()
    program.parse_config()
    program.set_up_logging()
    program.set_lock_path()
    program.register_objects()
    program.enable_reports()
    program.open_bus()
    program.open_database()
    program.reach_conductor()

    def services() -> list[Launchable]:
        names = cfg.CONF.embedded.compute_hosts or [cfg.CONF.host]
        control = [program.service(ConductorManager()), program.service(SchedulerManager())]
        volumes = [
            program.service(backends.manager(name), host=backends.host_of(name))
            for name in backends.names()
        ]
        computes = [program.service(hosts.manager(name), host=name) for name in names]
        return [*control, *volumes, *computes, ApiService()]

    return program.wait(program.launch(services))


if __name__ == "__main__":
    sys.exit(main())
