"""How fast a volume of 1 GiB, of which 10 % is data, is backed up and restored.

``python -m benchmarks.backups [DIRECTORY]`` prints one line for each compression. Half of the data
compresses well, half not at all. CPU times hold on a busy machine too.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mycloud.common import concurrency

concurrency.patch()

from mycloud.disk import sparse  # noqa: E402
from mycloud.volume.drivers.base import Source  # noqa: E402
from mycloud.volume.repository import reading, transfer  # noqa: E402
from mycloud.volume.repository.directory import DirectoryRepository  # noqa: E402

_MIB = 1 << 20
_SIZE = 1 << 30
_CHUNK = 4 * _MIB


def make(disk: Path) -> None:
    """A volume in whose every tenth piece of 10 MiB there is data."""
    dice = random.Random(1)
    sparse.create(disk, _SIZE)
    with disk.open("r+b") as file:
        for place in range(0, _SIZE, 100 * _MIB):
            file.seek(place)
            for _ in range(10):
                file.write(dice.randbytes(_MIB // 2) + b"compresses well " * (_MIB // 32))
        file.flush()
        os.fsync(file.fileno())


def measure(work: Callable[[], object]) -> str:
    """Rate of the whole volume, seconds, and seconds of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return f"{_SIZE / 1e6 / wall:.0f} MB/s ({wall:.2f} s, CPU {cpu:.2f} s)"


def run(root: Path, disk: Path, compression: str) -> None:
    """A full backup, one on top of it that has nothing new, and its restore."""
    repository, target = DirectoryRepository(root / compression), root / "target"

    def store(name: str, parent: str | None) -> None:
        below = repository.manifest(parent) if parent else None
        job = transfer.Job(
            name, "volume", "2026-11-20T10:00:00", {}, _CHUNK, compression, below
        )
        with reading.opened(Source(disk), root / "state") as reader:
            transfer.store(repository, reader, job, _nothing)

    def restore() -> None:
        transfer.restore_to_new(repository, repository.manifest("b"), target, _nothing)

    print(compression, "full", measure(lambda: store("a", None)))
    print(compression, "incremental", measure(lambda: store("b", "a")))
    print(compression, "restore", measure(restore))
    stored = sum(ref.stored for ref in repository.manifest("b").chunks.values())
    print(f"{compression} stored {stored / 1e6:.0f} MB of {_SIZE / 1e6:.0f} MB")
    target.unlink()


def main() -> int:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as scratch:
        root = Path(scratch)
        make(root / "disk")
        for compression in ("zlib", "none"):
            run(root, root / "disk", compression)
    return 0


def _nothing() -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
