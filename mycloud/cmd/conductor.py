"""mycloud-conductor: the database's door for compute hosts, and the journal's sweeper."""

import sys

from oslo_config import cfg

from mycloud.cmd import startup
from mycloud.conductor.manager import ConductorManager


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    program = startup.Program("mycloud-conductor", argv)
    program.choose_concurrency()
    program.parse_config()
    program.set_up_logging()
    program.set_lock_path()
    program.register_objects()
    program.enable_reports()
    program.open_bus()
    program.open_database()
    program.reach_conductor()
    running = program.launch(
        lambda: [program.service(ConductorManager())], workers=cfg.CONF.conductor.workers
    )
    return program.wait(running)


if __name__ == "__main__":
    sys.exit(main())
