"""Let guests go on that are paused because a disk did not answer, once it is back."""

import logging
from collections.abc import Callable

from mycloud.common import concurrency, exceptions
from mycloud.compute.drivers.base import ComputeDriver

LOG = logging.getLogger(__name__)

#: Seconds between two tries; what the guest was writing is written when it goes on.
_PAUSE = 1.0


class Stalled:
    """The stalled guests of a host; each has a task that tries until it runs, or is gone.

    :param report: told of each server whose guest goes on: the driver's events don't say so
    """

    def __init__(self, driver: ComputeDriver, report: Callable[[str], None]):
        self._driver = driver
        self._report = report
        self._trying: set[str] = set()
        self._stopping = concurrency.Event()

    def look(self) -> None:
        """Take up those that stalled while nobody looked."""
        for guest in self._driver.guests():
            if self._driver.io_error(guest.server_id):
                self.resume(guest.server_id)

    def resume(self, server_id: str) -> None:
        """Begin to try; returns at once."""
        if server_id not in self._trying:
            self._trying.add(server_id)
            concurrency.spawn(self._try, server_id)

    def stop(self) -> None:
        self._stopping.set()

    def _try(self, server_id: str) -> None:
        LOG.warning("Guest %s is paused: one of its disks does not answer", server_id)
        try:
            while not self._goes_on(server_id):
                if self._stopping.is_set():
                    return
        finally:
            self._trying.discard(server_id)
        LOG.info("Guest %s goes on", server_id)
        self._report(server_id)
        # meanwhile it may have stalled once more, and nobody was told
        if self._stalls(server_id):
            self.resume(server_id)

    def _goes_on(self, server_id: str) -> bool:
        """One try, after a pause."""
        if self._stopping.wait(_PAUSE):
            return False
        try:
            return not self._driver.io_error(server_id) or self._driver.resume_after_io_error(
                server_id
            )
        except exceptions.GuestNotFound:
            return True
        except exceptions.MycloudError as error:
            LOG.warning("Guest %s can't go on yet: %s", server_id, error.message)
            return False

    def _stalls(self, server_id: str) -> bool:
        try:
            return self._driver.io_error(server_id)
        except exceptions.MycloudError:
            # whoever can't be asked now is asked when the service starts anew
            return False
