"""The programs. Importing any of them chooses the concurrency of the process, before all else."""

from mycloud.common import concurrency

concurrency.patch()
