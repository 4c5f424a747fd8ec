"""What a test does as root beside the cloud; a guest's root helper offers it as ``test_...``."""

import os

from mycloud.privileged import run as programs
from mycloud.privileged.arguments import AbsolutePath
from mycloud.privileged.expose import expose

_SECONDS = 300.0


@expose(touches="anything", deadline=_SECONDS)
def run(command: list[str]) -> str:
    """What a program of /usr/sbin or /usr/bin says."""
    program, *words = command
    place = "/usr/sbin" if os.path.exists(f"/usr/sbin/{program}") else "/usr/bin"
    return programs.run([f"{place}/{program}", *words], timeout=_SECONDS).stdout


@expose(touches="nothing", deadline=_SECONDS)
def read(path: AbsolutePath, offset: int, length: int) -> str:
    """Bytes of a file or a device, as hexadecimal digits."""
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(length).hex()


@expose(touches="a file or a device", deadline=_SECONDS)
def write(path: AbsolutePath, offset: int, data: str) -> None:
    """:param data: as hexadecimal digits"""
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(bytes.fromhex(data))
        file.flush()
        os.fsync(file.fileno())
