"""mycloud-api: the HTTP APIs."""

import sys

from mycloud.api import service as api_service
from mycloud.cmd import startup


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    program = startup.Program("mycloud-api", argv)
    program.choose_concurrency()
    program.parse_config()
    program.set_up_logging()
    program.set_lock_path()
    program.register_objects()
    program.enable_reports()
    program.open_bus()
    program.open_database()
    program.reach_conductor()
    running = program.launch(lambda: [api_service.ApiService()], workers=api_service.workers())
    return program.wait(running)


if __name__ == "__main__":
    sys.exit(main())
