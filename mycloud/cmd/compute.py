"""mycloud-compute: runs servers on this host, without a database."""

import sys

from oslo_config import cfg

from mycloud.cmd import hosts, startup, verbs


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    program = startup.Program("mycloud-compute", argv)
    program.choose_concurrency()
    program.parse_config(agent=True)
    if verbs.asked_for():
        return verbs.show()
    program.set_up_logging()
    program.set_lock_path()
    program.register_objects()
    program.enable_reports()
    program.open_bus()
    program.deny_database()
    program.reach_conductor()
    running = program.launch(lambda: [program.service(hosts.manager(cfg.CONF.host))])
    return program.wait(running)


if __name__ == "__main__":
    sys.exit(main())
