#!/usr/bin/env python3
"""How long the slow tests take, so that a first run on a machine spreads them over its workers.

tools/times.py know REPOSITORY      tell stestr's repository what it does not know yet
tools/times.py keep REPOSITORY...   write tests/times.txt anew from what runs have taken there

A repository is a directory with a .stestr in it.
"""

import sys
from contextlib import closing
from dbm import dumb
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "tests" / "times.txt"
#: What takes less makes no difference.
SECONDS = 4


def know(repository: Path) -> None:
    """Add what is not known."""
    with closing(dumb.open(str(repository / ".stestr" / "times.dbm"), "c")) as known:
        for line in FILE.read_text().splitlines():
            seconds, test = line.split(" ", 1)
            known.setdefault(test, seconds)


def keep(repositories: list[Path]) -> None:
    """Write the file."""
    seconds: dict[str, float] = {}
    for repository in repositories:
        with closing(dumb.open(str(repository / ".stestr" / "times.dbm"), "r")) as known:
            seconds.update((test.decode(), float(known[test])) for test in known)
    FILE.write_text("".join(
        f"{took:.0f} {test}\n" for test, took in sorted(seconds.items()) if took >= SECONDS
    ))


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("know", "keep"):
        sys.exit(__doc__)
    if sys.argv[1] == "keep":
        keep([Path(each) for each in sys.argv[2:]])
    else:
        know(Path(sys.argv[2]))
