"""mycloud-volume: the storage backends of this host, a process for each, without a database."""

import sys

from oslo_config import cfg

from mycloud.cmd import backends, startup
from mycloud.common import launcher
from mycloud.common.service import Service


class Backends(launcher.Launchable):
    """As many workers as there are backends; each runs its own."""

    def __init__(self, program: startup.Program, names: list[str]):
        self._program = program
        self._names = names
        self._service: Service | None = None

    def set_worker(self, number: int) -> None:
        """Run the backend of that number."""
        self._names = [self._names[number]]

    def start(self) -> None:
        """Serve; a bus of its own, so that answers come to the worker that asked."""
        [name] = self._names
        self._program.rename(name)
        self._program.open_bus()
        self._program.reach_conductor()
        self._service = self._program.service(
            backends.manager(name), host=backends.host_of(name)
        )
        self._service.start()

    def stop(self) -> None:
        if self._service is not None:
            self._service.stop()

    def wait(self) -> None:
        if self._service is not None:
            self._service.wait()

    def reset(self) -> None:
        if self._service is not None:
            self._service.reset()


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    program = startup.Program("mycloud-volume", argv)
    program.choose_concurrency()
    program.parse_config(volume=True)
    program.set_up_logging()
    program.set_lock_path()
    program.register_objects()
    program.enable_reports()
    program.deny_database()
    names = program.chosen_backends(backends.names(), cfg.CONF.backend_name)
    running = program.launch(lambda: [Backends(program, names)], workers=len(names))
    return program.wait(running)


if __name__ == "__main__":
    sys.exit(main())
