"""The tests; the concurrency of the process is chosen here, before anything else."""

from mycloud.common import concurrency

concurrency.patch()
