"""The disk of a real guest through NBD and iSCSI, against such a file attached directly; and how
long the control plane takes to attach and detach it.

``python -m benchmarks.guest_disk [--seconds N] [--rounds N]`` prints two tables. It needs root,
what the tests with real guests need, and gcc. The guest shares the CPUs with everything else, so
the ratios say more than the rates: run it on a quiet machine. Rounds take turns between the ways,
and medians are shown.
"""

import argparse
import datetime
import os
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

import tests  # noqa: F401 - chooses the concurrency first
from mycloud.client.operations import Operation
from tests.fixtures.guest_cloud import SOON, Guest, GuestCloud

_SOURCE = Path(__file__).with_name("guest_disk.c")
_MIB = 128
_WAYS = {
    "local": "the file itself",
    "nbd": "NBD, unix socket",
    "iscsi": "iSCSI",
}
#: what is done: direction, pattern, workers
_LOADS = (
    ("read", "seq", 1), ("write", "seq", 1), ("read", "rand", 1), ("write", "rand", 1),
    ("read", "rand", 8), ("write", "rand", 8),
)
#: the steps in which QEMU is asked, and waited for
_QEMU_STEPS = frozenset({"attach", "detach"})


def program() -> bytes:
    """The load, for any guest."""
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "load"
        subprocess.run(["gcc", "-O2", "-static", "-s", "-o", made, _SOURCE], check=True)
        return made.read_bytes()


def give_program(cloud: GuestCloud, guest: Guest) -> None:
    """Bring it into the guest, by way of a volume."""
    content = program()
    volume = cloud.volume()
    with cloud.file(volume.id).open("r+b") as file:
        file.write(content)
    device = guest.attach(volume.id)
    guest.shell.run(f"head -c {len(content)} /dev/{device} > /bin/load; chmod 755 /bin/load", SOON)
    guest.detach(volume.id)
    cloud.remove(volume.id)


def filled(cloud: GuestCloud, way: str) -> str:
    """A volume without holes where the load is."""
    volume = cloud.volume(way)
    with cloud.file(volume.id).open("r+b") as file:
        for _ in range(_MIB):
            file.write(os.urandom(1 << 20))
        file.flush()
        os.fsync(file.fileno())
    return volume.id


def rate(guest: Guest, device: str, load: tuple[str, str, int], seconds: float) -> float:
    """MiB or operations a second."""
    direction, pattern, workers = load
    said = guest.shell.run(
        f"load /dev/{device} {direction} {pattern} {workers} {seconds} {_MIB}", SOON
    )
    found = re.search(r"(\d+) (\d+\.\d+)", said)
    assert found is not None, said
    return int(found[1]) / float(found[2])


def milliseconds(operation: Operation) -> tuple[float, float]:
    """Of the whole operation, from the request on, and of QEMU's part."""
    assert operation.created_at is not None and operation.finished_at is not None
    began, ended = (
        datetime.datetime.fromisoformat(each)
        for each in (operation.created_at, operation.finished_at)
    )
    steps = [step for step in operation.steps if step.name in _QEMU_STEPS]
    qemu = sum(step.duration_s or 0.0 for step in steps)
    return (ended - began).total_seconds() * 1000, qemu * 1000


def attach_times(cloud: GuestCloud, guest: Guest, way: str, count: int) -> list[str]:
    """Two rows of the table."""
    member, volume = cloud.member, cloud.volume(way)
    found: dict[str, list[tuple[float, float]]] = {"attach": [], "detach": []}
    for _ in range(count):
        for verb, ask in (
            ("attach", member.server_volumes.attach), ("detach", member.server_volumes.detach)
        ):
            accepted = ask(guest.id, volume.id)
            assert accepted.operation_id is not None
            found[verb].append(
                milliseconds(member.operations.wait(accepted.operation_id, timeout=SOON))
            )
            # what looks at new disks has ended
            guest.shell.run("sleep 0.5; while pidof use-volume; do sleep 0.2; done", SOON)
    cloud.remove(volume.id)
    rows = []
    for verb, times in found.items():
        whole = statistics.median(total for total, _ in times)
        qemu = statistics.median(part for _, part in times)
        rest = statistics.median(total - part for total, part in times)
        met = "met" if rest < 200 else "**not met**"
        rows.append(
            f"| {verb}, {_WAYS[way]} | {whole:.0f} ms | {qemu:.0f} ms | {rest:.0f} ms | < 200 ms "
            f"| {met} |"
        )
    return rows


def throughput(cloud: GuestCloud, guest: Guest, seconds: float, rounds: int) -> list[str]:
    """The rows of the table."""
    volumes = {way: filled(cloud, way) for way in _WAYS}
    devices = {way: guest.attach(volume_id) for way, volume_id in volumes.items()}
    rows = []
    for load in _LOADS:
        direction, pattern, workers = load
        rates: dict[str, list[float]] = {way: [] for way in _WAYS}
        for _ in range(rounds):
            for way, device in devices.items():
                rates[way].append(rate(guest, device, load, seconds))
        medians = {way: statistics.median(each) for way, each in rates.items()}
        unit = "MiB/s" if pattern == "seq" else "/s"
        what = "sequential, 1 MiB" if pattern == "seq" else f"random, 4 KiB, {workers} at once"
        columns = [f"{medians['local']:.0f} {unit}"]
        columns += [
            f"{medians[way]:.0f} {unit} ({medians[way] / medians['local']:.2f})"
            for way in _WAYS if way != "local"
        ]
        rows.append(f"| {direction}, {what} | {' | '.join(columns)} |")
        print(rows[-1], flush=True)
    for volume_id in volumes.values():
        guest.detach(volume_id)
        cloud.remove(volume_id)
    return rows


def main() -> None:
    """Run it and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    before = os.getloadavg()[0]
    cloud = GuestCloud({way: f"export_protocol = {way}" for way in ("nbd", "iscsi")})
    cloud.setUp()
    try:
        guest = cloud.boot("bench")
        give_program(cloud, guest)
        rows = [
            row for way in _WAYS for row in attach_times(cloud, guest, way, 3 * args.rounds)
        ]
        print("\n".join(rows), flush=True)
        rates = throughput(cloud, guest, args.seconds, args.rounds)
    finally:
        cloud.cleanUp()
    print(f"\n{os.cpu_count()} CPUs; load before {before:.1f}, after {os.getloadavg()[0]:.1f}\n")
    print("| operation | whole | QEMU's step | the rest | goal | |\n|---|---|---|---|---|---|")
    print("\n".join(rows))
    print("\n| load in the guest | " + " | ".join(_WAYS.values()) + " |\n|---|---|---|---|")
    print("\n".join(rates))


if __name__ == "__main__":
    main()
