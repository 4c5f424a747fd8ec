"""Start daemons and be the parent that takes leave of what they leave behind.

libvirt waits until a QEMU that it stops, or finds dead, has gone even as a zombie.  That is
the work of the process with pid 1, and in containers and small virtual machines it does it
late or never: stopping a guest takes seconds there, or fails.  So the daemons get a nearer
parent, which does nothing else and ends when the last of them and of their guests has.

This file runs as a program of its own, in a bare interpreter::

    python -I -S reaper.py COMMAND [ARGUMENT...]

It ends with COMMAND's exit status as soon as that has ended; the parent stays behind.
"""

import ctypes
import os
import sys

_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NAME = 15


def main(command: list[str]) -> int:
    """Run the command under a new parent; returns its exit status."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        _be_parent(command, writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    return int(said) if said else 1


def _be_parent(command: list[str], writing: int) -> None:
    os.setsid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        # the daemons then have pid 1 for a parent, as they would without us
        print(os.strerror(ctypes.get_errno()), file=sys.stderr)
    libc.prctl(_PR_SET_NAME, b"mycloud-reaper", 0, 0, 0)
    child = os.spawnvp(os.P_NOWAIT, command[0], command)
    _, status = os.waitpid(child, 0)
    # nobody may wait for us by waiting for the end of our output
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.write(writing, str(os.waitstatus_to_exitcode(status) & 0xFF).encode())
    os.close(writing)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
