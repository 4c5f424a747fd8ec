"""A cloud on this machine: starting, stopping, looking after it (``mycloud up`` and its kin)."""

from mycloud.common import concurrency

# the commands are short: native threads, and no eventlet at all
concurrency.patch(concurrency.THREADING)
