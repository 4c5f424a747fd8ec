"""The programs of a machine that has joined: started, stopped, and waited for."""

from collections.abc import Callable

from mycloud.common import clock, concurrency
from mycloud.local import guests, supervisor
from mycloud.local.layout import Layout
from mycloud.local.node.record import Record
from mycloud.local.settings import LocalError, Tell

#: Seconds until the cloud must have heard of the machine: a libvirtd that asks QEMU for the first
#: time takes its time, and so does a guest that proves KVM.
START_SECONDS = 180
_PAUSE = 0.2


def start(layout: Layout, record: Record, tell: Tell) -> bool:
    """Start what does not run; False if everything ran already."""
    started = False
    for process in record.processes(layout):
        if process.pid(layout) is None:
            tell(f"Starting {process.name}")
            supervisor.start(layout, process)
            started = True
    return started


def stop(layout: Layout, record: Record, tell: Tell, *, guests_too: bool) -> bool:
    """Stop everything; False if nothing ran."""
    ended = supervisor.stop(layout, record.processes(layout))
    for name in ended:
        tell(f"{name} has ended")
    if guests_too:
        ended += guests.end(layout, record.name, tell)
    return bool(ended)


def wait(layout: Layout, record: Record, tell: Tell, ready: Callable[[], bool]) -> None:
    """Wait until the answer is true.

    :raises LocalError: a program has ended, or it takes too long
    """
    until = clock.monotonic() + START_SECONDS
    while not ready():
        for process in record.processes(layout):
            if process.pid(layout) is None:
                for line in supervisor.last_words(layout, process):
                    tell(f"  {line}")
                raise LocalError(f"{process.name} has ended; see {process.log(layout)}")
        if clock.monotonic() > until:
            raise LocalError(
                f"The cloud lists no host {record.name} after {START_SECONDS} s; see {layout.logs}"
            )
        concurrency.sleep(_PAUSE)
